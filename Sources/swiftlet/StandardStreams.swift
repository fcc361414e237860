// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc

/// Writes a line for people to standard error.
func printError(_ line: String) { writeError(line + "\n") }

/// Writes text to standard error as it is.
func writeError(_ text: String) {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
        let count = unsafe bytes[written...].withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
        if count < 0, errno != EINTR { return }
        written += max(count, 0)
    }
}

/// Whether a person sees standard error as it is written.
var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

/// Writes a line to standard output.
///
/// - Throws: where it can't be written, so that a full disk isn't taken for success.
func printLine(_ line: some CustomStringConvertible, terminator: String = "\n") throws {
    let bytes = Array((line.description + terminator).utf8)
    var written = 0
    while written < bytes.count {
        let count = unsafe bytes[written...].withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if count < 0, errno != EINTR {
            throw CommandFailure(.inputOutput, "can't write to standard output: \(unsafe String(cString: strerror(errno)))")
        }
        written += max(count, 0)
    }
}

/// Prints one JSON object on standard output, keys sorted.
func printJSON(_ object: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    try printLine(String(decoding: try encoder.encode(object), as: UTF8.self))
}
