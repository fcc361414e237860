// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// A network with all that is needed to run it, as one file: `NAME.swiftlet`.
///
/// The file is in the safetensors format (``Safetensors``). Its tensors are the constants of the graph, the scales of those that have one a
/// channel, and the golden inputs and outputs; its metadata are
/// - `format`: `swiftlet`, `format_version`: `4`;
/// - `graph`: JSON, nodes and values, constants by the names of their tensors;
/// - `details`: JSON, ``BundleDetails``;
/// - `golden`: JSON, the names of the golden tensors and their tolerance, where there are some;
/// - `checksum`: over the bytes of the tensors, as ``Safetensors/tensorsChecksum`` defines it;
/// - `digest`: SHA-256 over the other metadata, as ``Safetensors/metadataDigest(without:)`` defines it.
package struct Bundle: Sendable {
    package var graph: Graph {
        didSet { isGraphChecked = false }
    }
    /// Whether the graph is as a file held it, from which only one that keeps its rules (``Graph/check()``) is read: a second look, which takes as
    /// long as the rest of loading, is needless.
    package internal(set) var isGraphChecked = false
    package var details: BundleDetails
    package var golden: Golden?

    /// Inputs, and what the network gives for them.
    package struct Golden: Sendable {
        package var inputs: Inputs
        package var outputs: [Tensor]
        /// The largest absolute difference of an output that is still the same result; 0 where the network is exact.
        package var tolerance: Float

        /// What goes in.
        package enum Inputs: Sendable {
            /// An image of uint8 `[h, w, c]`, which the bundle's preprocessing makes the only input of.
            case pixels(Tensor)
            /// One tensor an input.
            case tensors([Tensor])
        }

        package init(inputs: Inputs, outputs: [Tensor], tolerance: Float) {
            self.inputs = inputs
            self.outputs = outputs
            self.tolerance = tolerance
        }
    }

    package init(graph: Graph, details: BundleDetails, golden: Golden? = nil) {
        self.graph = graph
        self.details = details
        self.golden = golden
    }

    /// Runs the golden inputs and compares; a bundle without golden inputs passes. What was mapped for it takes no memory afterwards.
    ///
    /// - Parameter run: the network: one tensor an output.
    /// - Throws: ``BundleError/Code/goldenMismatch``, or what `run` throws.
    package func verify(_ run: (Golden.Inputs) throws -> [Tensor]) throws {
        guard let golden else { return }
        defer { for tensor in golden.inputs.stored + golden.outputs { tensor.storage.releasePages() } }
        let outputs = try run(golden.inputs)
        guard outputs.count == golden.outputs.count else {
            throw BundleError(.goldenMismatch, "verify \(details.name)", "\(outputs.count) outputs instead of \(golden.outputs.count)")
        }
        for (index, (output, expected)) in zip(outputs, golden.outputs).enumerated() {
            guard output.shape == expected.shape, output.type == expected.type else {
                throw BundleError(
                    .goldenMismatch, "verify \(details.name)",
                    "output \(index) is \(output.type.rawValue) \(output.shape) instead of \(expected.type.rawValue) \(expected.shape)")
            }
            for (position, (value, wanted)) in zip(output.floats, expected.floats).enumerated()
            where !(abs(value - wanted) <= golden.tolerance) && value.bitPattern != wanted.bitPattern {
                throw BundleError(
                    .goldenMismatch, "verify \(details.name)",
                    "output \(index) is \(value) at \(position), should be \(wanted) ± \(golden.tolerance)")
            }
        }
    }
}

extension Bundle.Golden.Inputs {
    /// What a file holds of them.
    package var stored: [Tensor] {
        switch self {
        case .pixels(let image): [image]
        case .tensors(let tensors): tensors
        }
    }
}
