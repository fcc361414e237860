// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

/// What the tests need of one of the agent's lines.
struct DecisionLine: Decodable, Sendable {
    var frame: UInt64
    var source: String
    var label: String?
    var revises: UInt64?
    var latency_ms: Double
    var name: String?

    init?(_ line: String) {
        guard let decoded = try? JSONDecoder().decode(Self.self, from: Data(line.utf8)) else { return nil }
        self = decoded
    }
}

extension Program {
    /// The decisions on standard output from an entry on, without revisions.
    func decisions(from start: Int = 0) -> [DecisionLine] {
        journal.entries.dropFirst(start).compactMap { if case .output(let line) = $0 { DecisionLine(line) } else { nil } }.filter { $0.revises == nil }
    }

    /// Waits for a decision, or a revision, that the cloud made.
    @discardableResult
    func cloudDecision(from start: Int = 0) async throws -> DecisionLine? {
        DecisionLine(try await output(from: start) { DecisionLine($0)?.source == "cloud" })
    }

    /// Waits until so many decisions have been made after entry `start`.
    func decided(_ count: Int, from start: Int) async throws {
        var position = start
        for _ in 0..<count {
            let from = position
            let last = try await output(from: from) { DecisionLine($0).map { $0.revises == nil } ?? false }
            let entries = journal.entries
            position = (entries[from...].firstIndex { if case .output(last) = $0 { true } else { false } } ?? entries.count - 1) + 1
        }
    }

    /// The counters that the agent writes at its end.
    func statistics() throws -> [String: Any] {
        let line = try #require(errors.last { $0.contains("stopped; {") }, "\(errors.joined(separator: "\n"))")
        let json = try #require(line.firstIndex(of: "{")).self
        return try #require(try JSONSerialization.jsonObject(with: Data(line[json...].utf8)) as? [String: Any])
    }
}

/// Checks lines against `Config/decision.schema.json`: required keys, known keys, types and listed values.
struct DecisionSchema {
    private let required: [String]
    private let properties: [String: [String: Any]]

    init() throws {
        let data = try Data(contentsOf: URL(filePath: FlightBundles.configuration + "/decision.schema.json"))
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        required = try #require(schema["required"] as? [String])
        properties = try #require(schema["properties"] as? [String: [String: Any]])
    }

    /// What is wrong with a line.
    func faults(_ line: String) -> [String] {
        guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else { return ["no JSON object: \(line)"] }
        var faults = required.filter { object[$0] == nil }.map { "no \($0)" }
        if (object["objects"] != nil) == ["label", "class", "confidence"].allSatisfy({ object[$0] != nil }) { faults.append("neither or both of class and objects") }
        for (key, value) in object {
            guard let property = properties[key] else {
                faults.append("unknown \(key)")
                continue
            }
            if let listed = property["enum"] as? [String], !listed.contains(value as? String ?? "") { faults.append("\(key) is \(value)") }
            let types = property["type"] as? [String] ?? (property["type"] as? String).map { [$0] } ?? []
            if !types.isEmpty, !types.contains(where: { Self.fits(value, $0) }) { faults.append("\(key) is \(value), not \(types)") }
            if let least = property["minimum"] as? Double, let number = value as? Double, number < least { faults.append("\(key) is below \(least)") }
            if let pattern = property["pattern"] as? String, (value as? String)?.range(of: pattern, options: .regularExpression) == nil {
                faults.append("\(key) is \(value)")
            }
        }
        return faults.map { "\($0): \(line)" }
    }

    private static func fits(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "null": value is NSNull
        case "string": value is String
        case "number": value is NSNumber
        case "integer": (value as? Double).map { $0 == $0.rounded() } ?? false
        case "array": value is [Any]
        case "object": value is [String: Any]
        default: false
        }
    }
}
