// SPDX-License-Identifier: Apache-2.0

/// Elements of a tensor that are kept in a file beside the model.
struct ExternalData {
    /// Relative to the model's folder.
    var location: String
    var offset: Int
    var length: Int?

    init(_ entries: [Onnx_StringStringEntryProto]) throws(ImportError) {
        var values: [String: String] = [:]
        for entry in entries { values[entry.key] = entry.value }
        guard let location = values["location"] else { throw ImportError(.format, "external data without a location") }
        self.location = location
        offset = try Self.number("offset", values["offset"]) ?? 0
        length = try Self.number("length", values["length"])
    }

    private static func number(_ key: String, _ text: String?) throws(ImportError) -> Int? {
        guard let text else { return nil }
        guard let number = Int(text), number >= 0 else { throw ImportError(.format, "external data with \(key) '\(text.prefix(40))'") }
        return number
    }

    /// Reads exactly `count` bytes.
    ///
    /// - Parameter folder: the model's; the file must be in it or below, links followed.
    func read(count: Int, folder: String?) throws(ImportError) -> [UInt8] {
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        guard !location.isEmpty, !parts.contains(".."), parts.first != "", !location.utf8.contains(0) else {
            throw ImportError(.file, "external data at '\(location.prefix(200))', outside the model's folder")
        }
        guard let folder, let root = resolvedPath(folder) else {
            throw ImportError(.file, "external data '\(location)', but the model has no folder")
        }
        guard let path = resolvedPath("\(root)/\(location)") else { throw ImportError(.file, "external data '\(location)' doesn't exist") }
        guard path.hasPrefix(root == "/" ? "/" : root + "/") else {
            throw ImportError(.file, "external data '\(location)' is a link out of the model's folder")
        }
        guard length == nil || length == count else {
            throw ImportError(.format, "external data of \(length ?? 0) bytes, the shape needs \(count)")
        }
        return try readFile(path, offset: offset, length: count, limit: count)
    }
}
