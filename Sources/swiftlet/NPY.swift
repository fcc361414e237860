// SPDX-License-Identifier: Apache-2.0
internal import Networks
package import Tensors

/// Why bytes are no NumPy array that is read here.
package struct NPYError: Error, Hashable, Sendable, CustomStringConvertible {
    package var cause: String
    init(_ cause: String) { self.cause = cause }
    package var description: String { "not a NumPy array: \(cause)" }
}

/// NumPy's file format for one array, versions 1 to 3 (`numpy.lib.format`).
package enum NPY {
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// Reads an array of little-endian numbers or booleans, in C or Fortran order.
    ///
    /// - Throws: ``NPYError`` for any other type, and where header and length don't agree.
    package static func tensor(_ bytes: [UInt8]) throws(NPYError) -> Tensor {
        guard bytes.count >= 10, bytes.starts(with: magic) else { throw NPYError("it doesn't start as one") }
        let lengthSize = bytes[6] == 1 ? 2 : 4
        guard (1...3).contains(bytes[6]), bytes.count >= 8 + lengthSize else { throw NPYError("format version \(bytes[6])") }
        let length = (0..<lengthSize).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
        let start = 8 + lengthSize
        guard length <= bytes.count - start else { throw NPYError("a header of \(length) bytes in a file of \(bytes.count)") }
        var header = NPYHeader(bytes[start..<start + length])
        let description = try header.read()
        guard let count = description.shape.checkedElementCount, count <= Graph.maximumElements, description.shape.count <= Graph.maximumRank else {
            throw NPYError("the shape \(description.shape)")
        }
        let data = bytes[(start + length)...]
        guard data.count == count * description.type.size else {
            throw NPYError("\(data.count) bytes for \(count) elements of \(description.type)")
        }
        let elements = description.isFortran ? reordered(data, description) : Array(data)
        let storage = unsafe TensorStorage(count: elements.count) { unsafe $0.copyBytes(from: elements) }
        return Tensor(type: description.type, shape: description.shape, storage: storage)
    }

    /// The file for a tensor: version 1, C order, the data at a multiple of 64 bytes.
    package static func bytes(_ tensor: Tensor) -> [UInt8] {
        let shape = tensor.shape.map { "\($0)," }.joined(separator: " ")
        let sizes = tensor.shape.count == 1 ? shape : String(shape.dropLast(tensor.shape.isEmpty ? 0 : 1))
        var header = Array("{'descr': '\(tensor.type.npyName)', 'fortran_order': False, 'shape': (\(sizes)), }".utf8)
        while (magic.count + 4 + header.count + 1) % 64 != 0 { header.append(UInt8(ascii: " ")) }
        header.append(UInt8(ascii: "\n"))
        let length = [UInt8(header.count & 0xFF), UInt8(header.count >> 8)]
        return magic + [1, 0] + length + header + (unsafe tensor.storage.withUnsafeBytes { unsafe Array($0) })
    }

    /// Bytes in C order of an array whose first axis varies fastest.
    private static func reordered(_ data: ArraySlice<UInt8>, _ description: NPYHeader.Description) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(data.count)
        var index = description.shape.map { _ in 0 }
        for _ in 0..<description.shape.elementCount {
            let position = zip(index, description.shape).reversed().reduce(0) { $0 * $1.1 + $1.0 }
            let start = data.startIndex + position * description.type.size
            result += data[start..<start + description.type.size]
            for axis in index.indices.reversed() {
                index[axis] += 1
                if index[axis] < description.shape[axis] { break }
                index[axis] = 0
            }
        }
        return result
    }
}

/// The Python dictionary in front of the data.
struct NPYHeader {
    struct Description {
        var type: ElementType
        var isFortran: Bool
        var shape: [Int]
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func read() throws(NPYError) -> Description {
        var (type, isFortran, shape): (ElementType?, Bool?, [Int]?) = (nil, nil, nil)
        try expect("{")
        while !accept("}") {
            let key = try text()
            try expect(":")
            switch key {
            case "descr" where type == nil: type = try elementType()
            case "fortran_order" where isFortran == nil: isFortran = try flag()
            case "shape" where shape == nil: shape = try sizes()
            default: throw NPYError("the key '\(key)'")
            }
            if !accept(",") {
                try expect("}")
                break
            }
        }
        skipSpaces()
        guard rest.isEmpty, let type, let isFortran, let shape else { throw NPYError("an incomplete header") }
        return Description(type: type, isFortran: isFortran, shape: shape)
    }

    private mutating func skipSpaces() {
        rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
    }

    private mutating func accept(_ word: StaticString) -> Bool {
        skipSpaces()
        let bytes = Array(word.description.utf8)
        guard rest.starts(with: bytes) else { return false }
        rest = rest.dropFirst(bytes.count)
        return true
    }

    private mutating func expect(_ word: StaticString) throws(NPYError) {
        guard accept(word) else { throw NPYError("expected '\(word)' in the header") }
    }

    private mutating func text() throws(NPYError) -> String {
        try expect("'")
        guard let end = rest.firstIndex(of: UInt8(ascii: "'")), end - rest.startIndex <= 32 else { throw NPYError("an endless string in the header") }
        defer { rest = rest[(end + 1)...] }
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    private mutating func flag() throws(NPYError) -> Bool {
        if accept("True") { return true }
        try expect("False")
        return false
    }

    private mutating func elementType() throws(NPYError) -> ElementType {
        let name = try text()
        guard let type = ElementType.allCases.first(where: { $0.npyName == name }) else { throw NPYError("the element type '\(name)'") }
        return type
    }

    private mutating func sizes() throws(NPYError) -> [Int] {
        try expect("(")
        var sizes: [Int] = []
        while !accept(")") {
            skipSpaces()
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard let size = Int(String(decoding: digits, as: UTF8.self)), sizes.count < 64 else { throw NPYError("a shape that isn't one") }
            sizes.append(size)
            rest = rest.dropFirst(digits.count)
            if !accept(",") {
                try expect(")")
                break
            }
        }
        return sizes
    }
}

extension ElementType {
    /// As NumPy's headers name it.
    fileprivate var npyName: String {
        switch self {
        case .float32: "<f4"
        case .float16: "<f2"
        case .float64: "<f8"
        case .int8: "|i1"
        case .uint8: "|u1"
        case .int16: "<i2"
        case .uint16: "<u2"
        case .int32: "<i4"
        case .uint32: "<u4"
        case .int64: "<i8"
        case .uint64: "<u8"
        case .bool: "|b1"
        }
    }
}
