// SPDX-License-Identifier: Apache-2.0

/// How much slower the board is than when its layers were measured: one factor on all times, as a rule from the newest 16 runs, and at most in 19 twentieths of what the newest 32 take.
///
/// It is what they took together over what they take by the costs, so that it suits runs as they are: on a processor that is shared short ones often pass between two turns of others,
/// and long ones don't. A run that took more than four times the usual factor, the median of factors weighted by what runs take, was held up by something else: it changes
/// nothing, but that of 20 runs and more a twentieth of the time may be of such ones and no more.
package struct BoardEstimate: Hashable, Sendable {
    private struct Run: Hashable, Sendable {
        var seconds: Double
        var expected: Double
        var factor: Double { seconds / expected }
    }

    /// After so many seconds without a run nothing is known any more, so that a board that was busy gets another chance.
    package static let memory = 300.0
    private static let usually = 16
    /// Of fewer runs one that was held up is no sign of more.
    private static let enough = 20
    private var runs = Recent<Run>(capacity: 32)

    package init() {}

    /// - Parameters:
    ///   - seconds: what a run, or a part of one, took.
    ///   - expected: what it takes by the ``CostTable``. Where either isn't above 0, the run says nothing.
    package mutating func observe(_ seconds: Double, expected: Double, at time: Double) {
        let run = Run(seconds: seconds, expected: expected)
        if seconds > 0, expected > 0, run.factor > 0, run.factor.isFinite { runs.add(run, at: time) }
    }

    /// 1 while nothing is known.
    package func board(power: Double, at now: Double) -> Conditions.Board {
        let known = runs.values(at: now, within: Self.memory)
        guard !known.isEmpty else { return Conditions.Board(power: power) }
        let usual = Self.undisturbed(known.suffix(Self.usually))
        let slowdown = usual.reduce(0) { $0 + $1.seconds } / usual.reduce(0) { $0 + $1.expected }
        let high = Self.factor(of: 0.95, of: known.count < Self.enough ? Self.undisturbed(known[...]) : known)
        return Conditions.Board(slowdown: slowdown, highSlowdown: max(high, slowdown), power: power)
    }

    /// Not above which the factor is in so large a share of what runs take by the costs: what is long matters, and short runs between two turns of others have any factor.
    private static func factor(of share: Double, of runs: some Collection<Run>) -> Double {
        var (rest, factor) = (share * runs.reduce(0) { $0 + $1.expected }, 0.0)
        for run in runs.sorted(by: { $0.factor < $1.factor }) where rest > 0 {
            rest -= run.expected
            factor = run.factor
        }
        return factor
    }

    /// Those that nothing held up.
    private static func undisturbed(_ runs: ArraySlice<Run>) -> [Run] {
        let median = factor(of: 0.5, of: runs)
        return runs.filter { $0.factor <= 4 * median }
    }

    /// Seconds since the newest run; `nil` before the first.
    package func age(at now: Double) -> Double? { runs.age(at: now) }
}
