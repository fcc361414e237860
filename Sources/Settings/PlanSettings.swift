// SPDX-License-Identifier: Apache-2.0

/// Choosing, as conditions change, what the board runs and what it sends.
package struct PlanSettings: Hashable, Sendable {
    /// What the board sends over: what is assumed of the link before anything was sent, and what the radio draws.
    package enum RadioKind: String, CaseIterable, Hashable, Sendable {
        /// As the network interface that reaches the broker.
        case auto
        case wifi
        case lte
        case threeG = "3g"
        case wired
    }

    package var policyFile: String
    package var policy: PolicySettings
    package var radio = RadioKind.auto
    /// Watts that computing draws, beside what the board draws anyway.
    package var power = 3.0

    package init(policyFile: String, policy: PolicySettings) {
        self.policyFile = policyFile
        self.policy = policy
    }

    /// Reads the policy's file, too: its problems are problems of the key.
    init?(_ section: inout Section) {
        let path = section.required("policy", .path(from: section.findings.folder))
        let radio = section.value("radio", .choice, default: RadioKind.auto)
        let power = section.value("power", .number(0...1000, unit: "W"), default: 3)
        guard let path else { return nil }
        do {
            self.init(policyFile: path, policy: try PolicySettings.load(path))
        } catch {
            for line in error.lines { section.report("policy", line) }
            return nil
        }
        (self.radio, self.power) = (radio, power)
    }
}
