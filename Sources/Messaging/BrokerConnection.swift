// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
internal import Threads

/// What the broker granted at the last connection.
package struct Grant: Sendable, Equatable {
    /// The broker still knew us and kept our subscriptions.
    package var isSessionPresent: Bool
    /// The largest packet the broker takes; `nil` without a limit.
    package var maximumPacketBytes: Int?
    /// How many acknowledgements may be outstanding, by the broker's limit and ours.
    package var sendWindow: Int
    /// What the connection goes through; `nil` where it can't be told.
    package var interface: NetworkInterface?
}

/// Whether there is a broker at the moment.
package enum ConnectionState: Sendable {
    case connected(Grant)
    /// Why not, and when the next attempt comes on the clock of `MonotonicClock`.
    case disconnected(LinkFault, retryAt: Duration?)
}

/// What became of a message that was taken for sending.
package enum Delivery: Sendable, Equatable {
    /// The broker has it (QoS 0: the kernel has it).
    case delivered
    /// The broker has it, but nobody subscribes to its topic.
    case unheard
    /// The broker refused it, with this reason code.
    case refused(Int32)
    /// Its lifetime ended before it was sent.
    case expired
    /// Newer messages needed its place.
    case displaced
    /// The connection ended before the broker acknowledged it; it may have arrived.
    case lost
}

/// Who uses a connection. Everything is called on the connection's thread and must not block, nor call `stop`.
package protocol ConnectionObserver: AnyObject, Sendable {
    /// What the broker says for us when it loses us in this session; sessions count up from 1.
    func will(session: UInt64) -> OutboundMessage?
    /// What is said first at every connection, after the subscriptions.
    func birth(session: UInt64) -> [OutboundMessage]
    func connectionChanged(_ state: ConnectionState)
    func received(_ message: InboundMessage)
    /// Exactly once for every ticket that `publish` gave out.
    func settled(_ ticket: UInt64, _ delivery: Delivery)
    /// Time has passed; returns when to be called again at the latest.
    func tick(now: Duration) -> Duration?
}

/// A connection to the broker that mends itself: our own loop around libmosquitto on one own thread, under a `Supervisor`.
///
/// Its methods may be called on any thread and never block, but for `stop`. While there is no broker nothing is kept: whoever wants to
/// keep messages keeps them.
package final class BrokerConnection: Sendable {
    /// What distinguishes a device from a worker.
    package struct Identity: Sendable {
        package var clientID: String
        package var subscriptions: [Subscription]
        /// How long the broker remembers us after the connection ends.
        package var sessionExpiry: Duration
        /// How many unacknowledged messages the broker may send us.
        package var receiveMaximum: Int
        package var maximumPacketBytes: Int
        package var willDelay: Duration

        package init(
            clientID: String, subscriptions: [Subscription], sessionExpiry: Duration, receiveMaximum: Int, maximumPacketBytes: Int,
            willDelay: Duration = .zero
        ) {
            self.clientID = clientID
            self.subscriptions = subscriptions
            self.sessionExpiry = sessionExpiry
            self.receiveMaximum = receiveMaximum
            self.maximumPacketBytes = maximumPacketBytes
            self.willDelay = willDelay
        }
    }

    /// Why a message isn't taken.
    package enum Refusal: Error, Sendable, Equatable {
        case disconnected, tooLarge
    }

    package struct Counters: Sendable, Equatable {
        package var attempts: UInt64 = 0
        package var connections: UInt64 = 0
        package var sent: UInt64 = 0
        package var delivered: UInt64 = 0
        package var refusedByBroker: UInt64 = 0
        package var expired: UInt64 = 0
        package var displaced: UInt64 = 0
        package var lost: UInt64 = 0
        package var received: UInt64 = 0
    }

    struct Queued {
        var ticket: UInt64
        var message: OutboundMessage
        var expiry: Duration?
    }

    struct Shared {
        var isStarted = false
        var grant: Grant?
        var queue: [Queued] = []
        var queuedBytes = 0
        var displaced: [UInt64] = []
        var nextTicket: UInt64 = 1
        /// When to have ended, and what to say before.
        var stop: (deadline: Duration, goodbye: [OutboundMessage])?
        var counters = Counters()
    }

    let identity: Identity
    let broker: BrokerOptions
    let wakeUp: WakeUp
    let finished: WakeUp
    let shared = Mutex(Shared())

    package init(_ identity: Identity, broker: BrokerOptions) throws(LinkFault) {
        self.identity = identity
        self.broker = broker
        wakeUp = try WakeUp()
        finished = try WakeUp()
    }

    /// Begins to connect, on a thread of its own that lives until `stop`; a second call does nothing. Holds `observer` until then.
    package func start(_ observer: any ConnectionObserver) throws(LinkFault) {
        let isFirst = shared.withLock { shared in
            defer { shared.isStarted = true }
            return !shared.isStarted
        }
        guard isFirst else { return }
        let connection = self
        do {
            _ = try WorkerThread("swiftlet-broker") { [observer] in
                var loop = ConnectionLoop(connection: connection, observer: observer)
                loop.run()
                connection.finished.raise()
            }
        } catch {
            throw LinkFault(.resource, error.operation, error.cause)
        }
    }

    /// Takes a message for sending; gives the ticket that `settled` will bear.
    @discardableResult
    package func publish(_ message: OutboundMessage) throws(Refusal) -> UInt64 {
        let now = MonotonicClock.now()
        let ticket = shared.withLock { shared -> Result<UInt64, Refusal> in
            guard let grant = shared.grant, shared.stop == nil else { return .failure(.disconnected) }
            guard message.packetBytes <= grant.maximumPacketBytes ?? .max, message.packetBytes <= broker.maximumQueuedBytes else {
                return .failure(.tooLarge)
            }
            while shared.queue.count >= broker.maximumQueuedMessages
                || shared.queuedBytes + message.packetBytes > broker.maximumQueuedBytes
            {
                let oldest = shared.queue.removeFirst()
                shared.queuedBytes -= oldest.message.packetBytes
                shared.displaced.append(oldest.ticket)
                shared.counters.displaced += 1
            }
            let ticket = shared.nextTicket
            shared.nextTicket += 1
            shared.queue.append(Queued(ticket: ticket, message: message, expiry: message.lifetime.map { now + $0 }))
            shared.queuedBytes += message.packetBytes
            return .success(ticket)
        }
        wakeUp.raise()
        return try ticket.get()
    }

    /// Asks for a call of the observer's `tick` soon.
    package func wake() { wakeUp.raise() }

    /// Says `goodbye`, disconnects cleanly and ends the thread; returns at the latest after `timeout`, also when a look-up still blocks
    /// the thread, which then ends by itself.
    package func stop(goodbye: [OutboundMessage] = [], timeout: Duration = .seconds(2)) {
        let isRunning = shared.withLock { shared in
            if shared.stop == nil { shared.stop = (MonotonicClock.now() + timeout, goodbye) }
            return shared.isStarted
        }
        guard isRunning else { return }
        wakeUp.raise()
        _ = finished.wait(for: timeout + .milliseconds(200))
    }

    /// Counts since the start.
    package var counters: Counters { shared.withLock { $0.counters } }
}
