// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Networks
import Tensors
import TestSupport
import Testing

@Suite struct BundleTests {
    @Test(arguments: 1...20) func aWrittenBundleReadsBackAsItWas(seed: UInt64) throws {
        try withTemporaryDirectory { directory in
            let bundle = sampleBundle(seed: seed)
            let path = "\(directory)/net.swiftlet"
            try bundle.write(to: path)
            let read = try Bundle(contentsOf: path)
            #expect(transcript(read.graph) == transcript(bundle.graph))
            #expect(read.details.weightsDigest.count == 64)
            var details = read.details
            (details.weightsDigest, details.networkDigest) = ("", nil)
            #expect(details == bundle.details)
            let golden = try #require(read.golden)
            #expect(golden.inputs.stored.map(\.floats) == bundle.golden?.inputs.stored.map(\.floats))
            #expect(golden.outputs.map(\.floats) == bundle.golden?.outputs.map(\.floats))
        }
    }

    @Test(arguments: [(7, "bits4", 8), (3, "bits3", 6), (1, "bits2", 4), (8, "o16k4", 64)] as [(Int8, String, Int)])
    func weightsStandInAsFewBitsAsTheyNeed(largest: Int8, packing: String, bytes: Int) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            var bundle = sampleBundle()
            let index = try #require(bundle.graph.values.firstIndex { $0.name == "w" })
            let weights = (0..<15).map { Int8($0 % 2 == 0 ? Int(largest) : -Int(largest)) }
            bundle.graph.values[index].constant = Tensor(shape: [5, 3, 1, 1], weights)
            try bundle.write(to: path)
            let container = try Safetensors(MappedFile(path: path))
            #expect(container.metadata["graph"]?.contains("\"packing\":\"\(packing)\"") == true)
            #expect(container.tensors.first { $0.name == "w" }?.tensor.storage.count == bytes)
            let read = try Bundle(contentsOf: path)
            #expect(transcript(read.graph) == transcript(bundle.graph))
            // And once more from what was read.
            try read.write(to: path)
            #expect(try Bundle(contentsOf: path).details.weightsDigest == read.details.weightsDigest)
        }
    }

    /// Audits go on where they were when a bundle gets a table of plans, or another one.
    @Test func aTableOfPlansChangesNothingAboutWhatIsCertified() throws {
        try withTemporaryDirectory { directory in
            func written(_ change: (inout Bundle) -> Void) throws -> BundleDetails {
                var bundle = sampleBundle()
                change(&bundle)
                try bundle.write(to: "\(directory)/net.swiftlet")
                return try Bundle(contentsOf: "\(directory)/net.swiftlet", isThorough: true).details
            }
            let (plain, planned, other) = (try written { $0.details.plans = nil }, try written { _ in }, try written { $0.details.plans?.table.removeLast() })
            #expect(Set([plain, planned, other].map(\.weightsDigest)).count == 3)
            #expect(Set([plain, planned, other].map(\.certificateDigest)).count == 1 && plain.certificateDigest != nil)
            #expect(try written { $0.details.temperature = 2 }.certificateDigest != plain.certificateDigest)
        }
    }

    /// A graph that was read keeps its rules; what somebody does to it afterwards isn't known to.
    @Test func aGraphIsKnownToKeepItsRulesUntilItIsChanged() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            #expect(!sampleBundle().isGraphChecked)
            try sampleBundle().write(to: path)
            var read = try Bundle(contentsOf: path)
            #expect(read.isGraphChecked)
            read.graph.outputs.removeAll()
            #expect(!read.isGraphChecked)
        }
    }

    @Test func plansOfAnotherNetworkAreRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            let changes: [(inout PlanDetails) -> Void] = [
                { $0.exits.append($0.exits[0]) }, { $0.exits[0].temperature = 0 }, { $0.cuts[0].position = 7 }, { $0.cuts[0].position = 0 },
                { $0.cuts[1].position = 1 }, { $0.cuts[0].crossing[0].name = "other" }, { $0.cuts[1].crossing[0].shape = [1, 5, 4, 5] },
                { $0.cuts[0].crossing = [] }, { $0.cuts[0].fullPosition = 0 }, { $0.cuts.swapAt(0, 1) },
            ]
            for (index, change) in changes.enumerated() {
                var bundle = sampleBundle()
                var plans = try #require(bundle.details.plans)
                change(&plans)
                bundle.details.plans = plans
                let error = #expect(throws: BundleError.self, "change \(index)") { try bundle.write(to: path) }
                #expect(error?.code == .unwritable)
            }
            try sampleBundle().write(to: path)
            var container = try Safetensors(MappedFile(path: path))
            container.tensors.removeAll { $0.name == "plans.table" }
            container.metadata["checksum"] = container.tensorsChecksum
            container.metadata["digest"] = "\(container.metadataDigest(without: "digest"))"
            let error = #expect(throws: BundleError.self) { try Bundle(container, operation: "read") }
            #expect(error?.description.contains("table of plans") == true)
        }
    }

    @Test func floatWeightsStandInTheOrderOfKernels() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            var graph = Graph(name: "float")
            let x = graph.add(Value(name: "x", type: .float32, shape: [1, 4, 6, 6]))
            graph.inputs = [x]
            func constant(_ name: String, _ shape: [Int]) -> ValueID {
                graph.add(Value(name: name, constant: Tensor(shape: shape, (0..<shape.elementCount).map(Float.init))))
            }
            func convolution(_ source: ValueID, _ name: String, _ outputs: Int, groups: Int) -> ValueID {
                let window = Window(size: [3, 3], padsBefore: [1, 1], padsAfter: [1, 1])
                let weights = constant(name, [outputs, graph[source].shape[1] / groups, 3, 3])
                return graph.add(
                    .convolution(Convolution(window: window, groups: groups)), name: "conv \(name)", inputs: [source, weights],
                    output: Value(name: "y \(name)", type: .float32, shape: [1, outputs, 6, 6]))
            }
            let y = convolution(convolution(x, "dense", 20, groups: 1), "depthwise", 20, groups: 20)
            let flat = graph.add(.reshape, name: "flat", inputs: [y], output: Value(name: "flat", type: .float32, shape: [1, 720]))
            graph.outputs = [
                graph.add(
                    .gemm(Gemm(transposesB: true)), name: "product", inputs: [flat, constant("matrix", [7, 720])],
                    output: Value(name: "z", type: .float32, shape: [1, 7]))
            ]
            try graph.check()
            let bundle = Bundle(graph: graph, details: BundleDetails(name: "float", precision: .fp32))
            try bundle.write(to: path)
            let container = try Safetensors(MappedFile(path: path))
            let shapes = Dictionary(uniqueKeysWithValues: container.tensors.map { ($0.name, $0.tensor.shape) })
            #expect(shapes == ["dense": [2, 3, 12, 16, 1], "depthwise": [20, 1, 3, 3], "matrix": [1, 1, 720, 16, 1]])
            let read = try Bundle(contentsOf: path)
            #expect(transcript(read.graph) == transcript(graph))
            try read.write(to: path)
            #expect(try Bundle(contentsOf: path).details.weightsDigest == read.details.weightsDigest)
        }
    }

    @Test func aGoldenImageTakesAByteAPixel() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            var bundle = sampleBundle()
            let pixels = (0..<48).map { UInt8($0 * 5) }
            bundle.golden?.inputs = .pixels(Tensor(shape: [4, 4, 3], pixels))
            try bundle.write(to: path)
            guard case .pixels(let image)? = try Bundle(contentsOf: path).golden?.inputs else {
                Issue.record("the golden input is no image")
                return
            }
            #expect(image.shape == [4, 4, 3] && image.elements(of: UInt8.self) == pixels)
            // An image without the preprocessing that makes it an input, or of another size, is none.
            var container = try Safetensors(MappedFile(path: path))
            let details = try #require(container.metadata["details"])
            container.metadata["details"] = details.replacing("\"preprocessing\":", with: "\"other\":")
            container.metadata["digest"] = "\(container.metadataDigest(without: "digest"))"
            #expect(throws: BundleError.self) { try Bundle(container, operation: "read") }
            bundle.golden?.inputs = .pixels(Tensor(shape: [3, 4, 4], pixels))
            try bundle.write(to: path)
            let error = #expect(throws: BundleError.self) { try Bundle(contentsOf: path) }
            #expect(error?.code == .damaged)
        }
    }

    @Test func everyTensorIsAlignedInTheMapping() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            try sampleBundle().write(to: path)
            for value in try Bundle(contentsOf: path).graph.values {
                guard let constant = value.constant else { continue }
                unsafe constant.storage.withUnsafeBytes { bytes in
                    #expect(Int(bitPattern: bytes.baseAddress) % TensorStorage.alignment == 0)
                }
            }
        }
    }

    @Test func aBundleStaysReadableAfterItsFileWasReplaced() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            try sampleBundle(seed: 1).write(to: path)
            let first = try Bundle(contentsOf: path)
            try sampleBundle(seed: 2).write(to: path)
            #expect(transcript(first.graph) == transcript(sampleBundle(seed: 1).graph))
            #expect(try transcript(Bundle(contentsOf: path).graph) == transcript(sampleBundle(seed: 2).graph))
        }
    }

    @Test func writingLeavesNothingElseBehind() throws {
        try withTemporaryDirectory { directory in
            try sampleBundle().write(to: "\(directory)/net.swiftlet")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["net.swiftlet"])
        }
    }

    @Test func aWriteThatFailsSaysWhyAndLeavesNothing() throws {
        try withTemporaryDirectory { directory in
            try FileManager.default.createDirectory(atPath: "\(directory)/taken/inside", withIntermediateDirectories: true)
            for path in ["\(directory)/absent/net.swiftlet", "\(directory)/taken"] {
                let error = try #require(throws: BundleError.self) { try sampleBundle().write(to: path) }
                #expect(error.code == .unwritable)
                #expect(error.description.contains(path))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["taken"])
        }
    }

    @Test func aTaskIsTheDigestOfItsLabels() {
        #expect(BundleDetails.task(labels: ["a", "b"]) == "7e18f737311b2dc3b2f269dd78396b0351f14fb66efa879f768cb23181883c78")
        #expect(BundleDetails.task(labels: ["ab"]) != BundleDetails.task(labels: ["a", "b"]))
    }

    @Test func goldenOutputsAreComparedWithinTheirTolerance() throws {
        var bundle = sampleBundle()
        let golden = try #require(bundle.golden)
        try bundle.verify { inputs in
            #expect(inputs.stored.map(\.floats) == golden.inputs.stored.map(\.floats))
            return golden.outputs
        }
        let shape = golden.outputs[0].shape
        let shifted = Tensor(shape: shape, golden.outputs[0].floats.map { $0 + 0.01 })
        let error = try #require(throws: BundleError.self) { try bundle.verify { _ in [shifted] } }
        #expect(error.code == .goldenMismatch)
        bundle.golden?.tolerance = 0.011
        try bundle.verify { _ in [shifted] }
        var values = golden.outputs[0].floats
        values[3] = .nan
        for wrong in [[], [shifted, shifted], [shifted.reshaped([80])], [Tensor(shape: shape, values)]] {
            #expect(throws: BundleError.self) { try bundle.verify { _ in wrong } }
        }
        bundle.golden = nil
        try bundle.verify { _ in [] }
    }
}
