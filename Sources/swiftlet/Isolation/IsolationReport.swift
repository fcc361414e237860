// SPDX-License-Identifier: Apache-2.0
internal import Demonstration

/// What `swiftlet bench-isolation` prints.
struct IsolationReport: Encodable, CustomStringConvertible {
    struct Ratio: Encodable {
        var ratio: Double
        var lower: Double
        var upper: Double
        var typical: Double

        init?(_ ratio: QuantileRatio?) {
            guard let ratio else { return nil }
            self.ratio = ratio.ratio
            lower = ratio.lower
            upper = ratio.upper
            typical = ratio.typical
        }
    }

    /// One quantity of one condition, in milliseconds, with the ratios to the cloud switched off.
    struct Times: Encodable {
        var p50_ms: Double?
        var p99_ms: Double?
        var p50: Ratio?
        var p99: Ratio?

        init(_ times: [[Double]], reference: [[Double]]) {
            let all = times.flatMap { $0 }.sorted()
            p50_ms = all.quantile(0.5)
            p99_ms = all.quantile(0.99)
            p50 = Ratio(QuantileRatio(0.5, of: times, to: reference))
            p99 = Ratio(QuantileRatio(0.99, of: times, to: reference))
        }
    }

    struct Row: Encodable {
        var condition: IsolationCondition
        var frames: Int
        /// Shares of the decided frames.
        var asked: Double
        var answered: Double
        var replaced: UInt64
        /// From taking up a frame to what the board's network said.
        var computing: Times
        /// From the camera's hand-over to what the board's network said.
        var whole: Times
    }

    var rounds: Int
    /// Whether agent and cloud had a core each.
    var pinned: Bool
    var conditions: [Row]

    init(rounds: Int, isPinned: Bool, blocks: [IsolationCondition: [IsolationBench.Block]]) {
        self.rounds = rounds
        pinned = isPinned
        let reference = blocks[.off] ?? []
        conditions = IsolationCondition.allCases.compactMap { condition in
            guard let own = blocks[condition] else { return nil }
            let decided = Double(max(own.reduce(0) { $0 + $1.decided }, 1))
            return Row(
                condition: condition, frames: own.reduce(0) { $0 + $1.whole.count },
                asked: Double(own.reduce(0) { $0 + $1.asked }) / decided, answered: Double(own.reduce(0) { $0 + $1.answered }) / decided,
                replaced: own.reduce(0) { $0 + $1.replaced },
                computing: Times(own.map(\.computing), reference: reference.map(\.computing)),
                whole: Times(own.map(\.whole), reference: reference.map(\.whole)))
        }
    }

    var description: String {
        var lines = [
            "| cloud | frames | asked | by cloud | frame p50, ms | p99, ms | p50 / off | p99 / off (95 %) | by round | inference p99 / off (95 %) |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for row in conditions {
            lines.append(
                "| \(row.condition.rawValue) | \(row.frames) | \(fixed(row.asked * 100, 0)) % | \(fixed(row.answered * 100, 0)) % "
                    + "| \(fixed(row.whole.p50_ms ?? 0, 3)) | \(fixed(row.whole.p99_ms ?? 0, 3)) | \(fixed(row.whole.p50?.ratio ?? 0, 3)) "
                    + "| \(Self.text(row.whole.p99)) | \(fixed(row.whole.p99?.typical ?? 0, 3)) | \(Self.text(row.computing.p99)) |")
        }
        return lines.joined(separator: "\n")
    }

    private static func text(_ ratio: Ratio?) -> String {
        ratio.map { "\(fixed($0.ratio, 3)) (\(fixed($0.lower, 3)) … \(fixed($0.upper, 3)))" } ?? "–"
    }
}
