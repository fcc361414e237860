// SPDX-License-Identifier: Apache-2.0

/// A password or the like, from a file. Its text shows only where it is asked for by name.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself: never print it.
    package let exposed: String

    package init(_ text: String) { exposed = text }

    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// The first line of a file.
    ///
    /// - Throws: where it can't be read, is empty, or isn't one line of text.
    static func read(_ path: String) throws(SmallFile.Failure) -> Secret {
        var bytes = try SmallFile.read(path, limit: 4096)
        while let last = bytes.last, last == 10 || last == 13 { bytes.removeLast() }
        guard !bytes.isEmpty else { throw SmallFile.Failure(reason: "the file is empty") }
        guard !bytes.contains(where: { $0 < 32 }), let text = String(validating: bytes, as: UTF8.self) else {
            throw SmallFile.Failure(reason: "the file isn't one line of text")
        }
        return Secret(text)
    }
}
