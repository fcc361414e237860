// SPDX-License-Identifier: Apache-2.0

/// What a choice of precisions costs and gives, as it was measured.
package struct PrecisionPoint: Hashable, Sendable {
    /// Of the bundle.
    package var bytes: Int
    /// Of one run.
    package var milliseconds: Double
    /// Share of images that the network has right by itself.
    package var accuracy: Double
    /// Share of images that may be answered on the board at the policy's risk.
    package var coverage: Double

    package init(bytes: Int, milliseconds: Double, accuracy: Double, coverage: Double) {
        self.bytes = bytes
        self.milliseconds = milliseconds
        self.accuracy = accuracy
        self.coverage = coverage
    }

    /// Whether this one is nowhere worse than `other`, and better somewhere.
    package func dominates(_ other: PrecisionPoint) -> Bool {
        self != other && bytes <= other.bytes && milliseconds <= other.milliseconds && accuracy >= other.accuracy && coverage >= other.coverage
    }
}

extension [PrecisionPoint] {
    /// The positions of the points that no other dominates.
    package var nondominated: [Int] { indices.filter { index in !contains { $0.dominates(self[index]) } } }

    /// The position of the point with the least bytes · time among those of at least `leastCoverage`, by coverage and accuracy among equals: no point dominates it.
    /// `nil` where none covers as much.
    package func pick(leastCoverage: Double) -> Int? {
        indices.filter { self[$0].coverage >= leastCoverage }.min { first, second in
            let (a, b) = (self[first], self[second])
            let costs = (Double(a.bytes) * a.milliseconds, Double(b.bytes) * b.milliseconds)
            return (costs.0, -a.coverage, -a.accuracy) < (costs.1, -b.coverage, -b.accuracy)
        }
    }
}
