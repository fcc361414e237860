// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Inference
package import Networks
package import Tensors

/// A network that is loaded to be measured, with random numbers for its inputs.
package struct Bench {
    private let executor: Executor
    let macs: Int
    let load: Duration
    private let inputs: [Tensor]
    /// Of a network with one float32 input, which runs as on a board, without reserving memory; others take the general entrance.
    private let numbers: [Float]?

    /// - Parameters:
    ///   - path: an ONNX model or a bundle.
    ///   - precision: as for ``ModelFile/runnable(precision:samples:)``.
    ///   - input: of a network with one input, instead of random numbers.
    package init(_ path: String, precision: BundleDetails.Precision? = nil, threads: Int = 1, input: Tensor? = nil) throws {
        let clock = ContinuousClock()
        let start = clock.now
        let graph = try ModelFile(path).runnable(precision: precision)
        executor = try Executor(graph, options: ExecutorOptions(threads: threads))
        load = clock.now - start
        macs = graph.cost.multiplyAccumulates
        var random = SystemRandomNumberGenerator()
        inputs = input.map { [$0] } ?? executor.inputs.map { $0.randomTensor(using: &random) }
        numbers = inputs.count == 1 && inputs[0].type == .float32 ? inputs[0].elements(of: Float.self) : nil
    }

    /// Measures the first run, then after at most ten more, `runs` runs.
    ///
    /// - Parameter progress: is told how many runs are measured.
    /// - Precondition: `runs` is positive.
    package func run(_ runs: Int, progress: (Int) -> Void = { _ in }) throws -> BenchReport {
        let first = try once()
        for _ in 0..<min(runs, 10) { _ = try once() }
        var times: [Double] = []
        for index in 1...runs {
            times.append(try once().milliseconds)
            progress(index)
        }
        times.sort()
        let median = times[times.count / 2]
        return BenchReport(
            latency: .init(min: times[0], median: median, p95: times[min(times.count * 95 / 100, times.count - 1)]),
            load: load.milliseconds, first: first.milliseconds, peakResidentSize: peakResidentMegabytes, macs: macs,
            speed: Double(macs) / median / 1e6)
    }

    /// Of steps that have no kernel.
    var warning: String? { executor.definitionWarning }

    /// One line a step: its shortest time, speed, kernel and node.
    package func steps(_ runs: Int) throws -> [String] {
        var shortest = executor.plan.map { _ in Duration.seconds(3600) }
        for _ in 0..<runs {
            for (index, time) in try executor.stepTimes(inputs).enumerated() { shortest[index] = min(shortest[index], time) }
        }
        return zip(executor.plan, shortest).map { step, time in
            let speed = step.macs > 0 ? ", \((Double(step.macs) / time.milliseconds / 1e6).rounded(to: 1)) GMAC/s" : ""
            return "\((time.milliseconds * 1000).rounded(to: 1)) µs\(speed)  \(step.kernel)  \(step.node)"
        }
    }

    /// One run.
    func once() throws -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        if let numbers { try executor.run(input: numbers.span) } else { _ = try executor.run(inputs) }
        return clock.now - start
    }

    /// What the network said in the last run.
    var output: Tensor { executor.withOutput { span in Tensor(shape: executor.outputs[executor.end].shape, span.indices.map { span[$0] }) } }
}

/// The most memory that this process has had in use, in megabytes; what it was before it became this program doesn't count.
var peakResidentMegabytes: Double {
    let status = FileManager.default.contents(atPath: "/proc/self/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
}

extension Value {
    /// Numbers that a network may meet: reals between −1 and 1, small integers.
    func randomTensor(using random: inout some RandomNumberGenerator) -> Tensor {
        let count = shape.elementCount
        if type == .float32 { return Tensor(shape: shape, (0..<count).map { _ in Float.random(in: -1...1, using: &random) }) }
        let storage = unsafe TensorStorage(count: count * type.size) { unsafe $0.initializeMemory(as: UInt8.self, repeating: 0) }
        return Tensor(type: type, shape: shape, storage: storage)
    }
}
