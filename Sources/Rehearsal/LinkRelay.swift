// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A TCP relay on the loopback interface that plays a bad link.
///
/// Listens on a port of its own and passes bytes to another port of this machine, under the condition that is set.
package final class LinkRelay: Sendable {
    package enum Condition: Sendable, Equatable {
        case open
        /// Every byte arrives that much later, in both directions.
        case delayed(Duration)
        /// At most so many bytes a second, each connection and direction for itself.
        case limited(bytesPerSecond: Int)
        /// Connections stay, but no byte comes through; new ones stay silent. What TCP holds back arrives when it ends.
        case blackHoled
        /// Existing connections are cut, new ones refused.
        case refusing
    }

    struct Orders {
        var condition = Condition.open
        var cuts = 0
        var isStopped = false
    }

    /// Where clients connect.
    package let port: Int
    let orders = Mutex(Orders())
    let bell: Flag

    /// Begins to relay to `target` on 127.0.0.1, on a thread of its own that lives until `stop`.
    package init(to target: Int) throws(RehearsalError) {
        bell = try Flag()
        let listener = Socket.listen(onPort: 0)
        guard listener >= 0 else { throw RehearsalError("listen on 127.0.0.1") }
        port = Socket.port(of: listener)
        try Background.run { [self] in
            var loop = LinkRelayLoop(relay: self, target: target, listener: listener)
            loop.run()
        }
    }

    /// The condition of the link from now on.
    package func set(_ condition: Condition) { change { $0.condition = condition } }

    /// Cuts all connections; new ones come through.
    package func cut() { change { $0.cuts += 1 } }

    /// Ends everything.
    package func stop() { change { $0.isStopped = true } }

    private func change(_ body: (inout Orders) -> Void) {
        orders.withLock { body(&$0) }
        bell.raise()
    }
}
