// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
internal import Glibc
#endif
internal import FoundationEssentials

/// A folder of its own for one test, gone with everything in it when the object goes.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() {
        var template = Array("\(FileManager.default.temporaryDirectory.path())/swiftlet-test-XXXXXX".utf8CString)
        precondition(unsafe mkdtemp(&template) != nil, "no temporary folder")
        path = unsafe template.withUnsafeBytes { unsafe String(decoding: $0.dropLast(), as: UTF8.self) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a name in the folder.
    package func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}
