// SPDX-License-Identifier: Apache-2.0

/// The fields in front of the codes, each checked to be there.
struct HeaderReader {
    let bytes: [UInt8]
    let operation: String
    var position = 0

    init(bytes: [UInt8], operation: String) {
        self.bytes = bytes
        self.operation = operation
    }

    mutating func byte() throws(PackingError) -> UInt8 {
        guard position < bytes.count else { throw PackingError(.truncated, operation, "the fields in front of the codes end early") }
        position += 1
        return bytes[position - 1]
    }

    mutating func varint() throws(PackingError) -> Int {
        var result = 0
        for index in 0..<4 {
            let byte = try byte()
            result |= Int(byte & 127) << (7 * index)
            if byte < 128 {
                guard byte != 0 || index == 0 else { break }
                return result
            }
        }
        throw PackingError(.damaged, operation, "a size in more bytes than it needs")
    }

    mutating func uint32() throws(PackingError) -> UInt32 {
        var number: UInt32 = 0
        for shift in [0, 8, 16, 24] as [UInt32] { number |= UInt32(try byte()) << shift }
        return number
    }

    mutating func float() throws(PackingError) -> Float { Float(bitPattern: try uint32()) }
}
