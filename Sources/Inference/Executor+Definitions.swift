// SPDX-License-Identifier: Apache-2.0

extension Executor {
    /// One line for people about the steps that run an operation's definition; `nil` where all have a kernel.
    package var definitionWarning: String? {
        let steps = plan
        let slow = steps.filter(\.isDefinition).map(\.node)
        guard !slow.isEmpty else { return nil }
        let names = slow.prefix(4).joined(separator: ", ") + (slow.count > 4 ? " and \(slow.count - 4) more" : "")
        return "\(slow.count) of \(steps.count) steps have no kernel and run their operation's definition: slow, and they reserve memory at each run: \(names)"
    }
}
