// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// The shell around a device link's `AskingState`: one lock, the connection's observer, and the owner's listener.
final class DeviceDesk: ConnectionObserver {
    private struct Inside {
        var asking: AskingState
        var listener: (@Sendable (LinkEvent) -> Void)?
        /// What the listener hasn't heard yet.
        var untold: [LinkEvent] = []
        var isTelling = false
        var reported: [UInt8]?
        var session: UInt64 = 0
        /// Of the last connection.
        var interface: NetworkInterface?
        /// What each ticket stands for.
        var tickets: [UInt64: Ticket] = [:]

        /// What the caller is to tell now; `nil` where there is nothing, or another thread is at it.
        mutating func takeUntold(isTelling isMine: Bool) -> (events: [LinkEvent], listener: (@Sendable (LinkEvent) -> Void)?)? {
            guard isTelling == isMine else { return nil }
            isTelling = !untold.isEmpty
            defer { untold = [] }
            return isTelling ? (untold, listener) : nil
        }
    }

    private struct Ticket {
        /// Of the question that it carries.
        var id: RequestID?
        var sentAt: Duration
        /// Whether it takes no time to send worth mentioning.
        var isShort: Bool
    }

    private let settings: DeviceLink.Settings
    private let boot: RequestID
    private let connection: BrokerConnection
    private let inside: Mutex<Inside>

    init(settings: DeviceLink.Settings, boot: RequestID, connection: BrokerConnection) {
        self.settings = settings
        self.boot = boot
        self.connection = connection
        inside = Mutex(Inside(asking: AskingState(settings: settings.asking)))
    }

    func listen(_ listener: @escaping @Sendable (LinkEvent) -> Void) { inside.withLock { $0.listener = listener } }

    func withState<Result>(_ body: (borrowing AskingState) -> Result) -> Result { inside.withLock { body($0.asking) } }

    func ask(_ question: DeviceLink.Question) -> Refusal? {
        let request = Request(
            id: question.id, model: settings.model, task: question.task, frame: question.frame, deadline: question.deadline, due: question.due,
            gate: question.gate, payload: question.payload)
        let now = MonotonicClock.now()
        let refusal = inside.withLock { inside -> Refusal? in
            guard (1...600_000).contains(request.deadline.milliseconds), (try? request.payload.check()) != nil else {
                inside.asking.counters.asked += 1
                inside.asking.counters.refused[.invalid, default: 0] += 1
                return .invalid
            }
            let (refusal, actions) = inside.asking.ask(request, now: now)
            perform(actions, now: now, in: &inside)
            return refusal
        }
        tell()
        if refusal == nil { connection.wake() }
        return refusal
    }

    func cancel(frame: UInt64) {
        let now = MonotonicClock.now()
        update { $0.asking.cancel(frame: frame, now: now) }
        connection.wake()
    }

    func publish(_ message: OutboundMessage) -> Bool {
        inside.withLock { inside in
            do throws(BrokerConnection.Refusal) {
                try publish(message, carrying: nil, in: &inside)
                return true
            } catch {
                inside.asking.counters.unpublished += 1
                return false
            }
        }
    }

    /// Under the lock, so that nothing is settled before it's known.
    private func publish(_ message: OutboundMessage, carrying id: RequestID?, in inside: inout Inside) throws(BrokerConnection.Refusal) {
        let ticket = try connection.publish(message)
        guard message.quality == .atLeastOnce else { return }
        inside.tickets[ticket] = Ticket(id: id, sentAt: MonotonicClock.now(), isShort: message.packetBytes <= 2048)
    }

    func report(_ json: [UInt8]) {
        inside.withLock { $0.reported = json }
        _ = publish(reportedMessage(json))
    }

    private func reportedMessage(_ json: [UInt8]) -> OutboundMessage {
        OutboundMessage(topic: Topic.reported(settings.device).description, payload: json, quality: .atLeastOnce, isRetained: true)
    }

    /// What is said before a clean end.
    func goodbye() -> [OutboundMessage] {
        let session = inside.withLock { $0.session }
        return status(.stopped, session: session).map { [$0] } ?? []
    }

    private func status(_ state: Availability.State, session: UInt64) -> OutboundMessage? {
        guard let payload = try? Availability(state: state, session: session, boot: boot, agent: settings.agent).encoded() else { return nil }
        return OutboundMessage(topic: Topic.deviceStatus(settings.device).description, payload: payload, quality: .atLeastOnce, isRetained: true)
    }

    func will(session: UInt64) -> OutboundMessage? { status(.offline, session: session) }

    func birth(session: UInt64) -> [OutboundMessage] {
        let reported = inside.withLock { inside in
            inside.session = session
            return inside.reported
        }
        return [status(.online, session: session), reported.map(reportedMessage)].compactMap { $0 }
    }

    func connectionChanged(_ state: ConnectionState) {
        let now = MonotonicClock.now()
        update { inside in
            switch state {
            case .connected(let grant):
                inside.interface = grant.interface
                return inside.asking.connected(now: now)
            case .disconnected(let fault, _): return inside.asking.disconnected(fault, now: now)
            }
        }
    }

    var interface: NetworkInterface? { inside.withLock { $0.interface } }

    func received(_ message: InboundMessage) {
        let now = MonotonicClock.now()
        update { inside in
            do throws(WireError) {
                switch Topic(message.topic) {
                case .replies(settings.device):
                    let reply = try Reply(decoding: message.payload)
                    if reply.model == settings.model { return inside.asking.received(reply, now: now) }
                    inside.asking.counters.misdirected += 1
                case .poolState(settings.model):
                    return inside.asking.received(try PoolState(decoding: message.payload), lifetime: message.lifetime, now: now)
                case .workerStatus(let worker):
                    return inside.asking.received(try Availability(decoding: message.payload), of: worker, now: now)
                case .deviceStatus(settings.device):
                    let said = try Availability(decoding: message.payload)
                    correct(said, session: inside.session)
                default: inside.asking.counters.misdirected += 1
                }
            } catch {
                inside.asking.counters.damaged += 1
            }
            return []
        }
    }

    /// A late will must not stand: told that we are offline while connected, we say otherwise.
    private func correct(_ said: Availability, session: UInt64) {
        guard said.state == .offline, let status = status(.online, session: session) else { return }
        _ = try? connection.publish(status)
    }

    func settled(_ ticket: UInt64, _ delivery: Delivery) {
        let now = MonotonicClock.now()
        update { inside in
            let known = inside.tickets.removeValue(forKey: ticket)
            let id = known?.id
            if let known, known.isShort, delivery == .delivered || delivery == .unheard { inside.asking.acknowledged(after: now - known.sentAt) }
            switch delivery {
            case .delivered:
                if let id { inside.asking.delivered(id, now: now) }
                return []
            case .unheard: return id.map { inside.asking.unheard($0, now: now) } ?? []
            case .refused, .expired, .displaced, .lost:
                guard let id else {
                    inside.asking.counters.unpublished += 1
                    return []
                }
                return inside.asking.failedToSend(id, as: delivery == .lost ? .disconnected : .undeliverable, now: now)
            }
        }
    }

    func tick(now: Duration) -> Duration? {
        update { $0.asking.tick(now: now) }
        return inside.withLock { $0.asking.nextDeadline }
    }

    private func update(_ body: (inout Inside) -> [AskingState.Action]) {
        let now = MonotonicClock.now()
        inside.withLock { inside in
            let actions = body(&inside)
            perform(actions, now: now, in: &inside)
        }
        tell()
    }

    /// Sends what is to be sent; a question that can't be sent ends here.
    private func perform(_ actions: [AskingState.Action], now: Duration, in inside: inout Inside) {
        var actions = actions[...]
        while let action = actions.popFirst() {
            switch action {
            case .tell(let event): inside.untold.append(event)
            case .cancel(let cancellation): send(cancellation)
            case .send(let request):
                if let failure = send(request, in: &inside) {
                    actions += inside.asking.failedToSend(request.id, as: failure, now: now)
                }
            }
        }
    }

    /// Nothing keeps it for later: without a connection no worker has the request any more, or can hear that it is cancelled.
    private func send(_ cancellation: Cancellation) {
        guard let payload = try? cancellation.encoded() else { return }
        let topic = Topic.cancel(settings.device, settings.model).description
        _ = try? connection.publish(OutboundMessage(topic: topic, payload: payload, quality: .atMostOnce, lifetime: .seconds(10)))
    }

    private func send(_ request: Request, in inside: inout Inside) -> Failure? {
        guard let payload = try? request.encoded() else { return .undeliverable }
        var message = OutboundMessage(
            topic: Topic.request(settings.device, settings.model).description, payload: payload, quality: .atLeastOnce,
            lifetime: request.deadline)
        message.responseTopic = Topic.replies(settings.device).description
        message.correlation = request.id.bytes
        do throws(BrokerConnection.Refusal) {
            try publish(message, carrying: request.id, in: &inside)
            return nil
        } catch {
            if error == .disconnected { return .disconnected }
            inside.asking.exceedsPacket(bytes: request.payload.bytes.count)
            return .undeliverable
        }
    }

    /// In the order in which it came about, on whichever threads: one tells at a time, also what others have to tell meanwhile. A mode that was told after the one
    /// that followed it would stand for good.
    private func tell() {
        var isMine = false
        while let (events, listener) = inside.withLock({ $0.takeUntold(isTelling: isMine) }) {
            isMine = true
            for event in events { listener?(event) }
        }
    }
}
