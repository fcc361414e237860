// SPDX-License-Identifier: Apache-2.0
internal import Compilation
internal import Inference
internal import Networks
internal import Tensors

/// What each step of a network takes on this machine: medians of several runs on one image.
struct NetworkTimes {
    let executor: Executor
    /// How many nodes come before each exit's head, and in all.
    let exitPositions: [Int]
    /// Seconds of each step of the plan.
    private let steps: [Double]
    /// The 95th percentile of a run's time, as a factor on the median.
    let variation: Double

    private static let warmUps = 3
    private static let runs = 40

    /// - Parameters:
    ///   - pixels: of the preprocessing's size.
    ///   - cuts: positions at which segments may begin or end, besides exits and both ends.
    init(_ graph: Graph, preprocessing: Preprocessing, pixels: [UInt8], cuts: [Int], threads: Int) throws {
        let graph = graph.orderedByExits()
        let executor = try Executor(graph, preprocessing: preprocessing, options: ExecutorOptions(threads: threads, cuts: Set(cuts + [graph.nodes.count])))
        exitPositions = executor.exitPositions
        let inputs = [preprocessing.tensor(pixels: pixels)]
        for _ in 0..<Self.warmUps { _ = try executor.stepTimes(inputs) }
        let runs = try (0..<Self.runs).map { _ in try executor.stepTimes(inputs).map { $0.milliseconds / 1000 } }
        steps = executor.plan.indices.map { step in runs.map { $0[step] }.sorted()[Self.runs / 2] }
        self.executor = executor
        let wholes = runs.map { $0.reduce(0, +) }.sorted()
        variation = max(wholes[Self.runs * 95 / 100] / max(wholes[Self.runs / 2], 1e-9), 1)
    }

    /// Seconds of the backbone's nodes of a segment, whose ends are cuts, exits or the network's.
    func backbone(_ segment: Range<Int>) throws -> Double { try executor.steps(of: segment).reduce(0) { $0 + steps[$1] } }

    /// Seconds of what an exit alone needs.
    func head(_ exit: Int) -> Double { executor.steps(ofHead: exit).reduce(0) { $0 + steps[$1] } }

    /// Seconds from a cut to an exit, its head included; `nil`: to the end.
    func rest(from cut: Int, to exit: Int?) throws -> Double {
        let last = exitPositions.count - 1
        let exit = exit ?? last
        guard exit < last else { return try backbone(cut..<exitPositions[last]) }
        return try backbone(min(cut, exitPositions[exit])..<exitPositions[exit]) + head(exit)
    }
}
