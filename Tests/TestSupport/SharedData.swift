// SPDX-License-Identifier: Apache-2.0
package import Testing
internal import FoundationEssentials

/// Where a file or folder of the real networks and images lies: under `SWIFTLET_DATA`, or beside the repository.
package func sharedData(_ path: String) -> String {
    "\(ProcessInfo.processInfo.environment["SWIFTLET_DATA"] ?? "../shared/data")/\(path)"
}

extension Trait where Self == ConditionTrait {
    /// Skips the test, and says so, where the real data isn't there.
    package static func needs(sharedData path: String) -> Self {
        .enabled(if: FileManager.default.fileExists(atPath: TestSupport.sharedData(path)), "no \(TestSupport.sharedData(path)) (SWIFTLET_DATA)")
    }
}
