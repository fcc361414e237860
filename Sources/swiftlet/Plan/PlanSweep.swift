// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
internal import Glibc
package import Planning

/// What is chosen at each bandwidth, all else being the same.
package struct PlanSweep: Encodable {
    package struct Point: Encodable {
        /// Mbit/s.
        package var uplink: Double
        /// Index into ``PlanSweep/plans``.
        package var plan: Int
        /// As in ``PlanReport/Entry``.
        package var figures: [String: Double]
        /// Constraints that aren't kept.
        package var violated: [String]
        let values: Figures

        private enum CodingKeys: String, CodingKey { case uplink = "uplink_mbps", plan, figures, violated }
    }

    /// Those that are chosen somewhere, in the order of the bandwidth from which on they are.
    package var plans: [String]
    package var points: [Point]

    package static let range = 0.5...100.0

    /// Evenly over orders of magnitude, both ends included.
    ///
    /// - Precondition: `count` is at least 2.
    package static func uplinks(_ count: Int) -> [Double] {
        (0..<count).map { range.lowerBound * pow(range.upperBound / range.lowerBound, Double($0) / Double(count - 1)) }
    }

    /// - Parameter conditions: with a link.
    package init(_ space: PlanSpace, by policy: Policy, in conditions: Conditions, names: PlanNames, uplinks: [Double]) {
        var known: [Int] = []
        points = uplinks.map { uplink in
            var conditions = conditions
            conditions.link?.radio.uplink = uplink
            let choice = space.choose(by: policy, in: conditions, ranked: 1)
            let values = choice.ranking[0].figures
            let place = known.firstIndex(of: choice.plan) ?? known.count
            if place == known.count { known.append(choice.plan) }
            var figures: [String: Double] = [:]
            for figure in Figure.allCases { figures[figure.jsonKey] = figure.scaled(values[figure]) }
            return Point(uplink: uplink, plan: place, figures: figures, violated: choice.violated.map(\.words), values: values)
        }
        plans = known.map { names.describe(space.plans[$0]) }
    }

    /// `A`, `B` … of a plan.
    static func letter(_ plan: Int) -> String {
        let last = String(UnicodeScalar(UInt8(65 + plan % 26)))
        return plan < 26 ? last : letter(plan / 26 - 1) + last
    }

    /// A row for each of some bandwidths, and for each from which on another plan is chosen; below, what the letters stand for.
    ///
    /// - Parameter step: the points that are shown anyway.
    package func text(every step: Int = 8) -> String {
        let shown = points.indices.filter { $0 % step == 0 || points[$0].plan != points[$0 - 1].plan }
        let rows = shown.map { index in
            let point = points[index]
            return [point.uplink.threeDigits, Self.letter(point.plan)] + Figure.allCases.map { $0.cell(point.values[$0]) }
        }
        var lines = aligned([["Mbit/s", "plan"] + Figure.allCases.map(\.heading)] + rows, words: 0)
        for (row, index) in shown.enumerated() where !points[index].violated.isEmpty { lines[row + 1] += " *" }
        for (place, plan) in plans.enumerated() { lines.append("\(Self.letter(place))  \(plan)") }
        let violated = points.flatMap(\.violated).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        if !violated.isEmpty { lines.append("*  no plan keeps: \(violated.joined(separator: "; "))") }
        return lines.joined(separator: "\n")
    }
}
