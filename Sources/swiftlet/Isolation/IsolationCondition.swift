// SPDX-License-Identifier: Apache-2.0
internal import Rehearsal

/// What the cloud is like in a block of the isolation benchmark.
enum IsolationCondition: String, CaseIterable, Encodable {
    /// No cloud: what the others are measured against.
    case off
    /// The same once more: how far apart equal conditions come out on this machine.
    case offAgain = "off, again"
    case connected
    case refused
    case blackHoled = "black-holed"
    /// A round trip of two seconds.
    case slow = "slow, 2 s"
    /// Twenty kilobytes a second.
    case narrow = "slow, 20 kB/s"

    /// `nil` without a cloud.
    var link: LinkRelay.Condition? {
        switch self {
        case .off, .offAgain: nil
        case .connected: .open
        case .refused: .refusing
        case .blackHoled: .blackHoled
        case .slow: .delayed(.seconds(1))
        case .narrow: .limited(bytesPerSecond: 20_000)
        }
    }
}
