// SPDX-License-Identifier: Apache-2.0
package import Networks
package import Tensors

/// Running a part of a network: from one cut of ``ExecutorOptions/cuts`` to another, or up to one of several outputs.
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
    package func load(_ tensors: [Tensor], at position: Int) throws(InferenceError) {
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
        for (tensor, target) in zip(tensors, crossing) {
            unsafe tensor.storage.withUnsafeBytes { source in
                for place in target.places {
                    unsafe program.memory.withUnsafeBytes(of: place.slot) { unsafe place.copyIn.run(from: source, to: $0) }
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

    /// Runs the nodes of a segment on what lies in memory: what ``load(_:at:)`` or the run before has put there. Outputs of nodes before the segment
    /// aren't made. It reserves no memory.
    package func run(segment: Range<Int>) throws(InferenceError) {
        let (first, last) = try (cut(segment.lowerBound).entry, cut(segment.upperBound).entry)
        for index in first..<last { try program.run(entry: index) }
    }

    /// Runs the network on an image up to a cut. It reserves no memory.
    package func run(pixels: Span<UInt8>, upTo position: Int) throws(InferenceError) {
        try run(pixels: pixels, entries: cut(position).entry)
    }

    /// Runs the network on an image until its outputs 0 … `exit` are there; what only later outputs need isn't computed. It reserves no memory.
    package func run(pixels: Span<UInt8>, exit: Int) throws(InferenceError) {
        try run(pixels: pixels, entries: program.exits[exit])
    }

    /// Goes on after a run that ended at output `exit`, until the outputs up to `next` are there.
    package func resume(after exit: Int, to next: Int) throws(InferenceError) {
        for index in program.exits[exit]..<max(program.exits[exit], program.exits[next]) { try program.run(entry: index) }
    }

    /// How many of the plan's steps are run for the outputs 0 … `exit`.
    package func steps(upToExit exit: Int) -> Int { program.exits[exit] }

    private func cut(_ position: Int) throws(InferenceError) -> Segments.Cut {
        guard let cut = program.segments.cuts[position] else {
            throw InferenceError(.input, "cut \(position)", "the network wasn't loaded for a cut there")
        }
        return cut
    }
}
