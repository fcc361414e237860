// SPDX-License-Identifier: Apache-2.0
package import Gating

extension Gate {
    /// The gate where the file says nothing.
    package static let standard = Gate.threshold(.topOne, 0.8)

    /// Reads `measure` and `threshold`, or exactly one of `all`, `any` (lists of gates) and `not` (a gate).
    init(_ section: inout Section) {
        let all = section.list("all") { Gate(&$0) }
        let any = section.list("any") { Gate(&$0) }
        let not = section.optionalSection("not") { Gate(&$0) }
        let combinations = ["all", "any", "not"].filter { section.has($0) != nil }
        guard combinations.isEmpty else {
            for key in combinations.dropFirst() { section.report(key, "expected only one of all, any, not") }
            for key in ["measure", "threshold"] where section.has(key) != nil {
                section.report(key, "expected '\(combinations[0])' alone")
            }
            section.ignore(["measure", "threshold"])
            for (key, gates) in [("all", all), ("any", any)] where gates?.isEmpty == true {
                section.report(key, "expected at least one gate")
            }
            self = all.map(Gate.all) ?? any.map(Gate.any) ?? not.map(Gate.not) ?? .standard
            return
        }
        let measure = section.value("measure", ValueKind<Measure>.choice, default: .topOne)
        switch measure {
        case .topOne:
            self = .threshold(measure, section.value("threshold", .fraction(0...1), default: 0.8))
        case .margin, .entropy, .score:
            self = .threshold(measure, section.required("threshold", .fraction(0...1)) ?? 0)
        case .energy:
            self = .threshold(measure, section.required("threshold", .number(-1_000_000...1_000_000)) ?? 0)
        }
    }
}
