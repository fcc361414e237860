// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// A folder of this run's own, for files that nobody needs afterwards.
struct TemporaryFolder {
    let path: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "swiftlet-demo-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        path = folder.path
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
