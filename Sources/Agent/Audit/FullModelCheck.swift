// SPDX-License-Identifier: Apache-2.0

/// Whether the cloud answers with the full model that a gate was certified with: beside another one the certificate says nothing.
///
/// Pure. The digests are SHA-256 of weights, hexadecimal.
package struct FullModelCheck: Hashable, Sendable {
    /// What answered.
    package enum Standing: String, Hashable, Sendable {
        case certified
        case other
        /// The certificate names no model, or the worker doesn't say what it runs: taken for the certified one.
        case unknown
    }

    /// `nil`: the certificate names none.
    package let certified: String?
    /// Of the last answer; `nil` before the first.
    package private(set) var standing: Standing?
    /// Answers by what gave them.
    package private(set) var certifiedAnswers: UInt64 = 0
    package private(set) var otherAnswers: UInt64 = 0
    package private(set) var unknownAnswers: UInt64 = 0
    /// The first other models, in the order of their first answers: sixteen at most, so that what invents them fills no memory and no log.
    package private(set) var others: [String] = []

    private static let remembered = 16

    /// - Parameter certified: as in the certificate; empty where it names none.
    package init(certified: String) { self.certified = certified.isEmpty ? nil : certified }

    /// A worker has answered.
    ///
    /// - Parameter model: `nil` where it doesn't say what it runs.
    /// - Returns: what answered, and whether it is another model that is to be told of, for the first time.
    package mutating func answered(by model: String?) -> (standing: Standing, isNew: Bool) {
        guard let certified, let model else {
            standing = .unknown
            unknownAnswers += 1
            return (.unknown, false)
        }
        guard model != certified else {
            standing = .certified
            certifiedAnswers += 1
            return (.certified, false)
        }
        standing = .other
        otherAnswers += 1
        guard others.count < Self.remembered, !others.contains(model) else { return (.other, false) }
        others.append(model)
        return (.other, true)
    }

    var json: String {
        var object = JSONObject()
        if let certified { object.add("certified", text: certified) } else { object.add("certified", number: "null") }
        if let standing { object.add("answering", text: standing.rawValue) } else { object.add("answering", number: "null") }
        for (key, count) in [("certified_answers", certifiedAnswers), ("other_answers", otherAnswers), ("unknown_answers", unknownAnswers)] {
            object.add(key, number: "\(count)")
        }
        object.add("others", array: others.map(JSONObject.quoted))
        return object.closed
    }

    /// What is told of another model.
    static func warning(of model: String, instead certified: String) -> String {
        "the cloud answers with the full model \(model.prefix(12))…, the gate is certified with \(certified.prefix(12))…: the certificate says nothing about this one, "
            + "and its answers to audits don't count"
    }

    /// The event `health` of `Config/protocol.md`, without its version.
    static func event(of model: String, instead certified: String, time: Duration, uptime: Duration) -> [UInt8] {
        var object = JSONObject()
        object.add("time", text: DecisionRecord.timestamp(time))
        object.add("uptime_ms", milliseconds: uptime)
        object.add("subject", text: "full-model")
        object.add("certified", text: certified)
        object.add("answering", text: model)
        object.add("reason", text: warning(of: model, instead: certified))
        return Array(object.closed.utf8)
    }
}
