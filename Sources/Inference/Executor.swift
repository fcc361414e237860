// SPDX-License-Identifier: Apache-2.0
internal import Kernels
package import Networks
package import Tensors

/// A loaded network that runs, again and again, in memory reserved when it was loaded.
///
/// One owner, one run at a time; not `Sendable`. With more than one thread the executor owns the other threads; they sleep
/// between runs and end with it. Results are the same for every number of threads, bit by bit.
///
/// ``run(pixels:)`` and ``run(input:)`` reserve no memory, unless a step of the ``plan`` runs an operation's definition
/// (``StepDescription/isDefinition``): that happens for operations, element types and ranks without a kernel, which image
/// networks rarely have.
package final class Executor {
    let program: Program
    /// Whether a run keeps busy all processors that the thread which loaded the network may use.
    package let takesAllProcessors: Bool
    private let pixels: PixelEntry?
    /// By lane: whether the input is what ``begin(pixels:lane:)`` has put there.
    var isImage: [Bool]
    /// The first entry that is run for all lanes before the next one; the end where none is.
    var sharedFrom: Int
    let isSharedFromGiven: Bool

    /// Checks the graph, prepares weights, plans and reserves the memory, starts the threads.
    ///
    /// - Parameters:
    ///   - isChecked: whether the graph is known to keep its rules (``Graph/check()``).
    ///   - preprocessing: how pixels become the input; without it ``run(pixels:)`` is an error.
    package init(
        _ graph: Graph, isChecked: Bool = false, preprocessing: Preprocessing? = nil, options: ExecutorOptions = ExecutorOptions()
    ) throws(InferenceError) {
        do {
            if !isChecked { try graph.check() }
        } catch {
            throw InferenceError(.invalidGraph, "network '\(graph.name)'", "\(error)")
        }
        let graph = graph.orderedByExits()
        program = try Program(graph, options: options)
        takesAllProcessors = options.threads >= Processor.availableCount
        isImage = Array(repeating: false, count: options.lanes)
        isSharedFromGiven = options.firstSharedStep != nil
        sharedFrom = min(options.firstSharedStep ?? .max, program.entries.count)
        if let preprocessing {
            pixels = try PixelEntry(preprocessing, graph: graph, program: program)
        } else {
            pixels = nil
        }
    }

    /// Binds the calling thread, which is to run the network, to the first of the options' processors; without any it does nothing.
    package func bindThread() {
        // That it can be bound there was tried when the network was loaded.
        if let core = program.cores.first { _ = Processor.bindThread(to: core) }
    }

    /// Runs the network on an image.
    ///
    /// - Parameter pixels: `[height, width, channels]`, rows first, of the size and channel order of the preprocessing.
    package func run(pixels: Span<UInt8>) throws(InferenceError) {
        try begin(pixels: pixels)
        for index in program.entries.indices where !isDone(index) { try program.run(entry: index) }
    }

    /// Takes an image for a run in parts (``run(segment:)``), of which the first begins at 0. It reserves no memory.
    package func begin(pixels: Span<UInt8>, lane: Int = 0) throws(InferenceError) {
        guard let entry = self.pixels else {
            throw InferenceError(.preprocessing, "pixels", "the network was loaded without preprocessing")
        }
        try entry.fill(from: pixels, program.memories[lane])
        isImage[lane] = true
    }

    /// Whether the input was an image, from which an entry's result came at once.
    func isDone(_ entry: Int, lane: Int = 0) -> Bool { isImage[lane] && pixels?.skips[entry] == true }

    /// Runs the network on its only input.
    ///
    /// - Parameter input: logical order `[n, c, h, w]`, row-major.
    package func run(input: Span<Float>) throws(InferenceError) {
        guard program.inputs.count == 1, program.inputs[0].value.type == .float32 else {
            throw InferenceError(.input, "float32 input", "the network takes \(program.inputs.count) inputs of other types")
        }
        isImage[0] = false
        let target = program.inputs[0]
        guard input.count == target.value.shape.elementCount else {
            throw InferenceError(
                .input, "'\(target.value.name)'", "expected \(target.value.shape), that is \(target.value.shape.elementCount) elements, found \(input.count)")
        }
        unsafe input.withUnsafeBytes { source in
            unsafe program.memory.withUnsafeBytes(of: target.slot) { unsafe target.copy.run(from: source, to: $0) }
        }
        for index in program.entries.indices { try program.run(entry: index) }
    }

    /// Lends an output of the last run as float32, row-major in logical order; quantised ones as the numbers that they stand for.
    /// The memory is the executor's: the next run overwrites it.
    ///
    /// - Parameter index: the ``end`` where it isn't given.
    /// - Precondition: the network has such an output.
    package func withOutput<Result>(_ index: Int? = nil, lane: Int = 0, _ body: (Span<Float>) -> Result) -> Result {
        let output = program.outputs[index ?? end]
        return program.memories[lane].read(output.floats, of: Float.self) { body($0.extracting(..<output.value.shape.elementCount)) }
    }

    /// Runs the network on any number of inputs of any type and copies the outputs. It reserves memory.
    package func run(_ inputs: [Tensor]) throws(InferenceError) -> [Tensor] {
        try fill(inputs)
        for index in program.entries.indices { try program.run(entry: index) }
        return outputTensors
    }

    /// A copy of the outputs of the last run.
    var outputTensors: [Tensor] { program.outputs.map { program.memory.tensor($0.slot, type: $0.value.type, shape: $0.value.shape) } }

    /// Runs the network and shows every float32 value, inputs included, as soon as it is computed: row-major in logical order, valid
    /// during the call. It reserves memory.
    package func run(_ inputs: [Tensor], observing observe: (ValueID, Span<Float>) -> Void) throws(InferenceError) {
        try fill(inputs)
        var next = 0
        for index in 0...program.entries.count {
            while next < program.observations.count, program.observations[next].entry == index {
                show(program.observations[next], observe)
                next += 1
            }
            if index < program.entries.count { try program.run(entry: index) }
        }
    }

    /// Runs the network and measures each step of the ``plan``. It reserves memory.
    package func stepTimes(_ inputs: [Tensor]) throws(InferenceError) -> [Duration] {
        try fill(inputs)
        let clock = ContinuousClock()
        var times: [Duration] = []
        for index in program.entries.indices {
            let start = clock.now
            try program.run(entry: index)
            times.append(clock.now - start)
        }
        return times
    }

    /// Bytes that activations share.
    package var arenaBytes: Int { program.memory.arenaBytes }
    /// The fewest bytes that they could share: the most that is alive during one step.
    package var leastArenaBytes: Int { program.memoryPlan.leastBytes }
    /// What it costs to divide a step among the threads and to wait for all of them; `nil` with one thread.
    package var barrier: Duration? { program.barrier }
    /// Bytes that each thread has for itself.
    package var scratchBytes: Int { program.memory.scratchBytes }
    /// The steps, in order.
    package var plan: [StepDescription] { program.plan }
    /// The network's inputs, as its graph declares them.
    package var inputs: [Value] { program.inputs.map(\.value) }
    /// The network's outputs, as its graph declares them.
    package var outputs: [Value] { program.outputs.map(\.value) }

    func fill(_ inputs: [Tensor], lane: Int = 0) throws(InferenceError) {
        guard inputs.count == program.inputs.count else {
            throw InferenceError(.input, "run", "expected \(program.inputs.count) inputs, found \(inputs.count)")
        }
        for (tensor, target) in zip(inputs, program.inputs) {
            guard tensor.type == target.value.type, tensor.shape == target.value.shape else {
                throw InferenceError(
                    .input, "'\(target.value.name)'",
                    "expected \(target.value.type) \(target.value.shape), found \(tensor.type) \(tensor.shape)")
            }
            unsafe tensor.storage.withUnsafeBytes { source in
                unsafe program.memories[lane].withUnsafeBytes(of: target.slot) { unsafe target.copy.run(from: source, to: $0) }
            }
        }
        isImage[lane] = false
    }

    private func show(_ observation: Lowering.Observation, _ observe: (ValueID, Span<Float>) -> Void) {
        let rowMajor = Geometry(shape: observation.geometry.shape, layout: .rowMajor)
        let copy = StridedCopy(from: observation.geometry, to: rowMajor, elementSize: MemoryLayout<Float>.size)
        let tensor = unsafe Tensor(
            type: .float32, shape: rowMajor.shape,
            storage: TensorStorage(count: rowMajor.count * MemoryLayout<Float>.size) { target in
                unsafe program.memory.withUnsafeBytes(of: observation.slot) { unsafe copy.run(from: UnsafeRawBufferPointer($0), to: target) }
            })
        tensor.withElements(of: Float.self) { observe(observation.value, $0) }
    }
}
