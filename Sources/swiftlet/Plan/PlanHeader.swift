// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
internal import Planning
internal import Settings

/// What a choice was asked for, above its table.
struct PlanHeader {
    var network: String
    var plans: Int
    var board: String
    /// `nil`: none.
    var link: Radio?
    var server: String
    var policyFile: String
    var settings: PolicySettings
    var policy: Policy
    /// Seconds from frame to frame.
    var period: Double

    /// The file's name without folder and extension.
    var policyName: String { ModelFile.name(of: policyFile) }

    /// - Parameter withUplink: `false` where that is what is varied.
    func text(withUplink: Bool = true) -> String {
        var carrier = "none: nothing arrives"
        if let link {
            let rate = withUplink ? "\(fixed(link.uplink, 2)) Mbit/s, " : ""
            carrier = "\(link.name): \(rate)round trip \(Figure.latency.words(link.roundTrip))"
        }
        let end = policy.deadline.map { "decided within \(Figure.latency.words($0))" } ?? "the cloud is awaited without end"
        return """
            \(network): \(counted(plans, "plan"))\(settings.family == .all ? "" : " of \(settings.family.rawValue)")
            board   \(board)
            link    \(carrier)
            server  \(server)
            frames  one every \(Figure.latency.words(period)); \(end)
            policy  \(wishes)
            """
    }

    /// The policy in one or two lines.
    private var wishes: String {
        let bounds = zip(settings.constraints.filter { policy.deadline != nil || !$0.isDeadline }, policy.constraints).map { bound, constraint in
            if case .accuracyLoss(let loss) = bound { return "\(constraint.words) (\(fixed(loss * 100, 2)) below the full model)" }
            return constraint.words
        }
        let keeps = bounds.isEmpty ? "" : "keep \(bounds.joined(separator: ", then "));\n        "
        return "\(policyName): \(keeps)best \(policy.targets.map(\.words).joined(separator: ", then "))"
    }
}

extension PolicySettings.Bound {
    fileprivate var isDeadline: Bool { if case .deadline = self { true } else { false } }
}
