// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Memory for what crosses a cut, on its way from the frame thread to the one that packs: a fixed number of buffers of a fixed size.
final class CrossingBuffers: Sendable {
    /// `@unchecked Sendable`: whoever has taken it from ``CrossingBuffers`` has it alone, until it is given back; the handing over goes through a lock.
    final class Buffer: @unchecked Sendable {
        var bytes: [UInt8]

        fileprivate init(count: Int) { bytes = [UInt8](repeating: 0, count: count) }
    }

    private let free: Mutex<[Buffer]>

    init(count: Int, bytes: Int) { free = Mutex((0..<count).map { _ in Buffer(count: bytes) }) }

    /// `nil` where none is free.
    func take() -> Buffer? { free.withLock { $0.popLast() } }

    func giveBack(_ buffer: Buffer) { free.withLock { $0.append(buffer) } }
}
