// SPDX-License-Identifier: Apache-2.0

/// What became of one test.
package struct ConformanceResult: Encodable {
    package enum Status: String, Encodable { case pass, fail, unsupported }

    package var name: String
    package var status: Status
    /// Why it didn't pass.
    package var reason: String?

    /// `pass`, `fail` or `unsupported`, the name, and the reason in parentheses.
    package var line: String { "\(status.rawValue) \(name)\(reason.map { " (\($0))" } ?? "")" }
}

/// The results of a run of tests, as `swiftlet conform --json` prints them.
struct ConformanceReport: Encodable {
    var passed = 0
    var failed = 0
    var unsupported = 0
    var tests: [ConformanceResult] = []

    mutating func add(_ result: ConformanceResult) {
        switch result.status {
        case .pass: passed += 1
        case .fail: failed += 1
        case .unsupported: unsupported += 1
        }
        tests.append(result)
    }

    var summary: String { "\(tests.count) tests: \(passed) passed, \(failed) failed, \(unsupported) unsupported" }
}
