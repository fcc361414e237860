// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Tensors

/// Names one buffer of a loaded network.
struct Slot: Hashable, Sendable { var index: Int }

/// Bytes of the system's, given back when nobody has them any more.
@safe
private final class Area {
    let start: UnsafeMutableRawPointer

    init(bytes: Int) throws(InferenceError) {
        guard let start = unsafe aligned_alloc(MemoryPlan.alignment, max(bytes, MemoryPlan.alignment)) else {
            throw InferenceError(.memory, "\(bytes) bytes", "the system has no more")
        }
        unsafe self.start = start
    }

    deinit { unsafe free(start) }
}

/// The memory of a loaded network: the arena that activations share, the constants that are operands, and one scratch area a thread.
///
/// `@unchecked Sendable`: the threads of one run read buffers that are complete and write disjoint parts of the one that
/// their step produces; runs follow one another.
@safe
final class Memory: @unchecked Sendable {
    struct Region: Hashable, Sendable {
        /// From the start of the arena, or of the constants.
        var offset: Int
        var bytes: Int
        var isConstant: Bool
    }

    let arenaBytes: Int
    let scratchBytes: Int
    private let regions: [Region]
    private let areas: (arena: Area, constants: Area, scratch: Area)
    private let arena: UnsafeMutableRawPointer
    private let constants: UnsafeMutableRawPointer
    private let scratch: UnsafeMutableRawPointer
    private let scratchStride: Int

    /// Reserves everything; nothing is reserved later. Each size is a multiple of 64 bytes, and so is every offset.
    ///
    /// - Precondition: every region lies inside its area.
    init(regions: [Region], arenaBytes: Int, constantBytes: Int, scratchBytes: Int, threads: Int) throws(InferenceError) {
        self.regions = regions
        self.arenaBytes = arenaBytes
        self.scratchBytes = scratchBytes
        scratchStride = (scratchBytes + MemoryPlan.alignment - 1) / MemoryPlan.alignment * MemoryPlan.alignment
        areas = try (Area(bytes: arenaBytes), Area(bytes: constantBytes), Area(bytes: scratchStride * threads))
        unsafe (arena, constants, scratch) = unsafe (areas.arena.start, areas.constants.start, areas.scratch.start)
        for region in regions {
            precondition(region.offset >= 0 && region.bytes >= 0, "a region before its area")
            precondition(region.offset + region.bytes <= (region.isConstant ? constantBytes : arenaBytes), "a region beyond its area")
        }
    }

    /// Another arena beside the same constants and scratch areas: runs in both follow one another.
    init(beside other: Memory) throws(InferenceError) {
        regions = other.regions
        arenaBytes = other.arenaBytes
        scratchBytes = other.scratchBytes
        scratchStride = other.scratchStride
        areas = try (Area(bytes: arenaBytes), other.areas.constants, other.areas.scratch)
        unsafe (arena, constants, scratch) = unsafe (areas.arena.start, areas.constants.start, areas.scratch.start)
    }

    /// The elements of a slot, to be read.
    ///
    /// - Precondition for this and what follows: the slot isn't written by `body`, or only in parts that are not read.
    func read<Element: TensorElement, Result>(_ slot: Slot, of _: Element.Type, _ body: (Span<Element>) -> Result) -> Result {
        let region = regions[slot.index]
        return unsafe body(Span(_unsafeStart: start(region).assumingMemoryBound(to: Element.self), count: count(region, Element.self)))
    }

    /// The elements of a slot, to be written.
    func write<Element: TensorElement>(_ slot: Slot, of _: Element.Type, _ body: (inout MutableSpan<Element>) -> Void) {
        let region = regions[slot.index]
        var span = unsafe MutableSpan(
            _unsafeStart: start(region).assumingMemoryBound(to: Element.self), count: count(region, Element.self))
        body(&span)
    }

    /// What most steps need: one input, one output and the scratch area of a thread.
    func with<Input: TensorElement, Output: TensorElement>(
        reading input: Slot, of _: Input.Type, writing output: Slot, of _: Output.Type, scratchOf worker: Int,
        _ body: (Span<Input>, inout MutableSpan<Output>, inout MutableSpan<UInt8>) -> Void
    ) {
        let from = regions[input.index]
        let to = regions[output.index]
        let source = unsafe Span(
            _unsafeStart: start(from).assumingMemoryBound(to: Input.self), count: count(from, Input.self))
        var target = unsafe MutableSpan(
            _unsafeStart: start(to).assumingMemoryBound(to: Output.self), count: count(to, Output.self))
        var area = unsafe MutableSpan(
            _unsafeStart: (scratch + worker * scratchStride).assumingMemoryBound(to: UInt8.self), count: scratchBytes)
        body(source, &target, &area)
    }

    /// The first thread's scratch area, divided in two.
    func withScratch<First: TensorElement, Second: TensorElement>(
        of _: First.Type, count first: Int, of _: Second.Type, count second: Int, _ body: (inout MutableSpan<First>, inout MutableSpan<Second>) -> Void
    ) {
        let offset = first * MemoryLayout<First>.stride
        precondition(offset + second * MemoryLayout<Second>.stride <= scratchBytes && offset % MemoryLayout<Second>.alignment == 0, "a scratch area that is too small")
        var start = unsafe MutableSpan(_unsafeStart: scratch.assumingMemoryBound(to: First.self), count: first)
        var rest = unsafe MutableSpan(_unsafeStart: (scratch + offset).assumingMemoryBound(to: Second.self), count: second)
        body(&start, &rest)
    }

    /// The bytes of a slot.
    func withUnsafeBytes<Result>(of slot: Slot, _ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
        let region = regions[slot.index]
        return unsafe body(UnsafeMutableRawBufferPointer(start: start(region), count: region.bytes))
    }

    private func start(_ region: Region) -> UnsafeMutableRawPointer {
        unsafe (region.isConstant ? constants : arena) + region.offset
    }

    private func count<Element>(_ region: Region, _: Element.Type) -> Int { region.bytes / MemoryLayout<Element>.stride }
}
