// SPDX-License-Identifier: Apache-2.0

/// What an agent has done since its start: a snapshot.
package struct AgentStatistics: Hashable, Sendable {
    package var decisions = DecisionCounts()
    /// Frames that a newer one replaced before they were taken up.
    package var replacedFrames: UInt64 = 0
    /// Frames that the source passed over unread, because newer ones were there.
    package var skippedFrames: UInt64 = 0
    /// Frames that couldn't be read.
    package var damagedFrames: UInt64 = 0
    /// From taking up a frame to what the board's network said.
    package var frameTimes = TimeHistogram()
    /// From taking up a frame to its decision; revisions are left out.
    package var latencies = TimeHistogram()
    /// The calibrated probability of the board's best class.
    package var confidences = FractionHistogram()
    /// What the gate said, and how sure the board's network was of each class.
    package var gate = GateStatistics()
    /// `nil` where no certified gate is in use, or nothing can be known of it.
    package var audit: AuditStatistics?
    /// `nil` where there are no plans.
    package var plans: PlanStatistics?
    /// Whether the cloud runs the model that the gate is certified with; `nil` where no certified gate is in use, or the cloud is never asked.
    package var fullModel: FullModelCheck?
    /// Whether images are sent in the form that the certificate is about; `nil` where no certified gate is in use, or the cloud is never asked.
    package var isUploadProved: Bool?
    /// The names of the classes.
    package var labels: [String] = []
    /// Frames that were looked at twice.
    package var secondLooks: UInt64 = 0
    /// Questions that were not sent, by reason.
    package var refusals: [String: UInt64] = [:]
    /// Answers, in time or not, of another kind than a class of the board's network: they count as none.
    package var unfitAnswers: UInt64 = 0
    /// Frames of which both networks spoke although the gate trusted the board's: those with the same class, and with another.
    package var agreements: UInt64 = 0
    package var disagreements: UInt64 = 0
    /// What questions have left, by limited window.
    package var budget: [Budget.Window: Budget.Limit] = [:]
    /// Decisions that didn't reach standard output, because nobody read it.
    package var droppedLines: UInt64 = 0
    /// Decisions that didn't reach the callback and the broker, because they were too slow.
    package var droppedNotices: UInt64 = 0
    /// Messages from the broker that weren't what their topics promise.
    package var damagedMessages: UInt64 = 0
    package var cloud = CloudStatus(.autonomous, reason: "not started")
    package var uptime = Duration.zero

    package init() {}

    /// The classes whose confidences telemetry shows one by one, so that a snapshot has a bound.
    package static let mostTelemetryClasses = 64

    /// One JSON object: the counters and quantiles, with the confidences of every class.
    package func json() -> String {
        var object = JSONObject()
        add(to: &object, mostClasses: .max)
        return object.closed
    }

    /// The snapshot `up/tele` of `Config/protocol.md`, without its version.
    ///
    /// - Parameters:
    ///   - time: of day.
    ///   - uptime: of the machine.
    package func telemetry(time: Duration, uptime: Duration) -> [UInt8] {
        var object = JSONObject()
        object.add("time", text: DecisionRecord.timestamp(time))
        object.add("uptime_ms", milliseconds: uptime)
        add(to: &object, mostClasses: Self.mostTelemetryClasses)
        return Array(object.closed.utf8)
    }

    private func add(to object: inout JSONObject, mostClasses: Int) {
        let counts = decisions
        object.add("running_ms", milliseconds: uptime)
        for (key, value) in [
            ("replaced", replacedFrames), ("skipped", skippedFrames), ("damaged", damagedFrames), ("taken", counts.taken), ("local", counts.local), ("cloud", counts.cloud), ("cloud_carried", counts.carried),
            ("local_unconfirmed", counts.unconfirmed), ("revisions", counts.revisions), ("overdue", counts.overdue), ("asked", counts.asked),
            ("sent_at_once", counts.sentAtOnce), ("needless", counts.needless), ("cancelled", counts.cancelled), ("rested", counts.rested), ("kept_back", counts.keptBack), ("agreements", agreements), ("disagreements", disagreements),
            ("crowded", counts.crowded), ("spared", counts.spared), ("second_looks", secondLooks), ("unanswered", counts.unanswered), ("expired", counts.expired), ("late_answers", counts.lateAnswers),
            ("duplicate_answers", counts.duplicateAnswers), ("unknown_answers", counts.unknownAnswers), ("unfit_answers", unfitAnswers), ("faults", counts.faults),
            ("failures", counts.failures), ("dropped_lines", droppedLines), ("damaged_messages", damagedMessages),
        ] {
            object.add(key, number: "\(value)")
        }
        for (key, histogram) in [("frame", frameTimes), ("latency", latencies)] {
            for (name, fraction) in [("p50", 0.5), ("p99", 0.99)] {
                guard let time = histogram.quantile(fraction) else { continue }
                object.add("\(key)_\(name)_ms", milliseconds: time)
            }
        }
        var refused = JSONObject()
        for (reason, count) in refusals.sorted(by: { $0.key < $1.key }) { refused.add(JSONObject.escaped(reason), number: "\(count)") }
        object.add("refusals", number: refused.closed)
        for window in Budget.Window.allCases {
            guard let left = budget[window] else { continue }
            if let messages = left.messages { object.add("budget_messages_left_\(window)", number: "\(messages)") }
            if let bytes = left.bytes { object.add("budget_bytes_left_\(window)", number: "\(bytes)") }
        }
        object.add("confidences", array: confidences.counts.map { "\($0)" })
        gate.add(to: &object, labels: labels, mostClasses: mostClasses)
        if let plans { object.add("plans", number: plans.json) }
        if let audit { object.add("audit", number: audit.json) }
        if let fullModel { object.add("full_model", number: fullModel.json) }
        if let isUploadProved { object.add("upload_proved", number: isUploadProved ? "true" : "false") }
        object.add("mode", text: cloud.mode.rawValue)
        object.add("reason", text: cloud.reason)
    }
}
