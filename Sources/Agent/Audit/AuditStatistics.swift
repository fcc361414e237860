// SPDX-License-Identifier: Apache-2.0
package import Gating

/// What audits say of a certified gate: a snapshot.
package struct AuditStatistics: Hashable, Sendable {
    /// 0: as certified; `rungs`: closed.
    package var rung: Int
    package var rungs: Int
    /// The share of frames that the present rung accepted lately.
    package var coverage: Double
    /// The share of frames that may be accepted with another answer than the full model's.
    package var limit: Double
    /// Audits of the present rung; an event is an answer that differs.
    package var interval: AuditInterval
    /// All audits of the certificate, those before a restart as well.
    package var total: AuditInterval
    /// How near the alarm is, 0 … 1.
    package var suspicion: Double
    package var tightenings: UInt64
    package var relaxings: UInt64
    /// Frames that were to be audited.
    package var asked: UInt64
    /// Of them, those that weren't sent or answered.
    package var unanswered: UInt64
    /// And those that a model answered which the certificate isn't about.
    package var uncounted: UInt64
    /// Since the last audit was answered: while the cloud is gone, nothing newer is known. `nil` before the first.
    package var age: Duration?

    var json: String {
        var object = JSONObject()
        object.add("rung", number: "\(rung)")
        object.add("rungs", number: "\(rungs)")
        object.add("closed", number: rung == rungs ? "true" : "false")
        object.add("coverage", number: JSONObject.number(coverage))
        object.add("limit", number: JSONObject.number(limit))
        object.add("audits", number: "\(interval.count)")
        object.add("differing", number: "\(interval.events)")
        let bounds = interval.bounds(confidence: 0.95)
        object.add("differing_95", array: [bounds.lowerBound, bounds.upperBound].map(JSONObject.number))
        // Of all frames, as the limit is.
        object.add("differing_frames_95", array: [bounds.lowerBound, bounds.upperBound].map { JSONObject.number($0 * coverage) })
        object.add("audits_total", number: "\(total.count)")
        object.add("differing_total", number: "\(total.events)")
        object.add("suspicion", number: JSONObject.number(suspicion))
        object.add("tightenings", number: "\(tightenings)")
        object.add("relaxings", number: "\(relaxings)")
        object.add("asked", number: "\(asked)")
        object.add("unanswered", number: "\(unanswered)")
        object.add("uncounted", number: "\(uncounted)")
        if let age { object.add("age_ms", milliseconds: age) }
        return object.closed
    }
}

extension AuditLadder.Move {
    /// The event `audit` of `Config/protocol.md`, without its version.
    func json(time: Duration, uptime: Duration) -> [UInt8] {
        var object = JSONObject()
        object.add("time", text: DecisionRecord.timestamp(time))
        object.add("uptime_ms", milliseconds: uptime)
        object.add("change", text: isRelaxing ? "relax" : to == rungs ? "close" : "tighten")
        for (key, value) in [("from", from), ("rung", to), ("rungs", rungs)] { object.add(key, number: "\(value)") }
        if let threshold { object.add("threshold", number: JSONObject.number(threshold)) }
        object.add("audits", number: "\(interval.count)")
        object.add("differing", number: "\(interval.events)")
        object.add("coverage", number: JSONObject.number(coverage))
        object.add("limit", number: JSONObject.number(limit))
        object.add("reason", text: description)
        return Array(object.closed.utf8)
    }
}
