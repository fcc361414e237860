// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import Glibc
internal import Threads

extension StopSignals {
    /// Runs `body` on a thread at the first signal; the second ends the program at once.
    func onStop(_ body: @escaping @Sendable () -> Void) throws(AgentError) {
        _ = try WorkerThread.ofAgent("swiftlet-signal") {
            wait()
            do {
                _ = try WorkerThread("swiftlet-stop", body)
            } catch {
                // Without a thread to end in order: at once.
                _exit(EXIT_FAILURE)
            }
            _exit(128 + wait())
        }
    }
}
