// SPDX-License-Identifier: Apache-2.0

/// What the documentation of a key must say; collected while settings are read.
package struct KeyDescription: Hashable, Sendable {
    package enum Presence: Hashable, Sendable {
        /// The text of the default.
        case defaults(String)
        case required
        case optional
    }

    package var key: String
    package var expectation: String
    package var presence: Presence

    /// As in `1 … 64; default 1`.
    package var text: String {
        switch presence {
        case .defaults(let value): "\(expectation); default \(value)"
        case .required: "\(expectation); required"
        case .optional: "\(expectation); optional"
        }
    }
}

/// Collects what is wrong with a file, and the keys it could have had.
package final class Findings {
    package internal(set) var problems: [Problem] = []
    package internal(set) var keys: [KeyDescription] = []
    /// Relative paths of the file start here.
    let folder: String

    init(folder: String) { self.folder = folder }
}

/// The keys of one mapping, taken one after the other. What nobody took is an unknown key.
///
/// A key with a problem reads as its default, so that reading goes on and finds the other problems; the settings are not used then.
package struct Section {
    let path: String
    let position: Position
    let findings: Findings
    private var entries: [String: YAMLEntry] = [:]
    private var order: [String] = []
    private var known: [String] = []
    /// What stands in the section's place holds no keys; that is reported once.
    private var isMisshapen = false

    /// - Parameter node: `nil` where the file doesn't have the section.
    init(_ node: YAMLNode?, path: String, position: Position, findings: Findings) {
        self.path = path
        self.position = node?.position ?? position
        self.findings = findings
        guard let node else { return }
        guard case .mapping(let list) = node.content else {
            isMisshapen = true
            findings.problems.append(Problem(at: node.position, key: path, "expected keys, found \(node.words)"))
            return
        }
        for entry in list {
            entries[entry.key] = entry
            order.append(entry.key)
        }
    }

    private func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Whether the file has a section without any key.
    var isEmpty: Bool { order.isEmpty && !isMisshapen }

    /// Whether the file has the key, and where.
    func has(_ key: String) -> Position? { entries[key]?.position }

    /// Adds a problem with a key of this section, at its place in the file.
    func report(_ key: String, _ message: String) {
        findings.problems.append(Problem(at: entries[key]?.value.position ?? position, key: full(key), message))
    }

    private mutating func take<Value>(_ key: String, _ kind: ValueKind<Value>, _ presence: KeyDescription.Presence) -> Value? {
        known.append(key)
        let description = KeyDescription(key: full(key), expectation: kind.expectation, presence: presence)
        if !findings.keys.contains(description) { findings.keys.append(description) }
        guard let entry = entries[key] else { return nil }
        guard case .scalar(let text, _) = entry.value.content, !entry.value.isNull else {
            report(key, "expected \(kind.expectation), found \(entry.value.words)")
            return nil
        }
        guard let value = kind.parse(text) else {
            report(key, "expected \(kind.expectation), found \(text.quoted)")
            return nil
        }
        return value
    }

    package mutating func value<Value>(_ key: String, _ kind: ValueKind<Value>, default value: Value) -> Value {
        take(key, kind, .defaults(kind.format(value))) ?? value
    }

    package mutating func optional<Value>(_ key: String, _ kind: ValueKind<Value>) -> Value? { take(key, kind, .optional) }

    /// `nil` with a problem reported.
    package mutating func required<Value>(_ key: String, _ kind: ValueKind<Value>) -> Value? {
        let value = take(key, kind, .required)
        if entries[key] == nil, !isMisshapen { findings.problems.append(Problem(at: position, key: full(key), "missing: expected \(kind.expectation)")) }
        return value
    }

    /// A section whose keys all have defaults or are required even where the file leaves the section out.
    package mutating func section<Value>(_ key: String, _ body: (inout Section) -> Value) -> Value {
        known.append(key)
        var inner = Section(entries[key]?.value, path: full(key), position: position, findings: findings)
        let value = body(&inner)
        inner.finish()
        return value
    }

    /// A section that means something by being there.
    package mutating func optionalSection<Value>(_ key: String, _ body: (inout Section) -> Value) -> Value? {
        known.append(key)
        return entries[key] == nil ? nil : section(key, body)
    }

    /// The elements of a list, each read as a section; `nil` where the file doesn't have the key.
    mutating func list<Value>(_ key: String, _ body: (inout Section) -> Value) -> [Value]? {
        known.append(key)
        guard let node = entries[key]?.value else { return nil }
        guard case .sequence(let elements) = node.content else {
            report(key, "expected a list, found \(node.words)")
            return []
        }
        return elements.enumerated().map { index, element in
            var inner = Section(element, path: "\(full(key))[\(index)]", position: element.position, findings: findings)
            let value = body(&inner)
            inner.finish()
            return value
        }
    }

    /// A list of values; empty where the file doesn't have the key.
    package mutating func values<Value>(_ key: String, _ kind: ValueKind<Value>, atMost count: Int) -> [Value] {
        known.append(key)
        let expectation = "a list of \(kind.expectation)"
        let description = KeyDescription(key: full(key), expectation: expectation, presence: .defaults("[]"))
        if !findings.keys.contains(description) { findings.keys.append(description) }
        guard let node = entries[key]?.value else { return [] }
        guard case .sequence(let elements) = node.content else {
            report(key, "expected \(expectation), found \(node.words)")
            return []
        }
        guard elements.count <= count else {
            report(key, "expected at most \(count) values, found \(elements.count)")
            return []
        }
        return elements.enumerated().compactMap { index, element in
            if case .scalar(let text, _) = element.content, let value = kind.parse(text) { return value }
            findings.problems.append(
                Problem(at: element.position, key: "\(full(key))[\(index)]", "expected \(kind.expectation), found \(element.words)"))
            return nil
        }
    }

    /// The entries of a mapping whose keys are names, in the order of the file; none where the file doesn't have the key.
    mutating func table<Value>(_ key: String, _ kind: ValueKind<Value>) -> [(name: String, position: Position, value: Value)] {
        known.append(key)
        guard let node = entries[key]?.value else { return [] }
        guard case .mapping(let list) = node.content else {
            report(key, "expected names with values, found \(node.words)")
            return []
        }
        return list.compactMap { entry in
            let name = full(key) + "." + entry.key.quoted.dropFirst().dropLast()
            let description = KeyDescription(key: name, expectation: kind.expectation, presence: .optional)
            if !findings.keys.contains(description) { findings.keys.append(description) }
            guard case .scalar(let text, _) = entry.value.content, !entry.value.isNull, let value = kind.parse(text) else {
                findings.problems.append(
                    Problem(at: entry.value.position, key: name, "expected \(kind.expectation), found \(entry.value.words)"))
                return nil
            }
            return (entry.key, entry.position, value)
        }
    }

    /// Takes keys without reading them, where a problem is reported already.
    mutating func ignore(_ keys: [String]) { known += keys }

    /// Reports the keys that nobody took.
    func finish() {
        for key in order where !known.contains(key) {
            guard let entry = entries[key] else { continue }
            let meant = key.nearest(of: known).map { ", did you mean '\($0)'?" } ?? ""
            let name = full(String(key.quoted.dropFirst().dropLast()))
            findings.problems.append(Problem(at: entry.position, key: name, "unknown key\(meant)"))
        }
    }
}

extension YAMLNode {
    /// For messages.
    var words: String {
        switch content {
        case .scalar(let text, _): isNull ? "nothing" : text.quoted
        case .sequence: "a list"
        case .mapping: "keys"
        }
    }
}
