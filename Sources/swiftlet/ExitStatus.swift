// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import Networks

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
    static let badConfiguration = ExitStatus(rawValue: 78)
}

/// A failure that ends a command: one line on standard error and an exit status.
struct CommandFailure: Error, CustomStringConvertible {
    var status: ExitStatus
    var description: String

    init(_ status: ExitStatus, _ description: String) {
        self.status = status
        self.description = description
    }
}

/// Runs the body of a command; prints what it throws as one line on standard error and ends with the status that fits.
///
/// The mapping: ``CommandFailure`` as it says; ``BundleError`` by its code; every other error of ours is a file's contents, 65. What
/// ArgumentParser itself throws passes through.
func exiting(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let error as CommandFailure {
        throw ended(error.status, error.description)
    } catch let error as BundleError {
        throw ended(error.code.exitStatus, error.description)
    } catch let error where error is ExitCode || error is ValidationError || error is CleanExit {
        throw error
    } catch {
        throw ended(.badData, "\(error)")
    }
}

private func ended(_ status: ExitStatus, _ message: String) -> ExitCode {
    unsafe fputs("swiftlet: \(message)\n", stderr)
    return ExitCode(status.rawValue)
}

extension BundleError.Code {
    fileprivate var exitStatus: ExitStatus {
        switch self {
        case .unreadable: .noInput
        case .unwritable: .cannotCreate
        default: .badData
        }
    }
}
