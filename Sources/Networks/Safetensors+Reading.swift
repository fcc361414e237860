// SPDX-License-Identifier: Apache-2.0
internal import JSON
internal import Tensors

extension Safetensors {
    /// Reads the tensors of a mapped file without copying them: each borrows from `file`.
    ///
    /// - Throws: ``FormatError`` when a length, an offset, a shape or a type doesn't hold; nothing is assumed of the bytes.
    package init(_ file: MappedFile) throws(FormatError) {
        let bytes = unsafe file.bytes
        guard bytes.count >= 8 else { throw FormatError("\(bytes.count) bytes are too few for a safetensors file") }
        let length = unsafe UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(Self.longestHeader), Int(length) <= bytes.count - 8 else {
            throw FormatError("a header of \(length) bytes doesn't fit the file of \(bytes.count)")
        }
        let header: Header
        do {
            header = try unsafe Header(JSONDocument(Array(bytes[8..<8 + Int(length)])).root)
        } catch {
            throw FormatError("the header isn't the JSON that safetensors asks for")
        }
        let data = unsafe UnsafeRawBufferPointer(rebasing: bytes[(8 + Int(length))...])
        metadata = header.metadata
        tensors = []
        let sorted = header.entries.sorted { ($0.value.data_offsets, $0.key) < ($1.value.data_offsets, $1.key) }
        var end = 0
        for (name, entry) in sorted {
            let range = try Self.range(of: entry, name: name, after: end, dataCount: data.count)
            end = range.upperBound
            if name.hasPrefix(Self.paddingPrefix) { continue }
            try unsafe tensors.append((name, Self.tensor(entry, name: name, data: data, range: range, file: file)))
        }
        guard end == data.count else { throw FormatError("the tensors cover \(end) of \(data.count) bytes of data") }
    }

    private static func range(
        of entry: Entry, name: String, after end: Int, dataCount: Int
    ) throws(FormatError) -> Range<Int> {
        guard entry.data_offsets.count == 2 else { throw FormatError("tensor '\(name)' has no pair of offsets") }
        let begin = entry.data_offsets[0]
        let limit = entry.data_offsets[1]
        guard begin == end, limit >= begin, limit <= dataCount else {
            throw FormatError("tensor '\(name)' at \(begin) … \(limit) leaves a gap, overlaps, or reaches beyond \(dataCount) bytes")
        }
        return begin..<limit
    }

    private static func tensor(
        _ entry: Entry, name: String, data: UnsafeRawBufferPointer, range: Range<Int>, file: MappedFile
    ) throws(FormatError) -> Tensor {
        guard let type = ElementType(rawValue: entry.dtype) else {
            throw FormatError("tensor '\(name)' has the unknown type '\(entry.dtype)'")
        }
        guard let count = entry.shape.checkedElementCount, count <= range.count, count * type.size == range.count else {
            throw FormatError("tensor '\(name)' of type \(type.rawValue) and shape \(entry.shape) doesn't fit its \(range.count) bytes")
        }
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: data[range])
        guard Int(bitPattern: bytes.baseAddress) % type.size == 0 else {
            // Other writers align only to the element, or not at all: such a tensor is copied.
            return unsafe Tensor(
                type: type, shape: entry.shape,
                storage: TensorStorage(count: range.count) { unsafe $0.copyMemory(from: bytes) })
        }
        return unsafe Tensor(type: type, shape: entry.shape, storage: TensorStorage(borrowing: bytes, from: file))
    }
}

/// Lexicographic: offsets, then names.
private func < (left: ([Int], String), right: ([Int], String)) -> Bool {
    if left.0 != right.0 { return left.0.lexicographicallyPrecedes(right.0) }
    return left.1 < right.1
}

extension Safetensors.Header {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        for (name, value) in try json.members() {
            if name == Safetensors.metadataKey {
                for (key, text) in try value.members() { metadata[key] = try text.string() }
            } else {
                entries[name] = try Safetensors.Entry(value)
            }
        }
    }
}

extension Safetensors.Entry {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        dtype = try json.member("dtype").string()
        shape = try json.member("shape").integers()
        data_offsets = try json.member("data_offsets").integers()
    }
}
