// SPDX-License-Identifier: Apache-2.0

/// What is in the drone's way.
package enum Obstacle: Int, CaseIterable, Sendable {
    case clear, tree, building, mast, person, vehicle, animal, bird, drone, landingPad

    /// The name that people and sidecar files use; `allCases` is the order of the networks' outputs.
    package var label: String {
        switch self {
        case .clear: "clear"
        case .tree: "tree"
        case .building: "building"
        case .mast: "mast"
        case .person: "person"
        case .vehicle: "vehicle"
        case .animal: "animal"
        case .bird: "bird"
        case .drone: "drone"
        case .landingPad: "landing pad"
        }
    }
}
