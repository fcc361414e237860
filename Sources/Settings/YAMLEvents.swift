// SPDX-License-Identifier: Apache-2.0
internal import CLibYAML

/// One step of libyaml through a text.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(String, isPlain: Bool)
        case sequenceStart, sequenceEnd, mappingStart, mappingEnd
    }

    var kind: Kind
    var position: Position
    var anchor: String?
    var hasTag: Bool
}

/// libyaml's parser over a text in memory; the only place that calls libyaml.
@safe
struct YAMLEvents: ~Copyable {
    // libyaml keeps the address of both: they must not move.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>

    /// - Parameter bytes: valid UTF-8.
    init(_ bytes: [UInt8]) throws(Problem) {
        unsafe text = UnsafeMutableBufferPointer.allocate(capacity: bytes.count + 1)
        _ = unsafe text.initialize(from: bytes + [0])
        unsafe parser = UnsafeMutablePointer.allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            throw Problem(at: Position(line: 1, column: 1), "libyaml is out of memory")
        }
        unsafe yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    mutating func next() throws(Problem) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { unsafe yaml_event_delete(&event) }
        let position = unsafe Position(event.start_mark)
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: return YAMLEvent(kind: .streamStart, position: position, hasTag: false)
        case YAML_STREAM_END_EVENT: return YAMLEvent(kind: .streamEnd, position: position, hasTag: false)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(kind: .documentStart, position: position, hasTag: false)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(kind: .documentEnd, position: position, hasTag: false)
        case YAML_SEQUENCE_END_EVENT: return YAMLEvent(kind: .sequenceEnd, position: position, hasTag: false)
        case YAML_MAPPING_END_EVENT: return YAMLEvent(kind: .mappingEnd, position: position, hasTag: false)
        case YAML_ALIAS_EVENT:
            let name = unsafe Self.string(event.data.alias.anchor) ?? ""
            return YAMLEvent(kind: .alias(name), position: position, hasTag: false)
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let value = unsafe String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return unsafe YAMLEvent(
                kind: .scalar(value, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), position: position,
                anchor: Self.string(scalar.anchor), hasTag: scalar.tag != nil)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return unsafe YAMLEvent(
                kind: .sequenceStart, position: position, anchor: Self.string(start.anchor), hasTag: start.tag != nil)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return unsafe YAMLEvent(
                kind: .mappingStart, position: position, anchor: Self.string(start.anchor), hasTag: start.tag != nil)
        default:
            throw Problem(at: position, "libyaml reports an event that this program doesn't know")
        }
    }

    private func failure() -> Problem {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "not YAML"
        let context = unsafe parser.pointee.context.map { unsafe String(cString: $0) + ": " } ?? ""
        return unsafe Problem(at: Position(parser.pointee.problem_mark), context + problem)
    }

    private static func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let text = unsafe text else { return nil }
        return unsafe String(cString: text)
    }
}

extension Position {
    fileprivate init(_ mark: yaml_mark_t) {
        // A configuration file is far smaller than Int.max.
        self.init(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }
}
