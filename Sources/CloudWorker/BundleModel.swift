// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Images
package import Inference
package import Networks
internal import Tensors

/// The network of a bundle, as a full model.
package final class BundleModel: FullModel {
    private let executor: Executor
    private var preprocessor: Preprocessor
    private let calibration: Calibration

    /// Loads the network; throws where the bundle doesn't say how an image becomes its input, or the network can't run.
    package init(_ bundle: Bundle, options: ExecutorOptions = ExecutorOptions()) throws(ModelFault) {
        let operation = "load network '\(bundle.details.name)'"
        guard let preprocessing = bundle.details.preprocessing else {
            throw ModelFault(.network, operation, "the bundle has no preprocessing, so it can't take images")
        }
        guard let calibration = bundle.details.calibration else {
            throw ModelFault(.network, operation, "temperature \(bundle.details.temperature) is out of range")
        }
        do {
            executor = try Executor(bundle.graph, preprocessing: preprocessing, options: options)
            try executor.verify(bundle)
        } catch {
            throw ModelFault(.network, operation, "\(error)")
        }
        guard let output = executor.outputs.first, bundle.details.labels.isEmpty || output.shape.elementCount == bundle.details.labels.count else {
            throw ModelFault(.network, operation, "its output doesn't fit its \(bundle.details.labels.count) labels")
        }
        preprocessor = Preprocessor(preprocessing)
        self.calibration = calibration
    }

    package func probabilities(of image: [UInt8]) throws(ModelFault) -> [Double] {
        let decoded: Image
        do {
            decoded = try Image.decode(image, name: "the request's image").image
        } catch {
            throw ModelFault(.image, "decode", "\(error)")
        }
        preprocessor.prepare(decoded)
        do {
            let pixels = preprocessor.pixels
            try executor.run(pixels: pixels.span)
            return try executor.withOutput { output in Result { try calibration.probabilities(of: output) } }.get()
        } catch {
            throw ModelFault(.network, "run the network", "\(error)")
        }
    }
}
