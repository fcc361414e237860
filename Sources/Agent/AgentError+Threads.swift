// SPDX-License-Identifier: Apache-2.0
package import Threads

extension WorkerThread {
    /// A thread of the agent's: one that can't be started is a reason why the agent can't start.
    package static func ofAgent(_ name: String, _ body: @escaping @Sendable () -> Void) throws(AgentError) -> WorkerThread {
        do {
            return try WorkerThread(name, body)
        } catch {
            throw AgentError(.unavailable, error.operation, error.cause)
        }
    }
}
