// SPDX-License-Identifier: Apache-2.0
internal import CLZ4

/// LZ4 blocks by liblz4 (doc/lz4_Block_format.md of its source).
enum LZ4 {
    /// - Precondition: at most 128 MB.
    static func compress(_ bytes: [UInt8], appendingTo output: inout [UInt8]) {
        precondition(bytes.count <= 1 << 27)
        let bound = Int(LZ4_compressBound(Int32(bytes.count)))
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            let written = unsafe bytes.withUnsafeBytes { source in
                unsafe LZ4_compress_default(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: CChar.self), Int32(source.count), Int32(bound))
            }
            count = max(0, Int(written))
        }
        precondition(!compressed.isEmpty, "liblz4 needs more room than it said")
        output += compressed
    }

    /// - Parameters:
    ///   - start: where the block begins; it reaches to the end.
    ///   - count: how many bytes it must give, exactly.
    /// - Returns: `nil` when it gives another number, or isn't LZ4.
    static func decompress(_ bytes: [UInt8], from start: Int, count: Int) -> [UInt8]? {
        guard start <= bytes.count, bytes.count <= 1 << 27, count <= 1 << 27 else { return nil }
        var written: Int32 = -1
        let result = unsafe [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, initialized in
            written = unsafe bytes.withUnsafeBytes { source in
                unsafe LZ4_decompress_safe(
                    source.baseAddress?.advanced(by: start).assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(source.count - start), Int32(count))
            }
            initialized = max(0, Int(written))
        }
        return Int(written) == count ? result : nil
    }
}
