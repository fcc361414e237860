// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// What runs on a connection's thread: waits for the socket, the clock and `wakeUp`, and performs what the supervisor decides.
struct ConnectionLoop: ~Copyable {
    private let connection: BrokerConnection
    private let observer: any ConnectionObserver
    private var supervisor: Supervisor
    private var generator = SystemRandomNumberGenerator()
    private var session: MosquittoSession?
    private var sessionNumber: UInt64 = 0
    private var pendingSubscriptions: [Int32: Subscription] = [:]
    private var pendingGrant: Grant?
    private var isOpen = false
    private var inFlight: [Int32: (ticket: UInt64, sentAt: Duration)] = [:]
    private var finishBy: Duration?
    private var saidGoodbye = false

    init(connection: BrokerConnection, observer: any ConnectionObserver) {
        self.connection = connection
        self.observer = observer
        supervisor = Supervisor(settings: connection.broker.supervision)
    }

    mutating func run() {
        _ = supervisor.handle(.start, now: MonotonicClock.now(), using: &generator)
        while true {
            let now = MonotonicClock.now()
            finishIfAsked(now: now)
            if let finishBy, session == nil || now >= finishBy { break }
            switch supervisor.handle(.timer, now: now, using: &generator) {
            case .connect: open(now: now)
            case .abandon(let fault): close(fault, tellSupervisor: false)
            case .nothing, .finish: break
            }
            let observerDeadline = observer.tick(now: now)
            flush(now: now)
            wait(until: observerDeadline)
        }
        close(LinkFault(.stopped, "connection", "stopped"), tellSupervisor: false)
    }

    private mutating func open(now: Duration) {
        sessionNumber += 1
        let identity = connection.identity
        do throws(LinkFault) {
            var session = try MosquittoSession.prepared(
                .init(
                    clientID: identity.clientID, cleanStart: sessionNumber == 1 || identity.sessionExpiry == .zero,
                    sessionExpiry: identity.sessionExpiry, receiveMaximum: identity.receiveMaximum,
                    maximumPacketBytes: identity.maximumPacketBytes, will: observer.will(session: sessionNumber),
                    willDelay: identity.willDelay), broker: connection.broker)
            connection.shared.withLock { $0.counters.attempts += 1 }
            try session.start()
            self.session = consume session
        } catch {
            close(error, tellSupervisor: true)
        }
    }

    /// Ends what is open; all that was under way is lost.
    private mutating func close(_ fault: LinkFault, tellSupervisor: Bool) {
        session = nil
        isOpen = false
        pendingSubscriptions = [:]
        pendingGrant = nil
        let abandoned = connection.shared.withLock { shared in
            shared.grant = nil
            let tickets = inFlight.values.map(\.ticket) + shared.queue.map(\.ticket)
            shared.queue = []
            shared.queuedBytes = 0
            shared.counters.lost += UInt64(tickets.count)
            return tickets
        }
        inFlight = [:]
        if tellSupervisor { _ = supervisor.handle(.failed(fault), now: MonotonicClock.now(), using: &generator) }
        for ticket in abandoned { observer.settled(ticket, .lost) }
        observer.connectionChanged(.disconnected(fault, retryAt: supervisor.nextDeadline))
    }

    private mutating func wait(until observerDeadline: Duration?) {
        let now = MonotonicClock.now()
        // libmosquitto's keep-alive needs a look every second.
        var deadline = now + .seconds(session == nil ? 3600 : 1)
        for other in [observerDeadline, supervisor.nextDeadline, finishBy] { if let other { deadline = min(deadline, other) } }
        if session?.needsPolling ?? false { deadline = min(deadline, now + .milliseconds(isOpen ? 500 : 50)) }
        let left = max(.zero, deadline - now)
        let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1

        var descriptors = [pollfd(fd: connection.wakeUp.descriptor, events: Int16(POLLIN), revents: 0)]
        let socket = session?.socket ?? -1
        if socket >= 0 {
            let events = POLLIN | (session?.wantsToWrite ?? false ? POLLOUT : 0)
            descriptors.append(pollfd(fd: socket, events: Int16(events), revents: 0))
        }
        _ = unsafe poll(&descriptors, nfds_t(descriptors.count), left == .zero ? 0 : CInt(clamping: milliseconds))
        if descriptors[0].revents != 0 { connection.wakeUp.lower() }
        guard session != nil else { return }
        let ready = descriptors.count > 1 ? Int32(descriptors[1].revents) : 0
        advance(isReadable: ready & (POLLIN | POLLHUP | POLLERR) != 0, isWritable: ready & (POLLOUT | POLLHUP | POLLERR) != 0)
    }

    private mutating func advance(isReadable: Bool, isWritable: Bool) {
        do throws(LinkFault) {
            for event in try session?.advance(isReadable: isReadable, isWritable: isWritable) ?? [] {
                try handle(event)
            }
            if session != nil, session?.socket ?? -1 < 0 {
                throw LinkFault(.closed, "connection to \(connection.broker.host):\(connection.broker.port)", "the connection ended")
            }
            let now = MonotonicClock.now()
            if let oldest = inFlight.values.map(\.sentAt).min(), now - oldest > connection.broker.acknowledgementTimeout {
                throw LinkFault(.timeout, "delivery to \(connection.broker.host)", "nothing acknowledged for \(connection.broker.acknowledgementTimeout)")
            }
        } catch {
            close(error, tellSupervisor: true)
        }
    }

    private mutating func handle(_ event: MosquittoSession.Event) throws(LinkFault) {
        let place = "\(connection.broker.host):\(connection.broker.port)"
        switch event {
        case .accepted(let isSessionPresent, let receiveMaximum, let maximumPacketBytes):
            pendingGrant = Grant(
                isSessionPresent: isSessionPresent, maximumPacketBytes: maximumPacketBytes,
                sendWindow: min(receiveMaximum ?? 65_535, connection.broker.maximumInFlight), interface: NetworkInterface(of: session?.socket ?? -1))
            for subscription in connection.identity.subscriptions {
                guard let id = try session?.subscribe(subscription.filter) else { return }
                pendingSubscriptions[id] = subscription
            }
            becomeOpenWhenReady()
        case .refused(let code):
            throw MosquittoSession.fault(ofReason: code, operation: "connect to \(place)")
        case .subscribed(let id, let codes):
            if let subscription = pendingSubscriptions.removeValue(forKey: id), subscription.isRequired,
                let code = codes.first(where: { $0 >= 128 })
            {
                throw LinkFault(.accessControl, "subscribe to \(subscription.filter)", "the broker refuses it (reason code \(code))")
            }
            becomeOpenWhenReady()
        case .delivered(let id, let code):
            guard let entry = inFlight.removeValue(forKey: id) else { return }
            connection.shared.withLock { shared in
                if code < 128 { shared.counters.delivered += 1 } else { shared.counters.refusedByBroker += 1 }
            }
            let delivery: Delivery = code >= 128 ? .refused(code) : code == MosquittoSession.noSubscribers ? .unheard : .delivered
            observer.settled(entry.ticket, delivery)
        case .received(let message):
            connection.shared.withLock { $0.counters.received += 1 }
            observer.received(message)
        case .disconnected(let code):
            throw MosquittoSession.fault(ofReason: code, operation: "connection to \(place)")
        }
    }

    private mutating func becomeOpenWhenReady() {
        guard let grant = pendingGrant, pendingSubscriptions.isEmpty, !isOpen else { return }
        isOpen = true
        let now = MonotonicClock.now()
        _ = supervisor.handle(.accepted, now: now, using: &generator)
        let birth = observer.birth(session: sessionNumber)
        connection.shared.withLock { shared in
            shared.counters.connections += 1
            shared.grant = grant
            for message in birth { Self.enqueue(message, now: now, in: &shared) }
        }
        observer.connectionChanged(.connected(grant))
    }

    private static func enqueue(_ message: OutboundMessage, now: Duration, in shared: inout BrokerConnection.Shared) {
        shared.queue.append(.init(ticket: shared.nextTicket, message: message, expiry: message.lifetime.map { now + $0 }))
        shared.queuedBytes += message.packetBytes
        shared.nextTicket += 1
    }

    /// Sends what the window admits; a message whose lifetime has ended is dropped.
    private mutating func flush(now: Duration) {
        let displaced = connection.shared.withLock { shared in
            defer { shared.displaced = [] }
            return shared.displaced
        }
        for ticket in displaced { observer.settled(ticket, .displaced) }
        guard isOpen else { return }
        let window = pendingGrant?.sendWindow ?? 1
        while inFlight.count < window {
            let next = connection.shared.withLock { shared -> BrokerConnection.Queued? in
                guard !shared.queue.isEmpty else { return nil }
                let next = shared.queue.removeFirst()
                shared.queuedBytes -= next.message.packetBytes
                return next
            }
            guard let next else { return }
            if let expiry = next.expiry, expiry <= now {
                connection.shared.withLock { $0.counters.expired += 1 }
                observer.settled(next.ticket, .expired)
                continue
            }
            do throws(LinkFault) {
                guard let id = try session?.publish(next.message, lifetime: next.expiry.map { $0 - now }) else { return }
                inFlight[id] = (next.ticket, now)
                connection.shared.withLock { $0.counters.sent += 1 }
            } catch {
                connection.shared.withLock { $0.counters.lost += 1 }
                observer.settled(next.ticket, .lost)
            }
        }
    }

    /// On the way out: goodbye, then DISCONNECT once the broker has it all.
    private mutating func finishIfAsked(now: Duration) {
        guard let stop = connection.shared.withLock({ $0.stop }) else { return }
        if finishBy == nil {
            finishBy = stop.deadline
            _ = supervisor.handle(.stop, now: now, using: &generator)
            guard isOpen else { return session = nil }
            connection.shared.withLock { shared in
                for message in stop.goodbye { Self.enqueue(message, now: now, in: &shared) }
            }
        } else if isOpen, !saidGoodbye, inFlight.isEmpty, connection.shared.withLock({ $0.queue.isEmpty }) {
            saidGoodbye = true
            session?.disconnect()
        }
    }
}
