// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
internal import Glibc
#endif

/// Bytes that never change once they are shared: reserved here, part of a mapped file, or made of packed weights whenever they are asked for.
///
/// `@unchecked Sendable`: the bytes are written only by the closure that fills them, before the initialiser returns.
@safe
package final class TensorStorage: @unchecked Sendable {
    /// Alignment, in bytes, of storage reserved here, and of each tensor in a bundle.
    package static let alignment = 64

    private let bytes: UnsafeRawBufferPointer
    /// Keeps a mapping alive; `nil` when the bytes are this object's own.
    private let owner: (any AnyObject & Sendable)?
    /// Where the bytes are weights that lie packed: they are unpacked each time when they are asked for in canonical order.
    package let packed: PackedWeights?
    /// Where the bytes are int8 weights that lie in fewer bits: they are unpacked each time when they are asked for.
    private let bitPacked: BitPackedWeights?

    /// Reserves `count` bytes and lets `fill` write all of them.
    package init(count: Int, filling fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: Self.alignment)
        do {
            unsafe try fill(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
        } catch {
            unsafe buffer.deallocate()
            throw error
        }
        unsafe bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
        owner = nil
        packed = nil
        bitPacked = nil
    }

    /// Borrows bytes of a mapped file, which `owner` keeps valid and unchanged for as long as it lives.
    package init(borrowing bytes: UnsafeRawBufferPointer, from owner: any AnyObject & Sendable) {
        unsafe self.bytes = bytes
        self.owner = owner
        packed = nil
        bitPacked = nil
    }

    /// Weights in canonical order that lie packed.
    package init(_ packed: PackedWeights) {
        unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        owner = nil
        self.packed = packed
        bitPacked = nil
    }

    /// Weights, a byte each, that lie in fewer bits.
    package init(_ bitPacked: BitPackedWeights) {
        unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        owner = nil
        packed = nil
        self.bitPacked = bitPacked
    }

    deinit {
        if owner == nil { unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.deallocate() }
    }

    package var count: Int {
        if let packed { return packed.shape.elementCount * packed.type.size }
        if let bitPacked { return bitPacked.count }
        return unsafe bytes.count
    }

    /// Lends the bytes for the duration of `body`.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard packed != nil || bitPacked != nil else { return try unsafe body(bytes) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: Self.alignment)
        defer { unsafe buffer.deallocate() }
        unsafe packed?.unpack(into: buffer)
        unsafe bitPacked?.unpack(into: buffer)
        return try unsafe body(UnsafeRawBufferPointer(buffer))
    }

    /// Tells the system that bytes of a mapped file aren't needed for now: they take no memory until somebody reads them again.
    package func releasePages() {
        guard owner != nil, let base = unsafe bytes.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let first = (UInt(bitPattern: base) + UInt(page) - 1) / UInt(page) * UInt(page)
        let last = unsafe (UInt(bitPattern: base) + UInt(bytes.count)) / UInt(page) * UInt(page)
        guard first < last, let start = unsafe UnsafeMutableRawPointer(bitPattern: first) else { return }
        unsafe madvise(start, Int(last - first), Int32(MADV_DONTNEED))
    }
}
