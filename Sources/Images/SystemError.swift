// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
internal import Glibc
#endif

/// The words of the C library for what a system call just complained about.
package enum SystemError {
    /// `No such file or directory`, for instance. To be read before the next call.
    package static var latest: String { text(errno) }

    package static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        // CChar is signed or not, as the processor has it.
        return unsafe buffer.withUnsafeBytes { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
