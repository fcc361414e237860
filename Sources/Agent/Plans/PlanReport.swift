// SPDX-License-Identifier: Apache-2.0
package import Planning

/// What the planner has chosen, and why: another plan, the first one, or the same one again in other conditions.
package struct PlanReport: Sendable {
    /// The plan's number, as decisions name it.
    package var number: Int
    package var plan: Plan
    /// The one before it; `nil` for the first. The same one where it stays.
    package var before: Plan?
    /// What is expected of it, and what the other would cost now.
    package var figures: Figures
    package var figuresBefore: Figures?
    /// What isn't as it was at the choice before.
    package var causes: [String]
    /// Constraints of the policy that the plan violates.
    package var violated: [Policy.Constraint]
    /// The first one that no plan keeps together with those before it, and all after it.
    package var demoted: [Policy.Constraint]
    package var conditions: Conditions
    /// How many plans there were to choose among, and how long it took.
    package var plans: Int
    package var choosing: Duration

    package var isChange: Bool { plan != before }

    /// One line for people.
    package var description: String {
        var text = "plan \(number): \(plan)"
        if let before { text += "; instead of \(before)" }
        if !causes.isEmpty { text += "; " + causes.joined(separator: ", ") }
        for constraint in violated {
            text += "; \(demoted.contains(constraint) ? "no plan keeps" : "it doesn't quite keep") \(constraint.figure.name) at \(constraint.bound)"
        }
        return text
    }

    /// One JSON object.
    package var json: String { object.closed }

    /// The same with the time.
    package func json(time: Duration, uptime: Duration) -> [UInt8] {
        var timed = object
        timed.add("time", text: DecisionRecord.timestamp(time))
        timed.add("uptime_ms", milliseconds: uptime)
        return Array(timed.closed.utf8)
    }

    private var object: JSONObject {
        var object = JSONObject()
        object.add("number", number: "\(number)")
        object.add("plan", text: "\(plan)")
        object.add("figures", number: figures.json)
        if let before, isChange {
            object.add("before", text: "\(before)")
            if let figuresBefore { object.add("figures_before", number: figuresBefore.json) }
        }
        object.add("because", array: causes.map(JSONObject.quoted))
        object.add("violated", array: violated.map { JSONObject.quoted($0.figure.name) })
        object.add("demoted", array: demoted.map { JSONObject.quoted($0.figure.name) })
        object.add("conditions", number: conditions.json)
        object.add("plans", number: "\(plans)")
        object.add("choice_ms", milliseconds: choosing)
        return object
    }

    /// What moved by more than a share `step`, for people.
    ///
    /// - Parameter hindrance: why there is no link though workers answer.
    static func causes(_ old: Conditions, _ new: Conditions, step: Double, hindrance: String? = nil) -> [String] {
        var causes: [String] = []
        func add(_ name: String, _ unit: String, _ old: Double, _ new: Double) {
            guard Conditions.moved(old, new, by: step) else { return }
            causes.append("\(name) \(rounded(old)) → \(rounded(new))\(unit)")
        }
        func add(_ name: String, seconds old: Double, _ new: Double) {
            if Conditions.movedTime(old, new, by: step) { causes.append("\(name) \(rounded(1000 * old)) → \(rounded(1000 * new)) ms") }
        }
        switch (old.link, new.link) {
        case (nil, nil): break
        case (nil, _?): causes.append("workers answer")
        case (_?, nil): causes.append(hindrance.map { "nothing can be sent: \($0)" } ?? "nobody answers")
        case (let old?, let new?):
            if old.radio.name != new.radio.name { causes.append("network \(old.radio.name) → \(new.radio.name)") }
            add("uplink", " Mbit/s", old.radio.uplink, new.radio.uplink)
            add("round trip", seconds: old.radio.roundTrip, new.radio.roundTrip)
            add("spread", "", old.spread.mean, new.spread.mean)
            add("spread at most", "", old.spread.highest, new.spread.highest)
        }
        add("server time", " ×", old.server.slowdown, new.server.slowdown)
        add("server queue", seconds: old.server.queue.mean, new.server.queue.mean)
        add("server queue at most", seconds: old.server.queue.highest, new.server.queue.highest)
        add("board time", " ×", old.board.slowdown, new.board.slowdown)
        add("board time at most", " ×", old.board.highSlowdown, new.board.highSlowdown)
        add("frame period", " ms", 1000 * old.framePeriod, 1000 * new.framePeriod)
        return causes
    }

    private static func rounded(_ value: Double) -> Double {
        let scale = value >= 100 ? 1.0 : value >= 1 ? 100 : 10_000
        return (value * scale).rounded() / scale
    }
}

extension Figures {
    /// A JSON object.
    var json: String {
        var object = JSONObject()
        for (key, figure, scale) in [
            ("latency_ms", Figure.latency, 1000.0), ("p95_latency_ms", .highLatency, 1000), ("deadline_misses", .misses, 1), ("throughput_fps", .throughput, 1),
            ("accuracy", .accuracy, 1), ("harm", .harm, 1), ("energy_mj", .energy, 1000), ("server_time_ms", .serverTime, 1000), ("bytes", .bytes, 1),
        ] {
            object.add(key, number: JSONObject.number(self[figure] * scale))
        }
        return object.closed
    }
}

extension Conditions {
    /// A JSON object.
    var json: String {
        var object = JSONObject()
        object.add("connected", number: link == nil ? "false" : "true")
        object.add("board_slowdown", number: JSONObject.number(board.slowdown))
        if let link {
            object.add("network", text: link.radio.name)
            object.add("uplink_mbps", number: JSONObject.number(link.radio.uplink))
            object.add("round_trip_ms", number: JSONObject.number(1000 * link.radio.roundTrip))
            object.add("spread_p95", number: JSONObject.number(link.spread.highest))
        }
        object.add("server_slowdown", number: JSONObject.number(server.slowdown))
        object.add("queue_ms", number: JSONObject.number(1000 * server.queue.mean))
        object.add("period_ms", number: JSONObject.number(1000 * framePeriod))
        return object.closed
    }
}
