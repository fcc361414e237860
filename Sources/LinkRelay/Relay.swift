// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Messaging
internal import Synchronization

/// A TCP relay on the loopback interface that plays a bad link: for tests and the demo.
///
/// Listens on a port of its own and passes bytes to another port of this machine, under the condition that is set.
package final class Relay: Sendable {
    package enum Condition: Sendable, Equatable {
        case open
        /// Every byte arrives that much later, in both directions.
        case delayed(Duration)
        /// Connections stay, but no byte comes through; new ones are accepted and stay silent. Held bytes arrive when it ends.
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
    private let wakeUp: CInt

    /// Begins to relay to `target` on 127.0.0.1, on a thread of its own that lives until `stop`.
    package init(to target: Int) throws(LinkFault) {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw LinkFault(.resource, "pipe", "error \(errno)") }
        let listener = Socket.listen(onPort: 0)
        guard listener >= 0 else { throw LinkFault(.resource, "listen on 127.0.0.1", "error \(errno)") }
        port = Socket.port(of: listener)
        wakeUp = ends[1]
        let (alarm, source) = (ends[0], ends[1])
        _ = fcntl(alarm, F_SETFL, O_NONBLOCK)
        _ = fcntl(source, F_SETFL, O_NONBLOCK)
        try Thread.run { [self] in
            var loop = RelayLoop(relay: self, target: target, listener: listener, alarm: alarm)
            loop.run()
            close(source)
        }
    }

    /// The condition of the link from now on.
    package func set(_ condition: Condition) { change { $0.condition = condition } }

    /// Cuts all connections; new ones come through.
    package func cut() { change { $0.cuts += 1 } }

    /// Ends everything.
    package func stop() { change { $0.isStopped = true } }

    private func change(_ body: (inout Orders) -> Void) {
        orders.withLock { orders in
            guard !orders.isStopped else { return }
            body(&orders)
            var byte: UInt8 = 1
            _ = unsafe write(wakeUp, &byte, 1)
        }
    }
}
