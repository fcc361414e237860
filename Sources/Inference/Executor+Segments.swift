// SPDX-License-Identifier: Apache-2.0
package import Networks
package import Tensors

/// Running a part of a network: the backbone from one cut of ``ExecutorOptions/cuts``, or exit, to another, and the heads of exits (``Networks/Graph/heads``).
///
/// Positions count the nodes of ``Networks/Graph/orderedByExits()``. What one executor computes up to a cut, any other goes on from, bit by bit.
extension Executor {
    /// What crosses a cut: computed before it, and read behind it.
    ///
    /// - Throws: where the executor wasn't loaded for a cut there.
    package func crossing(at position: Int) throws(InferenceError) -> [Value] { try cut(position).crossing.map(\.value) }

    /// Puts the values that cross a cut where the nodes behind it read them.
    ///
    /// - Parameter tensors: in the order of ``crossing(at:)``.
    package func load(_ tensors: [Tensor], at position: Int, lane: Int = 0) throws(InferenceError) {
        let crossing = try cut(position).crossing
        guard tensors.count == crossing.count else {
            throw InferenceError(.input, "cut \(position)", "expected \(crossing.count) values, found \(tensors.count)")
        }
        for (tensor, target) in zip(tensors, crossing) {
            guard tensor.type == target.value.type, tensor.shape == target.value.shape else {
                throw InferenceError(
                    .input, "'\(target.value.name)'", "expected \(target.value.type) \(target.value.shape), found \(tensor.type) \(tensor.shape)")
            }
        }
        isImage[lane] = false
        for (tensor, target) in zip(tensors, crossing) {
            unsafe tensor.storage.withUnsafeBytes { source in
                for place in target.places {
                    unsafe program.memories[lane].withUnsafeBytes(of: place.slot) { unsafe place.copyIn.run(from: source, to: $0) }
                }
            }
        }
    }

    /// Copies the values that cross a cut, in the order of ``crossing(at:)``, after a run up to it. It reserves memory.
    package func crossingTensors(at position: Int) throws(InferenceError) -> [Tensor] {
        try cut(position).crossing.map { crossing in
            let storage = unsafe TensorStorage(count: crossing.value.shape.elementCount * crossing.value.type.size) { target in
                unsafe program.memory.withUnsafeBytes(of: crossing.places[0].slot) {
                    unsafe crossing.copyOut.run(from: UnsafeRawBufferPointer($0), to: target)
                }
            }
            return Tensor(type: crossing.value.type, shape: crossing.value.shape, storage: storage)
        }
    }

    /// Copies the values that cross a cut into memory of the caller's, one behind the other, row-major, in the order of ``crossing(at:)``. It reserves no memory.
    ///
    /// - Precondition: `target` has room for all of them.
    package func copyCrossing(at position: Int, into target: inout [UInt8]) throws(InferenceError) {
        let crossing = try cut(position).crossing
        unsafe target.withUnsafeMutableBytes { target in
            var offset = 0
            for value in crossing {
                let bytes = value.value.shape.elementCount * value.value.type.size
                precondition(target.count - offset >= bytes, "what crosses cut \(position) doesn't fit \(target.count) bytes")
                let part = unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + bytes])
                unsafe program.memory.withUnsafeBytes(of: value.places[0].slot) { unsafe value.copyOut.run(from: UnsafeRawBufferPointer($0), to: part) }
                offset += bytes
            }
        }
    }

    /// Index of the last output, the backbone's end.
    package var end: Int { program.outputs.count - 1 }

    /// Runs the network on an image to its end, without the heads of exits. It reserves no memory.
    package func runBackbone(pixels: Span<UInt8>) throws(InferenceError) {
        try begin(pixels: pixels)
        for index in program.entries.indices where program.heads[index] == nil && !isDone(index) { try program.run(entry: index) }
    }

    /// For each output how many nodes come before its head: where the backbone is run to before ``run(head:)``. The last output is the backbone's end.
    package var exitPositions: [Int] { program.exitPositions }

    /// Runs the backbone's nodes of a segment on what lies in memory: what ``begin(pixels:)``, ``load(_:at:)`` or the segment before has put there. Heads aren't
    /// run, nor are outputs of nodes before the segment made. It reserves no memory.
    package func run(segment: Range<Int>) throws(InferenceError) {
        for index in try entries(of: segment) where program.heads[index] == nil && !isDone(index) { try program.run(entry: index) }
    }

    /// Runs what output `exit` alone needs. The backbone has been run up to its ``exitPositions``, and not beyond; heads there are run in any order. It reserves no
    /// memory.
    package func run(head exit: Int) throws(InferenceError) {
        for index in program.entries.indices where program.heads[index] == exit { try program.run(entry: index) }
    }

    /// The steps of the ``plan`` that ``run(segment:)`` runs.
    package func steps(of segment: Range<Int>) throws(InferenceError) -> [Int] { try entries(of: segment).filter { program.heads[$0] == nil } }

    /// The steps of the ``plan`` that ``run(head:)`` runs.
    package func steps(ofHead exit: Int) -> [Int] { program.entries.indices.filter { program.heads[$0] == exit } }

    func entries(of segment: Range<Int>) throws(InferenceError) -> Range<Int> {
        let (first, last) = try (cut(segment.lowerBound).entry, cut(segment.upperBound).entry)
        return first..<last
    }

    private func cut(_ position: Int) throws(InferenceError) -> Segments.Cut {
        guard let cut = program.segments.cuts[position] else {
            throw InferenceError(.input, "cut \(position)", "the network wasn't loaded for a cut there")
        }
        return cut
    }
}
