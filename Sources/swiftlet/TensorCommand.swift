// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import FoundationEssentials
internal import Inference
internal import Networks
internal import Tensors

/// `swiftlet tensor MODEL.onnx|BUNDLE --input IN.npy --output OUT.npy`: runs a network on numbers.
struct TensorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tensor", abstract: "Run a network on a NumPy array.",
        discussion: """
            The input is float32 in the network's shape, [n, c, h, w] for images; its last output is written, quantised ones as \
            the numbers that they stand for. A model in int8 takes its ranges from the input itself.
            """)

    @Argument(help: "An ONNX model or a bundle.")
    var network: String

    @Option(help: ArgumentHelp("The array that goes in.", valueName: "in.npy"))
    var input: String

    @Option(help: ArgumentHelp("Where the array that comes out goes.", valueName: "out.npy"))
    var output: String

    @Option(help: "int8 or fp32; fp32 for a model, a bundle's own by default.")
    var precision: BundleDetails.Precision?

    @Option(help: "Threads that compute, 1 … 64.")
    var threads = 1

    func validate() throws {
        guard 1...ExecutorOptions.maximumThreads ~= threads else {
            throw ValidationError("--threads: expected 1 … \(ExecutorOptions.maximumThreads), found \(threads)")
        }
    }

    func run() throws {
        try exiting {
            let tensor = try readTensor(input)
            let graph = try ModelFile(network).runnable(precision: precision, samples: [tensor])
            let result = NPY.bytes(try graph.end(for: tensor, threads: threads))
            guard FileManager.default.createFile(atPath: output, contents: Data(result)) else {
                throw CommandFailure(.cannotCreate, "\(output) can't be written")
            }
        }
    }
}

/// The array in a NumPy file.
func readTensor(_ path: String) throws -> Tensor {
    do {
        return try NPY.tensor(try readFile(path))
    } catch let error as NPYError {
        throw CommandFailure(.badData, "\(path): \(error)")
    }
}
