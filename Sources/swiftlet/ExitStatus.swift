// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Images
internal import Kernels
internal import Networks
internal import ONNXImport
internal import Settings

/// How the tool ends, in the numbers of sysexits.h.
struct ExitStatus: RawRepresentable, Hashable, Sendable {
    var rawValue: Int32

    static let failure = ExitStatus(rawValue: 1)
    /// The command was called in a way that it doesn't know.
    static let usage = ExitStatus(rawValue: 64)
    /// A file's contents are wrong.
    static let badData = ExitStatus(rawValue: 65)
    /// A file to read isn't there.
    static let noInput = ExitStatus(rawValue: 66)
    /// A service, a peer or a capability isn't there.
    static let unavailable = ExitStatus(rawValue: 69)
    static let cannotCreate = ExitStatus(rawValue: 73)
    /// Reading or writing failed.
    static let inputOutput = ExitStatus(rawValue: 74)
    static let badConfiguration = ExitStatus(rawValue: 78)
}

/// An error that knows how the tool ends because of it. Every other error is a file's contents: 65.
protocol EndingError: Error, CustomStringConvertible {
    var exitStatus: ExitStatus { get }
}

/// A failure that ends a command: one line on standard error and an exit status.
struct CommandFailure: EndingError {
    var exitStatus: ExitStatus
    var description: String

    init(_ exitStatus: ExitStatus, _ description: String) {
        self.exitStatus = exitStatus
        self.description = description
    }
}

extension InstructionSetError: EndingError {
    var exitStatus: ExitStatus { .usage }
}

extension BundleError: EndingError {
    var exitStatus: ExitStatus {
        switch code {
        case .unreadable: .noInput
        case .unwritable: .cannotCreate
        default: .badData
        }
    }
}

extension ImageError: EndingError {
    var exitStatus: ExitStatus {
        switch code {
        case .unreadable: .noInput
        case .unwritable: .cannotCreate
        default: .badData
        }
    }
}

extension ImportError: EndingError {
    var exitStatus: ExitStatus { code == .file ? .noInput : .badData }
}

extension SettingsError: EndingError {
    var exitStatus: ExitStatus { .badConfiguration }
}

/// Runs the body of a command; what it throws becomes one line on standard error and the exit status that fits. What ArgumentParser
/// itself throws passes through.
func exiting(_ body: () throws -> Void) throws {
    do {
        try CPUFeatures.checkEnvironment()
        try body()
    } catch { throw ending(error) }
}

/// As ``exiting(_:)``, for a body that waits.
func exiting(_ body: () async throws -> Void) async throws {
    do {
        try CPUFeatures.checkEnvironment()
        try await body()
    } catch { throw ending(error) }
}

private func ending(_ error: any Error) -> any Error {
    if error is ExitCode || error is ValidationError || error is CleanExit { return error }
    // Settings have a line for each problem, which they escape themselves.
    printError(error is SettingsError ? "swiftlet: \(error)" : "swiftlet: \(error)".onOneLine)
    return ExitCode(((error as? any EndingError)?.exitStatus ?? .badData).rawValue)
}
