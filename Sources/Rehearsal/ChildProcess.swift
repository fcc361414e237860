// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A program that runs as our child and doesn't outlive us: it is killed when we die, however we die (`setpriv --pdeathsig`, where
/// that is installed). Only this child is ever signalled, and never once it has ended.
package final class ChildProcess: Sendable {
    /// Where what the child writes goes.
    package enum Output: Sendable {
        case inherited
        case discarded
        /// Appended to the file at this path.
        case file(String)
    }

    /// How a child ended.
    package enum Ending: Hashable, Sendable {
        case exited(CInt)
        case killed(signal: CInt)
    }

    package let processID: Int32
    private let ended: Flag
    private let ending = Mutex<Ending?>(nil)

    /// Starts `executable` (a path) with `arguments`, with our environment and `environment` over it.
    package init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], output: Output = .discarded,
        errors: Output = .inherited
    ) throws(RehearsalError) {
        guard unsafe access(executable, X_OK) == 0 else { throw RehearsalError("run \(executable)") }
        ended = try Flag()
        var command = [executable] + arguments
        if let guardian = Self.find("setpriv") { command = [guardian, "--pdeathsig", "KILL", "--"] + command }
        processID = try SpawningThread.spawn(command, environment: environment, output: output, errors: errors)
        try Background.run { [self] in reap() }
    }

    /// Sends a signal, where the child still runs.
    package func kill(_ signal: CInt) {
        ending.withLock { ending in
            if ending == nil { _ = Glibc.kill(processID, signal) }
        }
    }

    package var isRunning: Bool { ending.withLock { $0 == nil } }

    /// Waits until the child has ended; `nil` after `timeout`.
    package func wait(for timeout: Duration? = nil) -> Ending? {
        guard ended.wait(for: timeout) else { return nil }
        return ending.withLock { $0 }
    }

    /// Asks the child to end (SIGTERM), kills it after `patience`, and waits until it is gone.
    @discardableResult
    package func end(patience: Duration = .seconds(2)) -> Ending? {
        kill(SIGTERM)
        if let ending = wait(for: patience) { return ending }
        kill(SIGKILL)
        return wait(for: nil)
    }

    /// The path of a program in PATH or the system's folders.
    package static func find(_ program: String) -> String? {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
        return folders.map { $0 + "/" + program }.first { unsafe access($0, X_OK) == 0 }
    }

    private func reap() {
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(processID), &information, CInt(WEXITED) | CInt(WNOWAIT)) != 0 && errno == EINTR {}
        ending.withLock { ending in
            var status: CInt = 0
            _ = unsafe waitpid(processID, &status, 0)
            let signal = status & 0x7F
            ending = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
        }
        ended.raise()
    }
}
