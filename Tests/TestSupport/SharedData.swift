// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// A file or folder of the real networks and images that tests read where they are: under `SWIFTLET_DATA`, or beside the repository.
///
/// - Returns: `nil`, with a line that says so, where the data isn't there.
package func sharedData(_ path: String) -> String? {
    let root = ProcessInfo.processInfo.environment["SWIFTLET_DATA"] ?? "../shared/data"
    let full = "\(root)/\(path)"
    if FileManager.default.fileExists(atPath: full) { return full }
    print("skipped: no \(full) (SWIFTLET_DATA)")
    return nil
}
