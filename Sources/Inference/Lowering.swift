// SPDX-License-Identifier: Apache-2.0
internal import Kernels
internal import Networks
internal import Tensors

/// Turns a graph into steps and the buffers that they need: the engine's only pass over a graph.
///
/// Rank-4 activations that kernels produce are channels-last; everything else is row-major. Reshapes, transpositions and slices
/// are other geometries of the same buffer; a copy is made only where a kernel needs an order that a buffer doesn't have.
struct Lowering {
    enum Entry: Hashable, Sendable {
        /// Into ``steps``.
        case step(Int)
        /// Into ``definitions``.
        case definition(Int)
    }

    /// Where the elements of a value are.
    enum Place {
        case strided(Slot, Geometry)
        /// The elements of a geometry in logical order, under a shape that strides can't express.
        case reshaped(Slot, Geometry, shape: [Int])
        case constant(Tensor)
    }

    struct Buffer {
        var bytes: Int
        /// Before the first step: −1. Constants live for ever.
        var first: Int
        var last: Int
        var constant: Tensor?
        /// How many values lie in it.
        var values = 0
    }

    /// A value that an observing run shows after the entry before `entry` has run.
    struct Observation {
        var entry: Int
        var value: ValueID
        var slot: Slot
        var geometry: Geometry
    }

    struct Copied: Hashable {
        var value: ValueID
        var layout: Layout
        var shape: [Int]
        /// Copies that a head makes aren't there where it isn't run.
        var head: Int?
    }

    /// A slot that holds a value, or a copy of it.
    struct Residence {
        var value: ValueID
        var slot: Slot
        /// Of as many elements, in the value's order.
        var geometry: Geometry
        /// The entry behind the one that puts it there.
        var entry: Int
    }

    let graph: Graph
    let options: ExecutorOptions
    let speed: NominalSpeed
    var places: [Place?]
    var entries: [Entry] = []
    /// For each entry the output whose head it belongs to; `nil` for the backbone.
    private(set) var heads: [Int?] = []
    var descriptions: [StepDescription] = []
    var steps: [any Step] = []
    var definitions: [DefinitionStep] = []
    var buffers: [Buffer] = []
    var observations: [Observation] = []
    /// Entries that only quantise a graph input, with the slot that they fill.
    var inputQuantizations: [(entry: Int, input: ValueID, slot: Slot, quantization: Quantization)] = []
    var scratchBytes = 0
    private var copies: [Copied: Slot] = [:]
    /// In the order in which they come to be.
    private(set) var residences: [Residence] = []
    /// By position in the graph's nodes, and the end: the entries before it.
    private(set) var boundaries: [Int] = []
    /// One an output of the graph.
    private(set) var outputs: [Program.Output?]
    /// Positions in the nodes at which a segment may begin or end: the options' cuts, and exits.
    let stops: Set<Int>
    let concatenations: ConcatenationPlan
    private var roots: [ValueID: Slot] = [:]
    /// By position in the graph's nodes: those that an earlier step computes with its own.
    private var isFused: [Bool]
    /// By value: nodes and graph outputs that read it.
    private var readers: [Int]
    /// By value: the last node that reads it.
    private var readerPositions: [Int?]
    /// For whose sake steps are emitted.
    var current = ""
    private var head: Int?
    private var position = 0

    init(_ graph: Graph, options: ExecutorOptions) throws(InferenceError) {
        self.graph = graph
        self.options = options
        speed = NominalSpeed(options.features)
        places = graph.values.map { $0.constant.map(Place.constant) }
        let needed = Self.needed(graph)
        stops = options.cuts.union(graph.outputs.count > 1 ? graph.exitPositions : [])
        concatenations = ConcatenationPlan(graph)
        isFused = Array(repeating: false, count: graph.nodes.count)
        outputs = Array(repeating: nil, count: graph.outputs.count)
        readers = Array(repeating: 0, count: graph.values.count)
        readerPositions = Array(repeating: nil, count: graph.values.count)
        for id in graph.outputs { readers[id.rawValue] += 1 }
        for (position, node) in graph.nodes.enumerated() {
            for case let id? in node.inputs {
                readers[id.rawValue] += 1
                readerPositions[id.rawValue] = position
            }
        }
        for id in graph.inputs {
            let value = graph[id]
            let slot = reserve(value)
            buffers[slot.index].first = -1
            define(id, slot, Geometry(shape: value.shape, layout: Self.preferredLayout(value)))
        }
        emitOutputs()
        let headsOfNodes = graph.heads
        for (position, node) in graph.nodes.enumerated() {
            boundaries.append(entries.count)
            guard !isFused[position], node.outputs.contains(where: { needed[$0.rawValue] }) else { continue }
            current = node.name
            self.position = position
            head = headsOfNodes[position]
            try lower(node)
            emitOutputs()
        }
        boundaries.append(entries.count)
        for case let output? in outputs {
            keepToEnd(output.slot)
            keepToEnd(output.floats)
        }
        keepForHeads()
    }

    /// Heads at one position may be run in any order: what is there before the first of them stays until the last.
    private mutating func keepForHeads() {
        let positions = graph.exitPositions
        for position in Set(positions) {
            let entries = heads.indices.filter { heads[$0].map { positions[$0] == position } ?? false }
            guard let first = entries.first, let last = entries.last else { continue }
            for index in buffers.indices where buffers[index].first <= first && buffers[index].last >= first {
                buffers[index].last = max(buffers[index].last, last)
            }
        }
    }

    /// Lays out the outputs that have come to be.
    private mutating func emitOutputs() {
        for (index, id) in graph.outputs.enumerated() where outputs[index] == nil && places[id.rawValue] != nil {
            let value = graph[id]
            current = value.name
            head = index < graph.outputs.count - 1 ? index : nil
            let slot = operand(id, .rowMajor)
            var floats = slot
            if value.type != .float32 {
                floats = reserve(bytes: value.shape.elementCount * MemoryLayout<Float>.stride)
                emit(FloatOutputStep(source: slot, value: value, destination: floats), kernel: "float32", reads: [slot], writes: [floats])
            }
            outputs[index] = Program.Output(value: value, slot: slot, floats: floats)
        }
    }

    /// Which values the outputs depend on.
    private static func needed(_ graph: Graph) -> [Bool] {
        var needed = Array(repeating: false, count: graph.values.count)
        for id in graph.outputs { needed[id.rawValue] = true }
        for node in graph.nodes.reversed() where node.outputs.contains(where: { needed[$0.rawValue] }) {
            for case let id? in node.inputs { needed[id.rawValue] = true }
        }
        return needed
    }

    /// The layout in which a value is produced where there is a choice.
    static func preferredLayout(_ value: Value) -> Layout {
        value.shape.count == 4 && (value.type == .float32 || value.type == .uint8) ? .channelsLast : .rowMajor
    }

    func constant(_ id: ValueID) -> Tensor? {
        if case .constant(let tensor) = places[id.rawValue] { tensor } else { nil }
    }

    // What lowered nodes call: buffers.

    mutating func reserve(bytes: Int, constant: Tensor? = nil) -> Slot {
        buffers.append(Buffer(bytes: bytes, first: entries.count, last: entries.count, constant: constant))
        return Slot(index: buffers.count - 1)
    }

    mutating func reserve(_ value: Value) -> Slot { reserve(bytes: value.shape.elementCount * value.type.size) }

    mutating func define(_ id: ValueID, _ slot: Slot, _ geometry: Geometry) {
        places[id.rawValue] = .strided(slot, geometry)
        observe(id, slot, geometry)
    }

    mutating func define(_ id: ValueID, _ place: Place) {
        places[id.rawValue] = place
        switch place {
        case .strided(let slot, let geometry), .reshaped(let slot, let geometry, _): observe(id, slot, geometry)
        case .constant: break
        }
    }

    private mutating func observe(_ id: ValueID, _ slot: Slot, _ geometry: Geometry) {
        buffers[slot.index].values += 1
        residences.append(Residence(value: id, slot: slot, geometry: geometry, entry: entries.count))
        guard graph[id].type == .float32 else { return }
        observations.append(Observation(entry: entries.count, value: id, slot: slot, geometry: geometry))
    }

    /// Appends a step. It must read and write no other slots.
    mutating func emit(_ step: any Step, kernel: String, macs: Int = 0, scratch: Int = 0, reads: [Slot], writes: [Slot]) {
        for slot in reads + writes { buffers[slot.index].last = entries.count }
        entries.append(.step(steps.count))
        heads.append(head)
        steps.append(step)
        scratchBytes = max(scratchBytes, scratch)
        descriptions.append(StepDescription(node: current, kernel: kernel, macs: macs, isDefinition: false))
    }

    mutating func emit(_ definition: DefinitionStep, kernel: String, macs: Int) {
        for slot in definition.slots { buffers[slot.index].last = entries.count }
        entries.append(.definition(definitions.count))
        heads.append(head)
        definitions.append(definition)
        descriptions.append(StepDescription(node: current, kernel: kernel, macs: macs, isDefinition: true))
    }

    /// Keeps the contents for the end of the program as it is now.
    mutating func keepToEnd(_ slot: Slot) { buffers[slot.index].last = entries.count }

    // What lowered nodes call: operands.

    /// A slot that holds the value, and nothing else, without gaps in the given layout of `shape`.
    ///
    /// - Parameter shape: another shape with as many elements; the value's own by default.
    mutating func operand(_ id: ValueID, _ layout: Layout, as shape: [Int]? = nil) -> Slot {
        let value = graph[id]
        let shape = shape ?? value.shape
        let copied = Copied(value: id, layout: layout, shape: shape, head: head)
        if let slot = copies[copied] ?? copies[Copied(value: id, layout: layout, shape: shape)] { return slot }
        let slot: Slot
        switch places[id.rawValue] {
        case .strided(let source, let geometry):
            if let view = geometry.reshaped(shape), view.isContiguous(layout), fills(id, source) { return source }
            slot = moved(source, geometry, to: layout, as: shape, value)
        case .reshaped(let source, let geometry, _):
            slot = moved(source, geometry, to: layout, as: shape, value)
        case .constant(let tensor):
            slot = reserve(bytes: tensor.storage.count, constant: tensor.reshaped(shape).stored(in: layout))
        case nil:
            preconditionFailure("a value is used before it is produced")
        }
        copies[copied] = slot
        if buffers[slot.index].constant == nil {
            residences.append(Residence(value: id, slot: slot, geometry: Geometry(shape: shape, layout: layout), entry: entries.count))
        }
        return slot
    }

    /// Copies the elements of a geometry, in logical order, to a new slot with the layout of `shape`.
    private mutating func moved(_ source: Slot, _ geometry: Geometry, to layout: Layout, as shape: [Int], _ value: Value) -> Slot {
        let target = Geometry(shape: shape, layout: layout)
        if let place = target.reshaped(geometry.shape) {
            return copied(source, geometry, to: place, value)
        }
        if let view = geometry.reshaped(shape) {
            return copied(source, view, to: target, value)
        }
        let rowMajor = copied(source, geometry, to: Geometry(shape: geometry.shape, layout: .rowMajor), value)
        return copied(rowMajor, Geometry(shape: shape, layout: .rowMajor), to: target, value)
    }

    private mutating func copied(_ source: Slot, _ from: Geometry, to: Geometry, _ value: Value) -> Slot {
        let slot = reserve(value)
        let piece = CopyStep.Piece(source: source, copy: StridedCopy(from: from, to: to, elementSize: value.type.size))
        emit(CopyStep(pieces: [piece], destination: slot, partition: copyPartition([piece])), kernel: "copy", reads: [source], writes: [slot])
        return slot
    }

    func copyPartition(_ pieces: [CopyStep.Piece]) -> Partition {
        partition(CopyStep.shares, bytes: 2 * pieces.reduce(0) { $0 + $1.copy.bytes })
    }

    /// Where the value is, as strides.
    mutating func view(_ id: ValueID) -> (slot: Slot, geometry: Geometry) {
        if case .strided(let slot, let geometry) = places[id.rawValue] { return (slot, geometry) }
        let layout = Self.preferredLayout(graph[id])
        return (operand(id, layout), Geometry(shape: graph[id].shape, layout: layout))
    }

    /// A slot that holds the value, and nothing else, without gaps in whatever order of axes.
    mutating func dense(_ id: ValueID) -> (slot: Slot, geometry: Geometry) {
        let (slot, geometry) = view(id)
        if geometry.isDense, fills(id, slot) { return (slot, geometry) }
        let layout = Self.preferredLayout(graph[id])
        return (operand(id, layout), Geometry(shape: graph[id].shape, layout: layout))
    }

    /// Whether the one node that reads the value may overwrite it.
    func isConsumed(_ id: ValueID) -> Bool {
        guard readers[id.rawValue] == 1, case .strided(let slot, _) = places[id.rawValue] else { return false }
        return isConsumed(id, slot)
    }

    /// The same for a slot that holds it: no other value lies there.
    func isConsumed(_ id: ValueID, _ slot: Slot) -> Bool {
        buffers[slot.index].values == 1 && buffers[slot.index].constant == nil && !graph.inputs.contains(id)
    }

    // What lowered nodes call: images.

    /// An image that lies channels-last, with gaps between its pixels at most.
    mutating func image(_ id: ValueID) -> ImagePlace {
        if case .strided(let slot, let geometry) = places[id.rawValue], let place = ImagePlace(slot, geometry) { return place }
        return ImagePlace(whole: operand(id, .channelsLast), shape: graph[id].shape)
    }

    /// Where a kernel is to put a new image: in the concatenation that wants it, or in a slot of its own.
    mutating func destination(_ id: ValueID) -> ImagePlace {
        if let (slot, geometry) = concatenationPlace(of: id), let place = ImagePlace(slot, geometry) { return place }
        return ImagePlace(whole: reserve(graph[id]), shape: graph[id].shape)
    }

    mutating func define(_ id: ValueID, _ place: ImagePlace) { define(id, place.slot, place.geometry) }

    /// Where the plan wants a value, `nil` where it has no wish.
    mutating func concatenationPlace(of id: ValueID) -> (slot: Slot, geometry: Geometry)? {
        guard let place = concatenations.places[id] else { return nil }
        let range = SliceRange(axis: 1, start: place.channel, step: 1, count: graph[id].shape[1])
        return (rootSlot(place.root), Geometry(shape: graph[place.root].shape, layout: .channelsLast).sliced([range]))
    }

    /// The slot of a concatenation that is in no other.
    mutating func rootSlot(_ id: ValueID) -> Slot {
        if let slot = roots[id] { return slot }
        let slot = reserve(graph[id])
        roots[id] = slot
        return slot
    }

    /// The value lies where the plan wants it, from here on also there.
    mutating func move(_ id: ValueID, to slot: Slot, _ geometry: Geometry) {
        if head != nil { return }
        places[id.rawValue] = .strided(slot, geometry)
        buffers[slot.index].values += 1
        residences.append(Residence(value: id, slot: slot, geometry: geometry, entry: entries.count))
    }

    /// The node that alone reads a value, where no segment may begin before it: a step may compute both.
    func onlyReader(of id: ValueID) -> (position: Int, node: Node)? {
        guard readers[id.rawValue] == 1, !graph.outputs.contains(id), let reader = readerPositions[id.rawValue] else { return nil }
        let between = (position + 1)...reader
        guard !stops.contains(where: between.contains) else { return nil }
        return (reader, graph.nodes[reader])
    }

    /// Leaves a node out: the step before has computed it.
    mutating func fuse(_ position: Int) { isFused[position] = true }

    private func fills(_ id: ValueID, _ slot: Slot) -> Bool {
        buffers[slot.index].bytes == graph[id].shape.elementCount * graph[id].type.size
    }
}

extension Tensor {
    /// The same elements stored in another layout, still under the logical shape.
    func stored(in layout: Layout) -> Tensor {
        let target = Geometry(shape: shape, layout: layout)
        let source = Geometry(shape: shape, layout: .rowMajor)
        guard layout != .rowMajor, !target.isContiguous(.rowMajor) else { return self }
        let copy = StridedCopy(from: source, to: target, elementSize: type.size)
        let stored = unsafe TensorStorage(count: storage.count) { bytes in
            unsafe storage.withUnsafeBytes { unsafe copy.run(from: $0, to: bytes) }
        }
        return Tensor(type: type, shape: shape, storage: stored)
    }
}
