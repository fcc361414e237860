// SPDX-License-Identifier: Apache-2.0
internal import Certification
internal import Demonstration
package import Planning

/// What `swiftlet plan` prints: the plans that one would choose in given conditions, the best first, and why the others aren't.
package struct PlanReport: Encodable {
    package struct Gate: Encodable {
        package var exit: Int
        package var name: String
        package var threshold: Double
    }

    package struct Sending: Encodable {
        /// On the board; 0 for the frame.
        package var cut: Int
        package var name: String
        package var payload: String
        /// Where the cloud stops; left out: at the end.
        package var exit: Int?
    }

    package struct Entry: Encodable {
        /// As `only` of a policy takes it.
        package var plan: String
        package var description: String
        package var gates: [Gate]
        package var upload: Sending?
        package var insurance: Gate?
        /// By name and unit; shares are 0 … 1.
        package var figures: [String: Double]
        /// Left out of the first.
        package var lost: String?
        /// How many plans that come to the same figures aren't listed.
        package var alike: Int
        let cells: [String]

        private enum CodingKeys: String, CodingKey { case plan, description, gates, upload, insurance, figures, lost, alike }
    }

    /// How many there are to choose among.
    package var plans: Int
    /// How many images the table was measured on: what every figure rests on.
    package var samples: Int
    /// Of the first plan, with 95 % confidence, as far as images are like the table's: exact (Clopper and Pearson), but not for having been chosen.
    package var accuracy_interval: ClosedRange<Double>
    package var harm_interval: ClosedRange<Double>
    package var ranking: [Entry]
    /// Constraints that no plan keeps together with those before them, and those behind.
    package var demoted: [String]
    /// Those that the first plan doesn't keep.
    package var violated: [String]

    /// - Parameters:
    ///   - samples: of the table that the space was made of.
    ///   - count: how many plans to rank at most; of those with the same figures, one after the other, the first.
    package init(_ space: PlanSpace, by policy: Policy, in conditions: Conditions, names: PlanNames, samples: Int, count: Int) {
        let choice = space.choose(by: policy, in: conditions, ranked: min(8 * count, space.plans.count))
        let first = choice.ranking[0].figures
        var distinct: [(entry: Choice.Entry, alike: Int)] = []
        for entry in choice.ranking {
            if let last = distinct.indices.last, distinct[last].entry.figures == entry.figures {
                distinct[last].alike += 1
            } else {
                distinct.append((entry, 0))
            }
        }
        func gate(_ gate: Plan.Gate) -> Gate { Gate(exit: gate.exit, name: names.name(ofExit: gate.exit), threshold: gate.threshold) }
        plans = space.plans.count
        self.samples = samples
        accuracy_interval = Self.interval(first[.accuracy], of: samples)
        harm_interval = Self.interval(first[.harm], of: samples)
        ranking = distinct.prefix(count).map { entry, alike in
            let plan = space.plans[entry.plan]
            var figures: [String: Double] = [:]
            for figure in Figure.allCases { figures[figure.jsonKey] = figure.scaled(entry.figures[figure]) }
            return Entry(
                plan: plan.exactText, description: names.describe(plan), gates: plan.gates.map(gate),
                upload: plan.upload.map { Sending(cut: $0.cut, name: names.name(ofCut: $0.cut), payload: $0.payload.description, exit: $0.exit) },
                insurance: plan.insurance.map(gate), figures: figures, lost: entry.lost?.words(entry.figures, first: first, policy: policy),
                alike: alike, cells: Figure.allCases.map { $0.cell(entry.figures[$0]) })
        }
        demoted = choice.demoted.map(\.words)
        violated = choice.violated.map { "\($0.words): \($0.figure.words(first[$0.figure]))" }
    }

    /// A row of figures a plan, and below it what it does and why it lost.
    package var text: String {
        let rows = [[""] + Figure.allCases.map(\.heading)] + ranking.enumerated().map { ["\($0.offset + 1)"] + $0.element.cells }
        var lines = aligned(rows, words: 0)
        for (index, entry) in ranking.enumerated().reversed() {
            var words = folded(entry.description + (entry.alike > 0 ? " (and \(entry.alike) more that come to the same)" : ""))
            if let lost = entry.lost { words += folded("lost: \(lost)") }
            lines.insert(contentsOf: words, at: index + 2)
        }
        if let infeasible = demoted.first {
            let rest = demoted.dropFirst().map { "'\($0)'" }
            let missed = rest.isEmpty ? " is missed by as little as can be." : ": it, then \(rest.joined(separator: ", then ")), are missed by as little as can be."
            lines += folded("No plan keeps '\(infeasible)' beside the constraints before it" + (rest.isEmpty ? "; it" : "") + missed, indentation: "")
        }
        let intervals = "right \(Self.words(accuracy_interval)), harm \(Self.words(harm_interval)) with 95 % confidence"
        lines += folded("Of \(counted(samples, "sample")): the first plan \(intervals).", indentation: "")
        if !violated.isEmpty { lines += folded("Not kept by the first plan: \(violated.joined(separator: "; ")).", indentation: "") }
        return lines.joined(separator: "\n")
    }

    /// A share that lies between two counts, as where answers are in time with some probability, has the bounds of both.
    private static func interval(_ share: Double, of samples: Int) -> ClosedRange<Double> {
        let count = min(max(share, 0), 1) * Double(samples)
        // Sums of shares round.
        let (below, above) = (Int((count + 1e-6).rounded(.down)), Int((count - 1e-6).rounded(.up)))
        let confidence = PairReport.confidence
        let lower = Proportion(below, of: samples).interval(confidence: confidence).lowerBound
        let upper = Proportion(max(above, below), of: samples).interval(confidence: confidence).upperBound
        return lower...upper
    }

    private static func words(_ interval: ClosedRange<Double>) -> String { "\(PairReport.percent(interval.lowerBound)) … \(PairReport.percent(interval.upperBound)) %" }

    /// Lines of at most 118 characters.
    private func folded(_ text: String, indentation: String = "   ") -> [String] {
        var lines: [String] = []
        var line = indentation
        for word in text.split(separator: " ") {
            if line.count + word.count > 117 {
                lines.append(line)
                line = indentation + " "
            }
            line += (line == indentation ? "" : " ") + word
        }
        return lines + [line]
    }
}
