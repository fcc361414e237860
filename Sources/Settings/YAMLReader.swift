// SPDX-License-Identifier: Apache-2.0

/// Reads one YAML document into a tree, within limits that keep hostile input small.
///
/// Refused: tags, several documents, keys that aren't plain text, a key twice in one mapping, an anchor inside itself, and more than
/// ``maximumBytes``, ``maximumDepth`` or ``maximumNodes`` (counted after aliases are expanded).
package struct YAMLReader: ~Copyable {
    package static let maximumBytes = 256 * 1024
    package static let maximumDepth = 32
    package static let maximumNodes = 20_000

    private var events: YAMLEvents
    private var problems: [Problem] = []
    private var nodes = 0
    /// `nil` while the anchored value is still being read.
    private var anchors: [String: (node: YAMLNode, size: Int, height: Int)?] = [:]

    /// The tree of a file's text. An empty text is an empty mapping.
    ///
    /// - Parameter file: the name for error messages.
    package static func read(_ bytes: [UInt8], file: String) throws(SettingsError) -> YAMLNode {
        let start = Position(line: 1, column: 1)
        func refuse(_ problem: Problem) -> SettingsError { SettingsError(file: file, problems: [problem]) }
        guard bytes.count <= maximumBytes else {
            throw refuse(Problem(at: start, "the file has \(bytes.count) bytes, more than \(maximumBytes)"))
        }
        if let bad = invalidUTF8(in: bytes) { throw refuse(Problem(at: bad, "not valid UTF-8")) }
        do {
            var reader = try YAMLReader(events: YAMLEvents(bytes))
            let node = try reader.document()
            guard reader.problems.isEmpty else { throw SettingsError(file: file, problems: reader.problems) }
            return node
        } catch let problem as Problem {
            throw refuse(problem)
        } catch let error as SettingsError {
            throw error
        } catch {
            throw refuse(Problem(at: start, "\(error)"))
        }
    }

    private init(events: consuming YAMLEvents) { self.events = events }

    private mutating func document() throws(Problem) -> YAMLNode {
        _ = try events.next()
        let first = try events.next()
        if case .streamEnd = first.kind { return YAMLNode(.mapping([]), at: Position(line: 1, column: 1)) }
        let (root, _) = try node(try events.next(), depth: 1)
        _ = try events.next()
        let last = try events.next()
        guard case .streamEnd = last.kind else {
            throw Problem(at: last.position, "expected one document, found a second")
        }
        return root
    }

    /// - Returns: the node and the number of levels below and including it.
    private mutating func node(_ event: YAMLEvent, depth: Int) throws(Problem) -> (YAMLNode, height: Int) {
        guard depth <= Self.maximumDepth else {
            throw Problem(at: event.position, "nested deeper than \(Self.maximumDepth) levels")
        }
        if event.hasTag { throw Problem(at: event.position, "tags ('!…') are not supported") }
        if case .alias(let name) = event.kind { return try alias(name, at: event.position, depth: depth) }

        try count(1, at: event.position)
        let before = nodes
        if let anchor = event.anchor { anchors[anchor] = .some(nil) }
        let content: YAMLNode.Content
        var height = 1
        switch event.kind {
        case .scalar(let text, let isPlain):
            content = .scalar(text, isPlain: isPlain)
        case .sequenceStart:
            var elements: [YAMLNode] = []
            while true {
                let next = try events.next()
                if case .sequenceEnd = next.kind { break }
                let (element, levels) = try node(next, depth: depth + 1)
                elements.append(element)
                height = max(height, levels + 1)
            }
            content = .sequence(elements)
        case .mappingStart:
            let (entries, levels) = try mapping(depth: depth)
            content = .mapping(entries)
            height = max(height, levels + 1)
        default:
            throw Problem(at: event.position, "expected a value")
        }
        let result = YAMLNode(content, at: event.position)
        if let anchor = event.anchor { anchors[anchor] = (result, nodes - before + 1, height) }
        return (result, height)
    }

    private mutating func mapping(depth: Int) throws(Problem) -> ([YAMLEntry], height: Int) {
        var entries: [YAMLEntry] = []
        var lines: [String: Int] = [:]
        var height = 0
        while true {
            let next = try events.next()
            if case .mappingEnd = next.kind { return (entries, height) }
            guard case .scalar(let key, _) = next.kind, !next.hasTag, next.anchor == nil else {
                throw Problem(at: next.position, "expected a key")
            }
            try count(1, at: next.position)
            let (value, levels) = try node(try events.next(), depth: depth + 1)
            height = max(height, levels)
            if let line = lines[key] {
                problems.append(Problem(at: next.position, key: key, "appears twice, first in line \(line)"))
            } else {
                lines[key] = next.position.line
                entries.append(YAMLEntry(key: key, position: next.position, value: value))
            }
        }
    }

    private mutating func alias(_ name: String, at position: Position, depth: Int) throws(Problem) -> (YAMLNode, height: Int) {
        guard let known = anchors[name] else { throw Problem(at: position, "no anchor named \(name.quoted)") }
        guard let anchor = known else { throw Problem(at: position, "the anchor \(name.quoted) contains itself") }
        try count(anchor.size, at: position)
        guard depth + anchor.height - 1 <= Self.maximumDepth else {
            throw Problem(at: position, "nested deeper than \(Self.maximumDepth) levels")
        }
        return (anchor.node, anchor.height)
    }

    private mutating func count(_ added: Int, at position: Position) throws(Problem) {
        nodes += added
        guard nodes <= Self.maximumNodes else {
            throw Problem(at: position, "more than \(Self.maximumNodes) values, aliases counted")
        }
    }

    /// The place of the first byte that isn't UTF-8.
    private static func invalidUTF8(in bytes: [UInt8]) -> Position? {
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var position = Position(line: 1, column: 1)
        while case .scalarValue(let scalar) = decoder.decode(&iterator) {
            position = scalar == "\n" ? Position(line: position.line + 1, column: 1) : Position(line: position.line, column: position.column + 1)
        }
        return position
    }
}

extension Problem: Error {}
