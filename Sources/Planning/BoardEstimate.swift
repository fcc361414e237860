// SPDX-License-Identifier: Apache-2.0

/// How much slower the board is than when its layers were measured: one factor on all times, from the newest 16 runs.
///
/// The factor is their median, so that a run that was held up by something else changes nothing.
package struct BoardEstimate: Hashable, Sendable {
    /// After so many seconds without a run nothing is known any more, so that a board that was busy gets another chance.
    package static let memory = 300.0
    private var factors = Recent<Double>(capacity: 16)

    package init() {}

    /// - Parameters:
    ///   - seconds: what a run, or a part of one, took.
    ///   - expected: what it takes by the ``CostTable``. Where either isn't above 0, the run says nothing.
    package mutating func observe(_ seconds: Double, expected: Double, at time: Double) {
        let factor = seconds / expected
        if factor > 0, factor.isFinite { factors.add(factor, at: time) }
    }

    /// 1 while nothing is known.
    package func board(power: Double, at now: Double) -> Conditions.Board {
        let values = factors.values(at: now, within: Self.memory)
        guard let median = values.median else { return Conditions.Board(power: power) }
        return Conditions.Board(slowdown: median, highSlowdown: max(Octiles(of: values).highest, median), power: power)
    }

    /// Seconds since the newest run; `nil` before the first.
    package func age(at now: Double) -> Double? { factors.age(at: now) }
}
