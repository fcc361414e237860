// SPDX-License-Identifier: Apache-2.0
internal import Inference
internal import Networks
internal import Tensors

/// What a worker gains by computing several requests together, from several cuts of a network: one after another and together take turns.
struct LaneBench {
    private let executor: Executor
    private let count: Int
    private let nodes: Int
    private let macs: Int
    private let places: [CutPlace]
    private let inputs: [Tensor]

    /// - Parameters:
    ///   - path: an ONNX model or a bundle in float32.
    ///   - count: inputs that are computed together.
    init(_ path: String, threads: Int, count: Int) throws {
        let (graph, places) = try ModelFile(path).divisible(isThorough: true)
        self.count = count
        nodes = graph.nodes.count
        macs = graph.backboneMultiplyAccumulates
        self.places = Self.spread(places, macs: macs)
        let cuts = Set(places.map(\.cut.position)).union([0, nodes])
        executor = try Executor(graph, options: ExecutorOptions(threads: threads, cuts: cuts, lanes: count))
        var random = SystemRandomNumberGenerator()
        inputs = executor.inputs.map { $0.randomTensor(using: &random) }
        try executor.measureLanes()
    }

    /// The first cut behind each eighth of the work, and the last one.
    private static func spread(_ places: [CutPlace], macs: Int) -> [CutPlace] {
        let chosen = (0..<8).compactMap { share in places.firstIndex { 8 * $0.multiplyAccumulates >= share * macs } }
        return Set(chosen + [places.count - 1]).sorted().map { places[$0] }
    }

    /// - Parameter runs: rounds; the shortest time of each kind counts.
    func report(runs: Int, progress: (Int) -> Void) throws -> LaneReport {
        guard executor.lanes > 1 else { return LaneReport(inputs: count, from: nil, cuts: []) }
        let entries = try places.enumerated().map { index, place in
            let cut = place.cut.position
            try executor.load(inputs, at: 0)
            try executor.run(segment: 0..<cut)
            let crossing = try executor.crossingTensors(at: cut)
            let run = LaneRun(segment: cut..<nodes)
            let clock = ContinuousClock()
            var (alone, together) = (Double.infinity, Double.infinity)
            for _ in 0..<runs {
                let start = clock.now
                for _ in 0..<executor.lanes {
                    try executor.load(crossing, at: cut)
                    try executor.run(lanes: [run])
                }
                let between = clock.now
                for lane in 0..<executor.lanes { try executor.load(crossing, at: cut, lane: lane) }
                try executor.run(lanes: Array(repeating: run, count: executor.lanes))
                let end = clock.now
                alone = min(alone, (between - start).milliseconds / Double(executor.lanes))
                together = min(together, (end - between).milliseconds / Double(executor.lanes))
            }
            progress(index + 1)
            return LaneReport.Entry(
                cut: cut, after: place.after, work: 1 - Double(place.multiplyAccumulates) / Double(macs), alone: alone, together: together)
        }
        return LaneReport(inputs: executor.lanes, from: executor.firstSharedStep.map { executor.plan[$0].node }, cuts: entries)
    }

    var steps: Int { places.count }
}

/// What `swiftlet bench --together` prints.
struct LaneReport: Encodable, CustomStringConvertible {
    /// Times in milliseconds for an input.
    struct Entry: Encodable {
        var cut: Int
        /// The node before it; `nil`: the network's input.
        var after: String?
        /// The share of the network's multiplications that are behind it.
        var work: Double
        var alone: Double
        var together: Double
    }

    var inputs: Int
    /// The node from which on steps are run for all inputs; `nil`: nowhere.
    var from: String?
    var cuts: [Entry]

    var description: String {
        let header = ["from the cut behind", "work left", "one by one", "\(inputs) together", "of that"]
        let rows = cuts.map { entry in
            [
                entry.after ?? "the input", percent(entry.work), "\(entry.alone.rounded(to: 3)) ms", "\(entry.together.rounded(to: 3)) ms",
                percent(entry.together / entry.alone),
            ]
        }
        let start = from.map { "Steps are run for all \(inputs) inputs from '\($0)' on; each input by itself before." } ?? "Nothing is gained by running steps for \(inputs) inputs together: a worker computes one by one."
        return ((rows.isEmpty ? [] : aligned([header] + rows, words: 1)) + [start]).joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { "\((share * 100).rounded(to: 1)) %" }
}
