// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// A file in the safetensors format: named tensors and a map of strings.
///
/// Layout: the length of the header as 8 bytes, little-endian; the header, a JSON object that gives each tensor's type, shape and
/// `[begin, end)` in the data, padded with spaces; the data, covered by the tensors without gap or overlap. In the files that are written
/// here each tensor starts at a multiple of ``TensorStorage/alignment`` from the start of the file; a tensor of padding bytes fills
/// the gap that a size leaves.
///
/// Source: https://github.com/huggingface/safetensors, section "Format".
package struct Safetensors: Sendable {
    /// Free text by key: the header's `__metadata__`.
    package var metadata: [String: String]
    /// In the order of the file, padding left out. Names are unique.
    package var tensors: [(name: String, tensor: Tensor)]

    /// Names of padding start like this.
    package static let paddingPrefix = "__padding__."
    /// Readers of the format refuse longer headers.
    static let longestHeader = 100_000_000
    static let metadataKey = "__metadata__"

    package init(metadata: [String: String] = [:], tensors: [(name: String, tensor: Tensor)] = []) {
        self.metadata = metadata
        self.tensors = tensors
    }

    /// Why bytes aren't a safetensors file.
    package struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
        init(_ description: String) { self.description = description }
    }

    /// What the header says of one tensor.
    struct Entry: Encodable {
        var dtype: String
        var shape: [Int]
        var data_offsets: [Int]
    }

    /// The header: one key a tensor, and `__metadata__`.
    struct Header: Encodable {
        var metadata: [String: String] = [:]
        var entries: [String: Entry] = [:]

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            if !metadata.isEmpty { try container.encode(metadata, forKey: Key(stringValue: Safetensors.metadataKey)) }
            for (name, entry) in entries { try container.encode(entry, forKey: Key(stringValue: name)) }
        }

        struct Key: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
    }
}
