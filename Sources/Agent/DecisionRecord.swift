// SPDX-License-Identifier: Apache-2.0
internal import Answers
internal import Gating
internal import Glibc

/// A decision with the time it was made at: what leaves the agent.
package struct DecisionRecord: Hashable, Sendable {
    package var decision: Decision
    /// Since 1970-01-01 UTC, by the board's clock, which may be wrong.
    package var time: Duration
    /// Since the board was started; never goes back.
    package var uptime: Duration

    package init(decision: Decision, time: Duration, uptime: Duration) {
        self.decision = decision
        self.time = time
        self.uptime = uptime
    }

    /// One JSON object without line breaks, as `Config/decision.schema.json` describes it.
    package func json(labels: [String]) -> [UInt8] {
        var object = JSONObject()
        object.add("frame", number: "\(decision.frame)")
        if let name = decision.name, name != "\(decision.frame)" { object.add("name", text: name) }
        object.add("time", text: Self.timestamp(time))
        object.add("uptime_ms", milliseconds: uptime)
        switch decision.answer {
        case .classification(let classification)?: Self.add(classification, labels, to: &object)
        case .detections(let detections)?:
            object.add("objects", array: detections.map { detection in
                var object = JSONObject()
                Self.add(Classification(classIndex: detection.classIndex, confidence: detection.confidence), labels, to: &object)
                let box = detection.box
                object.add("box", array: [box.left, box.top, box.right, box.bottom].map(JSONObject.number))
                return object.closed
            })
        case nil:
            for key in ["label", "class", "confidence"] { object.add(key, number: "null") }
        }
        object.add("source", text: decision.source.rawValue)
        object.add("latency_ms", milliseconds: decision.latency)
        if let frame = decision.carriedFrom { object.add("carried_from", number: "\(frame)") }
        if decision.source == .cloud || decision.source == .carried, case .classification(let classification)? = decision.localAnswer {
            var local = JSONObject()
            Self.add(classification, labels, to: &local)
            object.add("local", number: local.closed)
        }
        if let plan = decision.plan { object.add("plan", number: "\(plan)") }
        if let exit = decision.exit, decision.source == .local || decision.source == .localUnconfirmed { object.add("exit", number: "\(exit)") }
        if let bytes = decision.sentBytes { object.add("sent_bytes", number: "\(bytes)") }
        if let fault = decision.fault { object.add("fault", text: fault.rawValue) }
        if decision.isRevision { object.add("revises", number: "\(decision.frame)") }
        return Array(object.closed.utf8)
    }

    private static func add(_ classification: Classification, _ labels: [String], to object: inout JSONObject) {
        if labels.indices.contains(classification.classIndex) {
            object.add("label", text: labels[classification.classIndex])
        } else {
            object.add("label", number: "null")
        }
        object.add("class", number: "\(classification.classIndex)")
        object.add("confidence", number: JSONObject.number(classification.confidence))
    }

    /// ISO 8601, UTC, milliseconds: `2026-11-21T08:11:04.123Z`.
    package static func timestamp(_ time: Duration) -> String {
        var seconds = time_t(time.components.seconds)
        let milliseconds = Int(time.components.attoseconds / 1_000_000_000_000_000)
        var parts = unsafe tm()
        guard unsafe gmtime_r(&seconds, &parts) != nil else { return "1970-01-01T00:00:00.000Z" }
        func digits(_ value: some BinaryInteger, _ count: Int) -> String {
            let text = "\(value)"
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let date = unsafe "\(digits(Int(parts.tm_year) + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
        let clock = unsafe "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2)).\(digits(milliseconds, 3))"
        return "\(date)T\(clock)Z"
    }
}

/// Builds the text of a JSON object, key by key.
struct JSONObject {
    private var text = "{"

    var closed: String { text + "}" }

    /// - Parameter number: a number, `null` or any other finished JSON value.
    mutating func add(_ key: StaticString, number: String) { add("\(key)", number: number) }

    /// - Parameter key: any text.
    mutating func add(quoting key: String, number: String) {
        if text.utf8.count > 1 { text += "," }
        text += "\(Self.quoted(key)):\(number)"
    }

    mutating func add(_ key: String, number: String) {
        if text.utf8.count > 1 { text += "," }
        text += "\"\(key)\":\(number)"
    }

    mutating func add(_ key: String, text value: String) { add(key, number: Self.quoted(value)) }
    mutating func add(_ key: String, milliseconds duration: Duration) { add(key, number: Self.number(duration / .milliseconds(1), places: 1000)) }
    mutating func add(_ key: String, array: [String]) { add(key, number: "[" + array.joined(separator: ",") + "]") }

    /// Rounded to six places; `null` for what JSON has no number for.
    static func number(_ value: Double) -> String { number(value, places: 1_000_000) }

    static func number(_ value: Double, places: Double) -> String {
        guard value.isFinite else { return "null" }
        let rounded = (value * places).rounded() / places
        if let whole = Int(exactly: rounded) { return "\(whole)" }
        return "\(rounded)"
    }

    static func quoted(_ text: String) -> String { "\"" + escaped(text) + "\"" }

    /// What stands between the quotes.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value == 0x2028 || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
