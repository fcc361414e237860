// SPDX-License-Identifier: Apache-2.0
internal import Digests
internal import JSON
internal import Tensors

extension Bundle {
    /// Maps a bundle. Constants are read from the mapping when they are used.
    ///
    /// Damage is found by the SHA-256 of the description and a checksum of the tensors.
    ///
    /// - Parameter isThorough: also compares the SHA-256 of the tensors, which other machines know the network by.
    /// - Throws: ``BundleError`` for a file that can't be read, isn't a bundle, or is damaged in whatever way.
    package init(contentsOf path: String, isThorough: Bool = false) throws(BundleError) {
        let operation = "read \(path)"
        let file: MappedFile
        do {
            file = try MappedFile(path: path)
        } catch {
            throw BundleError(.unreadable, operation, error.description)
        }
        let container: Safetensors
        do {
            container = try Safetensors(file)
        } catch {
            throw BundleError(.notABundle, operation, error.description)
        }
        try self.init(container, operation: operation, isThorough: isThorough)
    }

    /// Writes the bundle; its weights digest is computed. The file appears whole or not at all, also across a loss of power.
    package func write(to path: String) throws(BundleError) {
        let operation = "write \(path)"
        let container = try container(operation: operation)
        do {
            try container.write(to: path)
        } catch {
            throw BundleError(.unwritable, operation, error.description)
        }
    }
}

/// Keys of the metadata.
private enum Key {
    static let format = "format"
    static let formatVersion = "format_version"
    static let graph = "graph"
    static let details = "details"
    static let golden = "golden"
    static let digest = "digest"
    static let checksum = "checksum"
    static let formatName = "swiftlet"
    /// Of a tensor.
    static let planTable = "plans.table"
}

/// The names of golden tensors.
private struct GoldenNames: Encodable {
    /// Instead of `inputs`.
    var pixels: String?
    var inputs: [String] = []
    var outputs: [String]
    var tolerance: Float
}

extension GoldenNames {
    init(_ json: JSONValue) throws(JSONError) {
        pixels = try json.memberIfPresent("pixels")?.string()
        inputs = try json.member("inputs").elements().map { name throws(JSONError) in try name.string() }
        outputs = try json.member("outputs").elements().map { name throws(JSONError) in try name.string() }
        tolerance = try json.member("tolerance").float()
    }
}

extension Bundle {
    /// The network that a safetensors file holds.
    ///
    /// - Parameters:
    ///   - operation: what is tried, for errors.
    ///   - isThorough: as for ``init(contentsOf:isThorough:)``.
    package init(_ container: Safetensors, operation: String, isThorough: Bool = false) throws(BundleError) {
        guard container.metadata[Key.format] == Key.formatName else {
            throw BundleError(.notABundle, operation, "it is a safetensors file without a network of ours")
        }
        guard let version = container.metadata[Key.formatVersion], version == String(BundleDetails.currentVersion) else {
            throw BundleError(
                .unsupportedVersion, operation,
                "format version \(container.metadata[Key.formatVersion] ?? "(none)"), this program knows \(BundleDetails.currentVersion): compile the network anew")
        }
        guard container.metadata[Key.digest] == container.metadataDigest(without: Key.digest).description else {
            throw BundleError(.damaged, operation, "the description of the network doesn't match its digest")
        }
        details = try Self.read(Key.details, of: container, operation: operation, BundleDetails.init)
        guard container.metadata[Key.checksum] == container.tensorsChecksum else {
            throw BundleError(.damaged, operation, "the weights don't match their checksum")
        }
        guard !isThorough || details.weightsDigest == container.tensorsDigest.description else {
            throw BundleError(.damaged, operation, "the weights don't match their digest")
        }
        if let contradiction = details.contradiction { throw BundleError(.damaged, operation, contradiction) }
        let description = try Self.read(Key.graph, of: container, operation: operation, GraphDescription.init)
        let tensors = Dictionary(container.tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        do {
            graph = try description.graph(constants: tensors)
            isGraphChecked = true
        } catch {
            throw BundleError(.damaged, operation, error.description)
        }
        if details.plans != nil {
            guard let table = tensors[Key.planTable], table.type == .uint8, table.shape.count == 1 else {
                throw BundleError(.damaged, operation, "it has no table of plans")
            }
            details.plans?.table = table.withElements(of: UInt8.self) { bytes in bytes.indices.map { bytes[$0] } }
            if let contradiction = details.plans?.contradiction(with: graph) { throw BundleError(.damaged, operation, contradiction) }
        }
        if container.metadata[Key.golden] != nil {
            let names = try Self.read(Key.golden, of: container, operation: operation, GoldenNames.init)
            golden = try Self.golden(names, tensors: tensors, graph: graph, preprocessing: details.preprocessing, operation: operation)
        }
    }

    private static func golden(
        _ names: GoldenNames, tensors: [String: Tensor], graph: Graph, preprocessing: Preprocessing?, operation: String
    ) throws(BundleError) -> Golden {
        func stored(_ names: [String], for ids: [ValueID]) throws(BundleError) -> [Tensor] {
            guard names.count == ids.count else {
                throw BundleError(.damaged, operation, "\(names.count) golden tensors for \(ids.count) inputs or outputs")
            }
            var result: [Tensor] = []
            for (name, id) in zip(names, ids) {
                guard let tensor = tensors[name], tensor.shape == graph[id].shape, tensor.type == graph[id].type else {
                    throw BundleError(.damaged, operation, "golden tensor '\(name)' doesn't fit '\(graph[id].name)'")
                }
                result.append(tensor)
            }
            return result
        }
        let inputs: Golden.Inputs
        if let name = names.pixels {
            guard let preprocessing, let image = tensors[name], image.type == .uint8, image.shape == preprocessing.imageShape,
                graph.inputs.map({ graph[$0].tensorType }) == [TensorType(.float32, preprocessing.inputShape)]
            else {
                throw BundleError(.damaged, operation, "golden image '\(name)' doesn't fit the network's input")
            }
            inputs = .pixels(image)
        } else {
            inputs = .tensors(try stored(names.inputs, for: graph.inputs))
        }
        return Golden(inputs: inputs, outputs: try stored(names.outputs, for: graph.outputs), tolerance: names.tolerance)
    }

    private static func read<T>(
        _ key: String, of container: Safetensors, operation: String, _ parse: (JSONValue) throws(JSONError) -> T
    ) throws(BundleError) -> T {
        guard let text = container.metadata[key] else { throw BundleError(.damaged, operation, "it has no '\(key)'") }
        do {
            return try parse(JSONDocument(text).root)
        } catch {
            throw BundleError(.damaged, operation, "'\(key)' can't be understood: \(error)")
        }
    }

    private func container(operation: String) throws(BundleError) -> Safetensors {
        var container = Safetensors()
        let description = GraphDescription(graph)
        container.tensors = description.constants(of: graph)
        container.metadata[Key.format] = Key.formatName
        container.metadata[Key.formatVersion] = String(BundleDetails.currentVersion)
        container.metadata[Key.graph] = try Self.encode(description, Key.graph, operation: operation)
        if let golden {
            var names = GoldenNames(outputs: golden.outputs.indices.map { "golden.output.\($0)" }, tolerance: golden.tolerance)
            switch golden.inputs {
            case .pixels(let image):
                names.pixels = "golden.pixels"
                container.tensors.append(("golden.pixels", image))
            case .tensors(let tensors):
                names.inputs = tensors.indices.map { "golden.input.\($0)" }
                container.tensors += zip(names.inputs, tensors).map { ($0, $1) }
            }
            container.tensors += zip(names.outputs, golden.outputs).map { ($0, $1) }
            container.metadata[Key.golden] = try Self.encode(names, Key.golden, operation: operation)
        }
        if let contradiction = details.contradiction ?? details.plans?.contradiction(with: graph) { throw BundleError(.unwritable, operation, contradiction) }
        var details = details
        details.formatVersion = BundleDetails.currentVersion
        details.networkDigest = nil
        if let plans = details.plans {
            details.networkDigest = container.tensorsDigest.description
            container.tensors.append((Key.planTable, Tensor(shape: [plans.table.count], plans.table)))
        }
        details.weightsDigest = container.tensorsDigest.description
        container.metadata[Key.checksum] = container.tensorsChecksum
        container.metadata[Key.details] = try Self.encode(details, Key.details, operation: operation)
        container.metadata[Key.digest] = container.metadataDigest(without: Key.digest).description
        return container
    }

    private static func encode<T: Encodable>(_ value: T, _ key: String, operation: String) throws(BundleError) -> String {
        do {
            return try String(decoding: JSONWriter.encode(value, nonFinite: .text), as: UTF8.self)
        } catch {
            throw BundleError(.unwritable, operation, "'\(key)' can't be encoded: \(error)")
        }
    }
}
