// SPDX-License-Identifier: Apache-2.0

/// Choosing, as conditions change, what the board runs and what it sends.
package struct PlanSettings: Hashable, Sendable {
    package var policyFile: String
    package var policy: PolicySettings

    package init(policyFile: String, policy: PolicySettings) {
        self.policyFile = policyFile
        self.policy = policy
    }

    /// Reads the policy's file, too: its problems are problems of the key.
    init?(_ section: inout Section) {
        guard let path = section.required("policy", .path(from: section.findings.folder)) else { return nil }
        do {
            self.init(policyFile: path, policy: try PolicySettings.load(path))
        } catch {
            for line in error.lines { section.report("policy", line) }
            return nil
        }
    }
}
