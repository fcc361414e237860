// SPDX-License-Identifier: Apache-2.0
package import Planning

extension PolicySettings: SettingsFile {
    /// Each is a copy of all plans with gates.
    private static let mostLevels = 16

    package static func read(_ root: inout Section) -> PolicySettings? { PolicySettings(&root) }

    init(_ root: inout Section) {
        self.init(targets: [])
        family = root.value("family", .choice, default: family)
        let problems = root.findings.problems.count
        only = root.optional("only", .plan)
        let thresholds = root.values("thresholds", .fraction(0...1), atMost: Self.mostLevels)
        let risks = root.values("risks", .fraction(0...1), atMost: Self.mostLevels)
        levels = thresholds.map(GateLevel.threshold) + risks.map(GateLevel.risk)
        if levels.isEmpty, only == nil, family.asksExits, root.findings.problems.count == problems {
            root.report("family", "the exits of \(family.rawValue) need thresholds or risks")
        }
        insurance = root.value("insurance", .choice, default: insurance)
        if insurance == .always, !family.insures { root.report("insurance", "no plan of the family \(family.rawValue) has one") }
        constraints = root.list("constraints") { Bound(&$0) }?.compactMap(\.self) ?? []
        targets = root.list("targets") { Policy.Target(&$0) } ?? []
        if targets.isEmpty { root.report("targets", "expected at least one figure to be as good as it can") }
        hysteresis = root.value("hysteresis", .fraction(0...1), default: hysteresis)
        step = root.value("step", .fraction(0...1), default: step)
        maximumInFlight = root.value("max-in-flight", .integer(1...64), default: maximumInFlight)
        probesPerHour = root.value("probes-per-hour", .integer(0...3600), default: probesPerHour)
    }
}

extension PolicySettings.Bound {
    /// Reads exactly one figure with its bound; `nil` with a problem reported.
    init?(_ section: inout Section) {
        var bounds: [Self] = []
        func add(_ bound: Self?) { if let bound { bounds.append(bound) } }
        for figure in [Figure.latency, .highLatency] {
            let kind = ValueKind<Duration?>.automatic(or: .duration(.microseconds(100) ... .seconds(3600)), named: "deadline")
            add(section.optional(figure.key, kind).map { $0.map { .value(figure, $0.seconds) } ?? .deadline(figure) })
        }
        add(section.optional(Figure.misses.key, .fraction(0...1)).map { .value(.misses, $0) })
        add(section.optional(Figure.throughput.key, .number(0.001...100_000, unit: "fps")).map { .value(.throughput, $0) })
        add(section.optional(Figure.accuracy.key, .fraction(0...1)).map { .value(.accuracy, $0) })
        add(section.optional("accuracy-loss", .fraction(0...1)).map { .accuracyLoss($0) })
        add(section.optional(Figure.harm.key, .fraction(0...1)).map { .value(.harm, $0) })
        add(section.optional(Figure.energy.key, .number(0...1_000_000, unit: "mJ")).map { .value(.energy, $0 / 1000) })
        add(section.optional(Figure.serverTime.key, .duration(.zero ... .seconds(3600))).map { .value(.serverTime, $0.seconds) })
        add(section.optional(Figure.bytes.key, .bytes(0...1_000_000_000)).map { .value(.bytes, Double($0)) })
        if section.isEmpty || bounds.count > 1 {
            let found = bounds.isEmpty ? "none" : "\(bounds.count)"
            section.findings.problems.append(Problem(at: section.position, key: section.path, "expected one figure with its bound, found \(found)"))
        }
        guard bounds.count == 1 else { return nil }
        self = bounds[0]
    }
}

extension Policy.Target {
    init(_ section: inout Section) {
        let figure = section.required("figure", .figure)
        self.init(figure ?? .latency, slack: section.value("slack", .fraction(0...1), default: 0))
    }
}

extension Figure {
    /// Its name in files.
    package var key: String { String(name.map { $0 == " " ? "-" : $0 }) }
}

extension ValueKind where Value == Plan {
    static var plan: Self { Self("a plan, as the log and `swiftlet plan --json` say it") { Plan($0) } format: { "\($0)" } }
}

extension ValueKind where Value == Figure {
    package static var figure: Self {
        Self(Figure.allCases.map(\.key).joined(separator: " | ")) { text in
            Figure.allCases.first { $0.key == text }
        } format: {
            $0.key
        }
    }
}
