// SPDX-License-Identifier: Apache-2.0

/// The newest of what was observed, with the times, in seconds of any clock that doesn't go back.
struct Recent<Value: Hashable & Sendable>: Hashable, Sendable {
    struct Observation: Hashable, Sendable {
        var time: Double
        var value: Value
    }

    let capacity: Int
    /// The oldest first.
    private(set) var observations: [Observation] = []
    private var strangers = 0

    init(capacity: Int) {
        self.capacity = capacity
        observations.reserveCapacity(capacity)
    }

    /// - Parameter isStrange: whether it is nothing that those before let one expect. After two such in a row those before them are forgotten: something changed.
    mutating func add(_ value: Value, at time: Double, isStrange: Bool = false) {
        strangers = isStrange ? strangers + 1 : 0
        if strangers == 2 {
            observations.removeFirst(observations.count - 1)
            strangers = 0
        }
        if observations.count == capacity { observations.removeFirst() }
        observations.append(Observation(time: time, value: value))
    }

    /// Whether another strange one would be the second in a row.
    var isSuspicious: Bool { strangers == 1 }

    var withoutNewest: Recent {
        var rest = self
        if !rest.observations.isEmpty { rest.observations.removeLast() }
        rest.strangers = 0
        return rest
    }

    mutating func forget() { observations.removeAll(keepingCapacity: true) }

    /// Those no older than `age` seconds.
    func values(at now: Double, within age: Double = .infinity) -> [Value] { observations.filter { now - $0.time <= age }.map(\.value) }

    /// Of the newest, in seconds; `nil` where there is none.
    func age(at now: Double) -> Double? { observations.last.map { max(now - $0.time, 0) } }
}

extension Collection<Double> {
    /// The middle one, or the mean of the two in the middle; `nil` of nothing.
    var median: Double? {
        let sorted = sorted()
        guard !sorted.isEmpty else { return nil }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
