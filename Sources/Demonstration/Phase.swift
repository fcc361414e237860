// SPDX-License-Identifier: Apache-2.0

/// What the demonstration does to the cloud during a part of the flight.
package enum CloudCondition: String, Hashable, Sendable, Codable, CaseIterable {
    case connected
    /// The worker was killed; the broker lives.
    case workerKilled = "worker killed"
    /// The broker was killed: connections are refused.
    case brokerKilled = "broker killed"
    /// The link swallows every byte: connections stay open and nothing answers.
    case blackHoled = "link black-holed"
}

/// One part of the demonstration.
package struct Phase: Hashable, Sendable, Codable {
    package var condition: CloudCondition
    /// Seconds since the start of the demonstration.
    package var start: Double
    package var end: Double

    package init(condition: CloudCondition, start: Double, end: Double) {
        self.condition = condition
        self.start = start
        self.end = end
    }

    /// The programme: the cloud is there, then goes in each of three ways and comes back after each.
    ///
    /// - Parameter seconds: the length of the whole, shared equally, at least 7 s.
    package static func programme(seconds: Double) -> [Phase] {
        let conditions: [CloudCondition] = [
            .connected, .workerKilled, .connected, .brokerKilled, .connected, .blackHoled, .connected,
        ]
        let share = seconds / Double(conditions.count)
        return conditions.enumerated().map { index, condition in
            Phase(condition: condition, start: Double(index) * share, end: Double(index + 1) * share)
        }
    }
}
