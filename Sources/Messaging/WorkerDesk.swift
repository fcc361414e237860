// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// The shell of a worker link: decodes requests, keeps the pool's state true, sends replies.
final class WorkerDesk: ConnectionObserver {
    private struct Inside {
        var listener: (@Sendable (WorkerLink.Event) -> Void)?
        var session: UInt64 = 0
        var isConnected = false
        var nextPoolState = Duration.zero
        var speaker: ClientID?
        var counters = WorkerLink.Counters()
    }

    private let settings: WorkerLink.Settings
    private let boot: RequestID
    private let connection: BrokerConnection
    private let inside = Mutex(Inside())

    init(settings: WorkerLink.Settings, boot: RequestID, connection: BrokerConnection) {
        self.settings = settings
        self.boot = boot
        self.connection = connection
    }

    func listen(_ listener: @escaping @Sendable (WorkerLink.Event) -> Void) { inside.withLock { $0.listener = listener } }

    var counters: WorkerLink.Counters { inside.withLock { $0.counters } }

    func reply(to device: ClientID, _ reply: Reply, lifetime: Duration) {
        var isSent = false
        if let payload = try? reply.encoded() {
            var message = OutboundMessage(topic: Topic.replies(device).description, payload: payload, quality: .atLeastOnce, lifetime: lifetime)
            message.correlation = reply.id.bytes
            isSent = (try? connection.publish(message)) != nil
        }
        inside.withLock { inside in
            if isSent { inside.counters.replies += 1 } else { inside.counters.unsent += 1 }
        }
    }

    func goodbye() -> [OutboundMessage] {
        let (session, isSpeaker) = inside.withLock { ($0.session, $0.speaker == settings.worker) }
        // When another worker spoke last, the pool goes on without us.
        return [isSpeaker ? poolState(online: false) : nil, status(.stopped, session: session)].compactMap { $0 }
    }

    private func status(_ state: Availability.State, session: UInt64) -> OutboundMessage? {
        guard let payload = try? Availability(state: state, session: session, boot: boot, agent: settings.agent).encoded() else { return nil }
        return OutboundMessage(
            topic: Topic.workerStatus(settings.worker).description, payload: payload, quality: .atLeastOnce, isRetained: true)
    }

    private func poolState(online: Bool) -> OutboundMessage? {
        let state = PoolState(
            online: online, worker: settings.worker, task: settings.task, digest: settings.digest, capacity: settings.capacity,
            maximumBytes: Request.maximumPayloadBytes)
        guard let payload = try? state.encoded() else { return nil }
        return OutboundMessage(
            topic: Topic.poolState(settings.model).description, payload: payload, quality: .atLeastOnce, isRetained: true,
            lifetime: PoolState.lifetime)
    }

    func will(session: UInt64) -> OutboundMessage? { status(.offline, session: session) }

    func birth(session: UInt64) -> [OutboundMessage] {
        inside.withLock { inside in
            inside.session = session
            inside.nextPoolState = MonotonicClock.now() + PoolState.period
        }
        return [status(.online, session: session), poolState(online: true)].compactMap { $0 }
    }

    func connectionChanged(_ state: ConnectionState) {
        let listener = inside.withLock { inside in
            if case .connected = state { inside.isConnected = true } else { inside.isConnected = false }
            return inside.listener
        }
        switch state {
        case .connected: listener?(.connected)
        case .disconnected(let fault, _): listener?(.disconnected(fault))
        }
    }

    func received(_ message: InboundMessage) {
        let now = MonotonicClock.now()
        switch Topic(message.topic) {
        case .request(let device, settings.model): receivedRequest(message, from: device, now: now)
        case .cancel(let device, settings.model):
            guard let cancellation = try? Cancellation(decoding: message.payload) else { return countDamage() }
            let listener = inside.withLock { inside in
                inside.counters.cancellations += 1
                return inside.listener
            }
            listener?(.cancelled(device, cancellation))
        case .poolState(settings.model):
            guard let state = try? PoolState(decoding: message.payload) else { return countDamage() }
            // The pool isn't offline while we are here.
            inside.withLock { inside in
                inside.speaker = state.worker
                if !state.online { inside.nextPoolState = min(inside.nextPoolState, now) }
            }
        case .workerStatus(let worker):
            guard let status = try? Availability(decoding: message.payload) else { return countDamage() }
            // Whoever spoke for the pool is gone; we speak for it now. A late will of our own must not stand either.
            inside.withLock { inside in
                if status.state != .online, inside.speaker == worker { inside.nextPoolState = min(inside.nextPoolState, now) }
            }
            if worker == settings.worker, status.state == .offline, let birth = self.status(.online, session: inside.withLock { $0.session }) {
                _ = try? connection.publish(birth)
            }
        default: countDamage()
        }
    }

    private func receivedRequest(_ message: InboundMessage, from device: ClientID, now: Duration) {
        do throws(WireError) {
            let request = try Request(decoding: message.payload)
            let lifetime = min(request.deadline, message.lifetime ?? request.deadline)
            // What a broker held back while nobody was there to take it; it counts whole seconds.
            let held = request.deadline - lifetime >= .seconds(1) ? request.deadline - lifetime : .zero
            let listener = inside.withLock { inside in
                inside.counters.requests += 1
                return inside.listener
            }
            listener?(
                .request(IncomingRequest(device: device, request: request, arrivedAt: now, deadline: now + lifetime, due: request.due.map { now + max($0 - held, .zero) })))
        } catch {
            countDamage()
            guard let correlation = message.correlation, let id = RequestID(bytes: correlation) else { return }
            let status: Reply.Status = error.code == .tooLarge ? .tooLarge : .badRequest
            let reason = String(decoding: error.description.utf8.prefix(200), as: UTF8.self)
            reply(to: device, Reply(id: id, status: status, reason: reason, model: settings.model), lifetime: .seconds(10))
        }
    }

    private func countDamage() { inside.withLock { $0.counters.damaged += 1 } }

    func settled(_ ticket: UInt64, _ delivery: Delivery) {}

    func tick(now: Duration) -> Duration? {
        let isDue = inside.withLock { inside in
            guard inside.isConnected, now >= inside.nextPoolState else { return false }
            inside.nextPoolState = now + PoolState.period
            return true
        }
        if isDue, let message = poolState(online: true) { _ = try? connection.publish(message) }
        return inside.withLock { $0.isConnected ? $0.nextPoolState : nil }
    }
}
