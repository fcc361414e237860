// SPDX-License-Identifier: Apache-2.0
package import Planning
package import Settings

/// What is assumed of board, source and link before anything was observed, and what isn't observed at all.
package struct PlanAssumptions: Hashable, Sendable {
    /// Assumed of the network before anything was sent over it, with its name and the powers of its states.
    package var radio: Radio
    /// Whether another kind of network brings another radio.
    package var followsNetwork = false
    /// Watts that computing draws, beside what the board draws anyway.
    package var power: Double
    /// From frame to frame, before any came.
    package var framePeriod: Double
    /// Whether the source waits until there is room for a frame.
    package var framesWait = false

    package init(radio: Radio = .wifi, power: Double = 3, framePeriod: Double = 0.1) {
        (self.radio, self.power, self.framePeriod) = (radio, power, framePeriod)
    }

    package init(_ settings: PlanSettings) {
        let radio: Radio =
            switch settings.radio {
            case .auto, .wifi: .wifi
            case .lte: .lte
            case .threeG: .threeG
            case .wired: .wired
            }
        self.init(radio: radio, power: settings.power)
        followsNetwork = settings.radio == .auto
    }
}
