// SPDX-License-Identifier: Apache-2.0
internal import Compilation
internal import Inference
package import Networks
internal import ONNXImport
package import Tensors

/// A network ready to run, from an ONNX model or a bundle.
package struct NetworkFile {
    package var graph: Graph
    /// What the bundle says; `nil` for a model.
    package var details: BundleDetails?

    /// - Parameters:
    ///   - precision: what a model is prepared for, float32 by default. A bundle has its own; another one is an error.
    ///   - samples: inputs that a model in int8 takes its ranges from; random ones where there are none.
    package init(_ path: String, precision: BundleDetails.Precision? = nil, samples: [Tensor] = []) throws {
        if ModelFile.isONNX(path) {
            let model = try ONNXFile(contentsOf: path).graph()
            graph = try precision == .int8 ? model.quantized(after: samples) : model.optimized(for: .float)
            return
        }
        let bundle = try Bundle(contentsOf: path)
        if let precision, precision != bundle.details.precision {
            throw CommandFailure(.badData, "\(path) is a bundle of precision \(bundle.details.precision.rawValue), not \(precision.rawValue)")
        }
        graph = bundle.graph
        details = bundle.details
    }

    /// Runs the network once on its only input; the first output as float32.
    package func firstOutput(for tensor: Tensor, threads: Int = 1) throws -> Tensor {
        let executor = try Executor(graph, options: ExecutorOptions(threads: threads))
        _ = try executor.run([tensor])
        return executor.withOutput { span in Tensor(shape: executor.outputs[0].shape, span.indices.map { span[$0] }) }
    }
}

extension Graph {
    /// The quantised form with the ranges that the values have for some inputs: for speed, not for answers.
    fileprivate func quantized(after samples: [Tensor]) throws -> Graph {
        let prepared = try takingQuantizationIntoValues().optimized(for: .quantized)
        let executor = try Executor(prepared.withoutQuantization())
        var random = SystemRandomNumberGenerator()
        let inputs = samples.isEmpty ? (0..<4).map { _ in executor.inputs.map { $0.randomTensor(using: &random) } } : [samples]
        var statistics: [ValueID: ValueStatistics] = [:]
        for input in inputs {
            try executor.run(input) { id, numbers in statistics[id, default: ValueStatistics()].observe(numbers, shape: prepared[id].shape) }
        }
        return try prepared.quantized(statistics: statistics, rule: .extremes)
    }
}
