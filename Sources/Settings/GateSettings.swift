// SPDX-License-Identifier: Apache-2.0
package import Gating

/// A gate as a configuration file has it: its classes are names until the network's labels are known.
package indirect enum GateSettings: Hashable, Sendable {
    case threshold(Measure, Double, classes: [ClassThreshold] = [])
    case all([GateSettings])
    case any([GateSettings])
    case not(GateSettings)

    /// The threshold of one class.
    package struct ClassThreshold: Hashable, Sendable {
        /// A label, or the class's position in the label list.
        package var name: String
        package var threshold: Double
        /// The line of the file that says so.
        package var line: Int

        package init(name: String, threshold: Double, line: Int) {
            self.name = name
            self.threshold = threshold
            self.line = line
        }
    }

    /// Why a gate doesn't go together with a network, in one line.
    package struct Mismatch: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// Reads `measure`, `threshold` and `classes`, or exactly one of `all`, `any` (lists of gates) and `not` (a gate).
    init(_ section: inout Section) {
        let all = section.list("all") { GateSettings(&$0) }
        let any = section.list("any") { GateSettings(&$0) }
        let not = section.optionalSection("not") { GateSettings(&$0) }
        let combinations = ["all", "any", "not"].filter { section.has($0) != nil }
        guard combinations.isEmpty else {
            for key in combinations.dropFirst() { section.report(key, "expected only one of all, any, not") }
            for key in ["measure", "threshold", "classes"] where section.has(key) != nil {
                section.report(key, "expected '\(combinations[0])' alone")
            }
            section.ignore(["measure", "threshold", "classes"])
            for (key, gates) in [("all", all), ("any", any)] where gates?.isEmpty == true {
                section.report(key, "expected at least one gate")
            }
            self = all.map(GateSettings.all) ?? any.map(GateSettings.any) ?? not.map(GateSettings.not) ?? .threshold(.topOne, 0.8)
            return
        }
        let measure = section.value("measure", ValueKind<Measure>.choice, default: .topOne)
        let threshold: Double
        let kind = measure == .energy ? ValueKind.number(-1_000_000...1_000_000) : .fraction(0...1)
        switch measure {
        case .topOne: threshold = section.value("threshold", kind, default: 0.8)
        case .margin, .entropy, .energy, .score: threshold = section.required("threshold", kind) ?? 0
        }
        let classes = section.table("classes", kind).map { ClassThreshold(name: $0.name, threshold: $0.value, line: $0.position.line) }
        self = .threshold(measure, threshold, classes: classes)
    }

    /// The gate for a network.
    ///
    /// - Parameter classes: how many the network has; its labels may be fewer, or none.
    package func gate(labels: [String], classes: Int) throws(Mismatch) -> Gate {
        switch self {
        case .threshold(let measure, let threshold, let own):
            var thresholds: [Int: Double] = [:]
            for entry in own {
                let place = "line \(entry.line): gate.classes: \(entry.name.quoted)"
                guard let index = labels.firstIndex(of: entry.name) ?? Int(entry.name).flatMap({ (0..<classes).contains($0) ? $0 : nil }) else {
                    let meant = entry.name.nearest(of: labels).map { ", did you mean \($0.quoted)?" } ?? ""
                    throw Mismatch(description: "\(place) is none of the network's \(classes) classes\(meant)")
                }
                guard thresholds.updateValue(entry.threshold, forKey: index) == nil else {
                    throw Mismatch(description: "\(place) is a class that has a threshold already")
                }
            }
            return thresholds.isEmpty ? .threshold(measure, threshold) : .perClass(measure, thresholds: thresholds, otherwise: threshold)
        case .all(let gates): return .all(try Self.gates(gates, labels, classes))
        case .any(let gates): return .any(try Self.gates(gates, labels, classes))
        case .not(let gate): return .not(try gate.gate(labels: labels, classes: classes))
        }
    }

    private static func gates(_ gates: [GateSettings], _ labels: [String], _ classes: Int) throws(Mismatch) -> [Gate] {
        var result: [Gate] = []
        for gate in gates { result.append(try gate.gate(labels: labels, classes: classes)) }
        return result
    }
}

extension Gate {
    /// The gate where neither the file nor the bundle says anything.
    package static let standard = Gate.threshold(.topOne, 0.8)
}

extension StreamGate.Settings {
    init(_ section: inout Section) {
        self.init()
        hysteresis = section.value("hysteresis", .fraction(0...1), default: hysteresis)
        frames = section.value("ask-frames", .integer(1...1_000_000), default: frames)
        interval = section.value("ask-interval", .duration(.milliseconds(1) ... .seconds(3600)), default: interval)
        longestInterval = section.value("longest-interval", .duration(.milliseconds(1) ... .seconds(86_400)), default: longestInterval)
        carry = section.value("carry", .duration(.zero ... .seconds(3600)), default: carry)
        if longestInterval < interval { section.report("longest-interval", "shorter than stream.ask-interval") }
    }
}
