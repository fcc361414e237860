// SPDX-License-Identifier: Apache-2.0
internal import Kernels
internal import Networks
internal import Tensors

/// A lowered graph with its memory: what a run walks through.
final class Program {
    struct Input {
        var value: Value
        var slot: Slot
        /// Row-major elements of the caller to their places.
        var copy: StridedCopy
    }

    struct Output {
        var value: Value
        /// Row-major.
        var slot: Slot
        /// The same as float32, filled by the last steps of the program; `slot` itself for float32 values.
        var floats: Slot
    }

    let entries: [Lowering.Entry]
    let steps: [any Step]
    let definitions: [DefinitionStep]
    let plan: [StepDescription]
    let inputs: [Input]
    let outputs: [Output]
    let observations: [Lowering.Observation]
    let quantizations: [(entry: Int, input: ValueID, slot: Slot, quantization: Quantization)]
    let segments: Segments
    /// For each entry the output whose head it belongs to; `nil` for the backbone.
    let heads: [Int?]
    /// For each output how many of the graph's nodes come before its head.
    let exitPositions: [Int]
    /// One a lane.
    private(set) var memories: [Memory]
    /// Of an arena.
    let memoryPlan: MemoryPlan
    let cores: [Int]
    private let pool: ThreadPool?
    /// By step: whether threads share it.
    private let isDivided: [Bool]

    /// - Precondition: the graph passed its check.
    init(_ graph: Graph, options: ExecutorOptions) throws(InferenceError) {
        guard 1...ExecutorOptions.maximumThreads ~= options.threads else {
            throw InferenceError(.threads, "\(options.threads) threads", "expected 1 … \(ExecutorOptions.maximumThreads)")
        }
        precondition(1...ExecutorOptions.maximumLanes ~= options.lanes, "\(options.lanes) lanes")
        let lowering = try Lowering(graph, options: options)
        inputs = graph.inputs.map { id in
            guard case .strided(let slot, let geometry) = lowering.places[id.rawValue] else { preconditionFailure("an input without a place") }
            let copy = StridedCopy(
                from: Geometry(shape: geometry.shape, layout: .rowMajor), to: geometry, elementSize: graph[id].type.size)
            return Input(value: graph[id], slot: slot, copy: copy)
        }
        outputs = lowering.outputs.compactMap(\.self)
        segments = Segments(lowering)
        heads = lowering.heads
        exitPositions = graph.exitPositions
        entries = lowering.entries
        steps = lowering.steps
        definitions = lowering.definitions
        plan = lowering.descriptions
        observations = lowering.observations
        quantizations = lowering.inputQuantizations
        (memories, memoryPlan) = try lowering.placedMemory()
        cores = options.cores
        let pool = options.threads > 1 ? try ThreadPool(options, steps: steps, memory: memories[0]) : nil
        self.pool = pool
        isDivided = steps.map { step in step.parts > 1 && pool?.pays(for: step) == true }
        if let core = cores.first, !Processor.canBindThread(to: core) { throw InferenceError(.threads, processor: core) }
    }

    /// Of the first lane.
    var memory: Memory { memories[0] }

    var barrier: Duration? { pool?.barrier }

    /// For steps that several runs can't do at once: the other lanes' memory isn't held.
    func keepOneLane() { memories.removeSubrange(1...) }

    /// Runs one entry of the program.
    func run(entry: Int, lane: Int = 0) throws(InferenceError) {
        switch entries[entry] {
        case .step(let index): run(step: index, lane: lane, pool: isDivided[index] ? pool : nil)
        case .definition(let index): try definitions[index].run(in: memories[lane])
        }
    }

    /// Runs one entry in several lanes: together, where the step can, or part by part, so that the weights of a part are read for all of them while they are near.
    func run(entry: Int, lanes: [Int]) throws(InferenceError) {
        guard lanes.count > 1, case .step(let index) = entries[entry], !isDivided[index] else {
            for lane in lanes { try run(entry: entry, lane: lane) }
            return
        }
        if steps[index].runTogether(in: lanes.map { memories[$0] }) { return }
        for part in 0..<steps[index].parts {
            for lane in lanes { steps[index].run(parts: part..<part + 1, in: memories[lane], worker: 0) }
        }
    }

    private func run(step: Int, lane: Int, pool: ThreadPool?) {
        if let pool {
            pool.run(step, in: memories[lane])
        } else {
            steps[step].run(parts: 0..<steps[step].parts, in: memories[lane], worker: 0)
        }
    }
}

extension Lowering {
    /// Decides where each buffer lies, reserves the memory and copies constant operands into it.
    fileprivate func placedMemory() throws(InferenceError) -> ([Memory], MemoryPlan) {
        let variable = buffers.indices.filter { buffers[$0].constant == nil }
        let constant = buffers.indices.filter { buffers[$0].constant != nil }
        let whole = -1...entries.count
        let arena = MemoryPlan(variable.map { .init(bytes: buffers[$0].bytes, life: buffers[$0].first...max(buffers[$0].first, buffers[$0].last)) })
        let constants = MemoryPlan(constant.map { .init(bytes: buffers[$0].bytes, life: whole) })
        guard let arena, let constants else { throw InferenceError(.memory, "network '\(graph.name)'", "its size overflows") }
        func bytes(lanes: Int) -> Int {
            let arenas = Array(repeating: arena.bytes, count: lanes)
            let total = (arenas + [constants.bytes]).reduce(scratchBytes.multipliedReportingOverflow(by: options.threads)) { sum, bytes in
                let next = sum.partialValue.addingReportingOverflow(bytes)
                return (next.partialValue, sum.overflow || next.overflow)
            }
            return total.overflow ? .max : total.partialValue
        }
        // Lanes are a gain, no need.
        guard let lanes = (1...options.lanes).last(where: { bytes(lanes: $0) <= options.memoryLimit }) else {
            throw InferenceError(.memory, "network '\(graph.name)'", "it needs \(bytes(lanes: 1)) bytes, the limit is \(options.memoryLimit)")
        }
        var regions = Array(repeating: Memory.Region(offset: 0, bytes: 0, isConstant: false), count: buffers.count)
        for (index, offset) in zip(variable, arena.offsets) {
            regions[index] = .init(offset: offset, bytes: buffers[index].bytes, isConstant: false)
        }
        for (index, offset) in zip(constant, constants.offsets) {
            regions[index] = .init(offset: offset, bytes: buffers[index].bytes, isConstant: true)
        }
        let memory = try Memory(
            regions: regions, arenaBytes: arena.bytes, constantBytes: constants.bytes, scratchBytes: scratchBytes, threads: options.threads)
        for index in constant {
            if let tensor = buffers[index].constant { memory.store(tensor, in: Slot(index: index)) }
        }
        var memories = [memory]
        while memories.count < lanes { memories.append(try Memory(beside: memory)) }
        return (memories, arena)
    }
}
