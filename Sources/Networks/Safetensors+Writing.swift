// SPDX-License-Identifier: Apache-2.0
internal import JSON
internal import Tensors

extension Safetensors {
    /// Where each part of a file goes.
    struct Layout {
        /// Length and header, padded: a multiple of the alignment.
        var head: [UInt8]
        /// In order: how many padding bytes come before each tensor.
        var gaps: [Int]
    }

    /// Writes the file: all of it appears at `path`, or nothing.
    ///
    /// - Precondition: names are unique, not reserved, and the header stays below 100 MB.
    package func write(to path: String) throws(FileError) {
        let layout = layout()
        var file = try AtomicFile(path: path)
        try unsafe layout.head.span.withUnsafeBytes { bytes throws(FileError) in try unsafe file.write(bytes.bytes) }
        let zeros = [UInt8](repeating: 0, count: TensorStorage.alignment)
        for (gap, (_, tensor)) in zip(layout.gaps, tensors) {
            try unsafe zeros.span.withUnsafeBytes { bytes throws(FileError) in try unsafe file.write(bytes.bytes.extracting(first: gap)) }
            try unsafe tensor.storage.withUnsafeBytes { bytes throws(FileError) in try unsafe file.write(bytes.bytes) }
        }
        try file.commit()
    }

    private func layout() -> Layout {
        var header = Header()
        header.metadata = metadata
        var gaps: [Int] = []
        var offset = 0
        for (index, (name, tensor)) in tensors.enumerated() {
            precondition(name != Self.metadataKey && !name.hasPrefix(Self.paddingPrefix), "'\(name)' is reserved")
            precondition(header.entries[name] == nil, "'\(name)' appears twice")
            let gap = (TensorStorage.alignment - offset % TensorStorage.alignment) % TensorStorage.alignment
            if gap > 0 {
                header.entries["\(Self.paddingPrefix)\(index)"] = Entry(
                    dtype: ElementType.uint8.rawValue, shape: [gap], data_offsets: [offset, offset + gap])
            }
            gaps.append(gap)
            offset += gap
            let end = offset + tensor.storage.count
            header.entries[name] = Entry(dtype: tensor.type.rawValue, shape: tensor.shape, data_offsets: [offset, end])
            offset = end
        }
        return Layout(head: Self.head(header), gaps: gaps)
    }

    private static func head(_ header: Header) -> [UInt8] {
        var json: [UInt8]
        do {
            json = try JSONWriter.encode(header)
        } catch {
            preconditionFailure("strings and integers always encode: \(error)")
        }
        while (8 + json.count) % TensorStorage.alignment != 0 { json.append(UInt8(ascii: " ")) }
        precondition(json.count <= longestHeader, "the header is too long")
        return unsafe withUnsafeBytes(of: UInt64(json.count).littleEndian) { unsafe Array($0) } + json
    }
}
