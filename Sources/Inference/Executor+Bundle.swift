// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Executor {
    /// A bundle's network, which has given the bundle's golden outputs.
    ///
    /// It takes pixels where the bundle's golden input is an image.
    ///
    /// - Throws: ``InferenceError`` as loading and running do, ``BundleError`` where the outputs are others.
    package convenience init(verifying bundle: Bundle, options: ExecutorOptions = ExecutorOptions()) throws {
        var preprocessing = bundle.details.preprocessing
        if case .tensors? = bundle.golden?.inputs { preprocessing = nil }
        try self.init(bundle.graph, isChecked: bundle.isGraphChecked, preprocessing: preprocessing, options: options)
        try verify(bundle)
    }

    /// Compares what the network gives with the golden outputs of its bundle (``Bundle/verify(_:)``).
    ///
    /// - Precondition: the executor was made of the bundle's graph, and of its preprocessing where the golden input is an image.
    package func verify(_ bundle: Bundle) throws {
        try bundle.verify { inputs in
            switch inputs {
            case .pixels(let image):
                try image.withElements(of: UInt8.self) { pixels throws(InferenceError) in try run(pixels: pixels) }
                return outputTensors
            case .tensors(let tensors): return try run(tensors)
            }
        }
    }
}
