// SPDX-License-Identifier: Apache-2.0

/// What one wants of a plan: first what must hold, then what is best.
package struct Policy: Hashable, Sendable {
    /// A figure's bound: the greatest value of what should be small, the least one of throughput and accuracy.
    package struct Constraint: Hashable, Sendable {
        package var figure: Figure
        package var bound: Double

        package init(_ figure: Figure, _ bound: Double) {
            (self.figure, self.bound) = (figure, bound)
        }
    }

    /// A figure to be as good as it can.
    package struct Target: Hashable, Sendable {
        package var figure: Figure
        /// Plans are as good as the best where they cost no more than this share above it; the next target chooses among them. See ``Figure/cost(of:)``.
        package var slack: Double

        package init(_ figure: Figure, slack: Double = 0) {
            (self.figure, self.slack) = (figure, slack)
        }

        /// The highest cost that is as good as the least. What only rounding tells apart is equal: else it would choose, say, whether the board computes in vain.
        func limit(_ least: Double) -> Double { least * (1 + max(slack, 1e-9)) }
    }

    /// The most important first. The first one that no plan meets beside those before it, and all after it, become targets that come before the others: to miss
    /// their bounds by as little as can be.
    package var constraints: [Constraint]
    /// The most important first.
    package var targets: [Target]
    /// Seconds from the frame on; see ``Forecast``.
    package var deadline: Double?
    /// Frames that may be on their way at once; see ``Forecast``.
    package var inFlight: Int
    /// By how much, as a share of the cost, another plan must be better before it takes the place of the one in use, and by how much it must
    /// keep those constraints whose figures come and go with the link.
    package var hysteresis: Double
    /// One chooses anew where an estimate moved by more than this share.
    package var step: Double

    package init(constraints: [Constraint] = [], targets: [Target], deadline: Double? = nil, inFlight: Int = 1, hysteresis: Double = 0.05, step: Double = 0.05) {
        (self.constraints, self.targets, self.deadline, self.inFlight, self.hysteresis, self.step) = (constraints, targets, deadline, inFlight, hysteresis, step)
    }
}
