// SPDX-License-Identifier: Apache-2.0
package import Wire

/// Which questions are under way and whether another one makes sense: the deciding part of `DeviceLink`. A value; time and replies come
/// in, what to send and to tell comes out. Every question that is taken ends exactly once, as answered or unanswered.
package struct AskingState: Sendable {
    package struct Settings: Sendable {
        /// How many questions may be under way.
        package var maximumInFlight = 2
        package var breaker = Breaker.Settings()

        package init() {}
    }

    package enum Action: Sendable {
        /// Send it; on failure call `failedToSend`.
        case send(Request)
        /// Tell the workers; where there is no connection, nobody.
        case cancel(Cancellation)
        case tell(LinkEvent)
    }

    private enum Pool: Equatable {
        case unknown
        case online(PoolState, until: Duration)
        case offline(String)
    }

    private struct Pending {
        var id: RequestID
        var frame: UInt64
        var deadline: Duration
        var isProbe: Bool
        var hasActivations: Bool
        var sending: Sending
    }

    /// A question that ended.
    private struct Ended {
        var id: RequestID
        var frame: UInt64
        /// `nil` where no reply is to come any more.
        var sending: Sending?
    }

    /// A question on the connection.
    private struct Sending {
        var bytes: Int
        var sentAt: Duration
        /// About when the connection had sent what was ahead; `sentAt` where nothing was.
        var startedAt: Duration
        /// When the broker's word came of the last one that was sent before it, while this one was under way; and of itself.
        var followedAt: Duration?
        var deliveredAt: Duration?

        func transfer(_ reply: Reply, now: Duration) -> Transfer {
            let occupied = followedAt.flatMap { followedAt in deliveredAt.map { $0 - followedAt } }
            return Transfer(
                bytes: bytes, roundTrip: now - sentAt, behind: startedAt - sentAt, occupied: occupied.flatMap { $0 > .zero ? $0 : nil }, queue: reply.queueTime,
                inference: reply.inferenceTime)
        }
    }

    private let settings: Settings
    private var fault: LinkFault? = LinkFault(.notStarted, "connect", "not tried yet")
    private var pool = Pool.unknown
    private var inFlight: [Pending] = []
    private var waiting: (request: Request, deadline: Duration)?
    /// The last questions that ended.
    private var ended: [Ended] = []
    private var pausedUntil = Duration.zero
    /// The fewest bytes that the broker wouldn't take on this connection.
    private var undeliverable: Int?
    /// How many images in a row the workers couldn't use, with no answer between them.
    private var rejected = 0
    /// Until then answers prove that somebody is there, whatever the pool's state says or doesn't.
    private var provenUntil = Duration.zero
    private var nextUnknownProbe = Duration.zero
    private var mode = LinkMode(.autonomous, "not started")
    package private(set) var breaker: Breaker
    /// What is left of the newest round trips over this connection without the worker: the way, and waiting for questions sent before.
    private var ways = RoundTrip(window: 8)
    /// There and back for short messages, to the broker only, since the connection began.
    private var acknowledgements = RoundTrip()
    package var counters = LinkCounters()

    private static let memory = 256
    /// After so many images in a row that the workers can't use they are left alone for a while.
    private static let mostRejected = 3
    private static let rejectionPause = Duration.seconds(60)

    package init(settings: Settings = Settings()) {
        self.settings = settings
        breaker = Breaker(settings: settings.breaker)
    }

    /// The mode as last told.
    package var currentMode: LinkMode { mode }

    /// Takes the question, or says why not. A full house keeps the newest question waiting; the one that waited ends as superseded.
    package mutating func ask(_ request: Request, now: Duration) -> (refusal: Refusal?, actions: [Action]) {
        counters.asked += 1
        if let refusal = refusal(of: request, now: now) {
            counters.refused[refusal, default: 0] += 1
            return (refusal, [])
        }
        guard inFlight.count >= settings.maximumInFlight else { return (nil, [send(request, deadline: now + request.deadline, now: now)]) }
        var actions: [Action] = []
        if let old = waiting { actions.append(end(old.request.id, old.request.frame, .superseded)) }
        waiting = (request, now + request.deadline)
        return (nil, actions)
    }

    /// Why any such request would be refused; `nil` where that depends on what it asks.
    package func hindrance(task: DigestText, bytes: Int, now: Duration) -> Refusal? {
        guard fault == nil else { return .disconnected }
        if now < pausedUntil { return .busy }
        if case .offline = pool { return .poolOffline }
        if !breaker.admits(now: now).admitted { return .breakerOpen }
        if let undeliverable, bytes >= undeliverable { return .tooLarge }
        guard case .online(let state, let until) = pool, now < until else { return nil }
        if state.task != task { return .otherTask }
        return bytes + Request.maximumHeaderBytes / 16 > state.maximumBytes ? .tooLarge : nil
    }

    private func refusal(of request: Request, now: Duration) -> Refusal? {
        if let hindrance = hindrance(task: request.task, bytes: request.payload.bytes.count, now: now) { return hindrance }
        switch pool {
        case .online(let state, let until) where now < until:
            if case .activations(let activations) = request.payload, let digest = state.digest, digest != activations.digest { return .otherModel }
        case .online, .unknown:
            if now >= provenUntil && (now < nextUnknownProbe || !inFlight.isEmpty) && breaker.state == .closed { return .poolUnknown }
        case .offline: break
        }
        return nil
    }

    private func isPoolKnown(now: Duration) -> Bool {
        if case .online(_, let until) = pool, now < until { return true }
        return now < provenUntil
    }

    private mutating func send(_ request: Request, deadline: Duration, now: Duration) -> Action {
        let isProbe = breaker.state != .closed || !isPoolKnown(now: now)
        if isProbe {
            counters.probes += 1
            nextUnknownProbe = now + settings.breaker.interval
        }
        breaker.began(isProbe: isProbe)
        let hasActivations = if case .activations = request.payload { true } else { false }
        inFlight.append(
            .init(
                id: request.id, frame: request.frame, deadline: deadline, isProbe: isProbe, hasActivations: hasActivations,
                sending: Sending(bytes: request.payload.bytes.count, sentAt: now, startedAt: now)))
        counters.sent += 1
        var request = request
        // What it has waited here, and what the way takes as a rule, are no time of the worker's.
        let lead = request.deadline - (deadline - now) + (ways.quantile(0.5) ?? .zero)
        request.deadline = deadline - now
        request.due = request.due.map { min(max($0 - lead, .zero), request.deadline) }
        return .send(request)
    }

    /// The network layer didn't take what `send` asked for.
    package mutating func failedToSend(_ id: RequestID, as failure: Failure, now: Duration) -> [Action] {
        guard let index = inFlight.firstIndex(where: { $0.id == id }) else { return [] }
        let pending = inFlight.remove(at: index)
        if pending.isProbe { breaker.abandonedProbe(now: now) }
        return [end(id, pending.frame, failure)] + next(now: now)
    }

    /// The broker takes no request of so many bytes.
    package mutating func exceedsPacket(bytes: Int) { undeliverable = min(undeliverable ?? bytes, bytes) }

    /// The broker has acknowledged a message that is short enough to say how long its word takes.
    package mutating func acknowledged(after time: Duration) { acknowledgements.add(time) }

    /// The broker has acknowledged the question, which may have ended meanwhile: those sent after it have had the connection since that word set out for here.
    package mutating func delivered(_ id: RequestID, now: Duration) {
        let delivered = inFlight.first { $0.id == id }?.sending ?? ended.first { $0.id == id }?.sending
        guard let delivered else { return }
        let gone = now - (acknowledgements.quantile(0) ?? .zero)
        for index in inFlight.indices {
            if inFlight[index].id == id { inFlight[index].sending.deliveredAt = now }
            guard inFlight[index].sending.sentAt > delivered.sentAt, inFlight[index].sending.deliveredAt == nil else { continue }
            let isBehind = inFlight[index].sending.startedAt < gone
            inFlight[index].sending.startedAt = max(inFlight[index].sending.startedAt, gone)
            if isBehind { inFlight[index].sending.followedAt = now }
        }
    }

    /// The broker took the question, but no worker was there to hear it.
    package mutating func unheard(_ id: RequestID, now: Duration) -> [Action] {
        guard let index = inFlight.firstIndex(where: { $0.id == id }) else { return [] }
        return fail(inFlight.remove(at: index), .unheard, now: now) + next(now: now)
    }

    /// Nobody needs an answer about `frame` any more: what waits or is under way about it ends as cancelled, and a reply that comes all the same is late.
    package mutating func cancel(frame: UInt64, now: Duration) -> [Action] {
        var actions: [Action] = []
        if let old = waiting, old.request.frame == frame {
            waiting = nil
            actions.append(end(old.request.id, frame, .cancelled))
        }
        while let index = inFlight.firstIndex(where: { $0.frame == frame }) {
            let pending = inFlight.remove(at: index)
            if pending.isProbe { breaker.abandonedProbe(now: now) }
            actions += [.cancel(Cancellation(id: pending.id, frame: frame)), end(pending.id, frame, .cancelled, sending: pending.sending)]
        }
        return actions.isEmpty ? [] : actions + next(now: now)
    }

    package mutating func received(_ reply: Reply, now: Duration) -> [Action] {
        guard let index = inFlight.firstIndex(where: { $0.id == reply.id }) else { return receivedUnasked(reply, now: now) }
        let pending = inFlight.remove(at: index)
        let transfer = pending.sending.transfer(reply, now: now)
        note(transfer)
        guard now < pending.deadline else {
            let late = LinkEvent.late(frame: pending.frame, reply, transfer)
            return fail(pending, .expired, now: now) + [.tell(late)] + next(now: now)
        }
        var actions: [Action] = []
        switch reply.status {
        case .ok:
            remember(reply.id, pending.frame)
            counters.answered += 1
            breaker.succeeded()
            rejected = 0
            provenUntil = now + PoolState.lifetime
            actions.append(.tell(.answered(id: reply.id, frame: pending.frame, reply, transfer)))
        case .busy:
            // The worker is alive, so the breaker has no say; it asks for a pause.
            pausedUntil = max(pausedUntil, now + min(reply.retryAfter ?? .milliseconds(500), .seconds(60)))
            if pending.isProbe { breaker.abandonedProbe(now: now) }
            actions.append(end(reply.id, pending.frame, .status(reply.status), waited: transfer.queue))
        case .badRequest, .tooLarge:
            // This one image is at fault, not the worker; or what this board sends is nothing for these workers.
            if pending.isProbe { breaker.succeeded() }
            if !pending.hasActivations { rejected += 1 }
            if rejected >= Self.mostRejected { pausedUntil = max(pausedUntil, now + Self.rejectionPause) }
            actions.append(end(reply.id, pending.frame, .status(reply.status), waited: transfer.queue))
        case .noModel where pending.hasActivations:
            // The cut may be one of another model; the frame itself can still be asked about.
            if pending.isProbe { breaker.succeeded() }
            actions.append(end(reply.id, pending.frame, .status(reply.status), waited: transfer.queue))
        default:
            actions += fail(pending, .status(reply.status), waited: transfer.queue, now: now)
        }
        return actions + next(now: now)
    }

    /// Every reply tells the way, also one that comes too late, or that is a refusal.
    private mutating func note(_ transfer: Transfer) { ways.add(max(.zero, transfer.roundTrip - transfer.queue - transfer.inference)) }

    private mutating func receivedUnasked(_ reply: Reply, now: Duration) -> [Action] {
        guard let index = ended.firstIndex(where: { $0.id == reply.id }) else {
            counters.unknown += 1
            return []
        }
        guard let sending = ended[index].sending else {
            counters.duplicate += 1
            return []
        }
        ended[index].sending = nil
        counters.late += 1
        // Somebody is alive, only slow: no need to wait for the next probe's time.
        if reply.status == .ok { breaker.encourage(now: now) }
        let transfer = sending.transfer(reply, now: now)
        note(transfer)
        return [.tell(.late(frame: ended[index].frame, reply, transfer))]
    }

    package mutating func received(_ state: PoolState, lifetime: Duration?, now: Duration) -> [Action] {
        if state.online {
            if case .online = pool {} else { breaker.encourage(now: now) }
            pool = .online(state, until: now + min(lifetime ?? PoolState.lifetime, PoolState.lifetime))
        } else {
            pool = .offline("worker \(state.worker) said goodbye")
            provenUntil = .zero
        }
        return updatedMode(now: now)
    }

    /// A worker's status arrived; only the one that spoke for the pool counts.
    package mutating func received(_ availability: Availability, of worker: ClientID, now: Duration) -> [Action] {
        guard case .online(let state, _) = pool, state.worker == worker, availability.state != .online else { return [] }
        pool = .offline("worker \(worker) is \(availability.state.rawValue)")
        provenUntil = .zero
        return updatedMode(now: now)
    }

    package mutating func connected(now: Duration) -> [Action] {
        fault = nil
        nextUnknownProbe = now
        return updatedMode(now: now)
    }

    /// Without a broker all that was under way ends now.
    package mutating func disconnected(_ fault: LinkFault, now: Duration) -> [Action] {
        self.fault = fault
        acknowledgements = RoundTrip()
        ways = RoundTrip(window: 8)
        pool = .unknown
        provenUntil = .zero
        pausedUntil = .zero
        undeliverable = nil
        rejected = 0
        var actions: [Action] = []
        for pending in inFlight {
            if pending.isProbe { breaker.abandonedProbe(now: now) }
            actions.append(end(pending.id, pending.frame, .disconnected, sending: pending.sending))
        }
        inFlight = []
        if let old = waiting { actions.append(end(old.request.id, old.request.frame, .disconnected)) }
        waiting = nil
        return actions + updatedMode(now: now)
    }

    /// Time has passed: questions expire, and the one that waits may go.
    package mutating func tick(now: Duration) -> [Action] {
        var actions: [Action] = []
        let expired = inFlight.filter { $0.deadline <= now }
        inFlight.removeAll { $0.deadline <= now }
        for pending in expired { actions += fail(pending, .expired, sending: pending.sending, now: now) }
        if let old = waiting, old.deadline <= now {
            waiting = nil
            actions.append(end(old.request.id, old.request.frame, .expired))
        }
        return actions + next(now: now)
    }

    /// When `tick` is next due.
    package var nextDeadline: Duration? {
        var deadlines = inFlight.map(\.deadline)
        if let waiting { deadlines.append(waiting.deadline) }
        if case .online(_, let until) = pool { deadlines.append(until) }
        return deadlines.min()
    }

    /// - Parameters:
    ///   - sending: where a reply may still come, as a late one.
    ///   - waited: at the worker that has refused it.
    private mutating func fail(_ pending: Pending, _ failure: Failure, sending: Sending? = nil, waited: Duration? = nil, now: Duration) -> [Action] {
        breaker.failed(now: now, wasProbe: pending.isProbe)
        provenUntil = .zero
        return [end(pending.id, pending.frame, failure, sending: sending, waited: waited)]
    }

    private mutating func end(_ id: RequestID, _ frame: UInt64, _ failure: Failure, sending: Sending? = nil, waited: Duration? = nil) -> Action {
        remember(id, frame, sending: sending)
        counters.failed[failure, default: 0] += 1
        return .tell(.unanswered(id: id, frame: frame, failure, waited: waited))
    }

    private mutating func remember(_ id: RequestID, _ frame: UInt64, sending: Sending? = nil) {
        if ended.count >= Self.memory { ended.removeFirst(Self.memory / 4) }
        ended.append(Ended(id: id, frame: frame, sending: sending))
    }

    /// Sends what waits, where there is room and reason, and tells a changed mode.
    private mutating func next(now: Duration) -> [Action] {
        if case .online(_, let until) = pool, until <= now { pool = .unknown }
        var actions: [Action] = []
        if inFlight.count < settings.maximumInFlight, let (request, deadline) = waiting, deadline > now {
            waiting = nil
            if let refusal = refusal(of: request, now: now) {
                actions.append(end(request.id, request.frame, refusal == .disconnected ? .disconnected : .undeliverable))
            } else {
                actions.append(send(request, deadline: deadline, now: now))
            }
        }
        return actions + updatedMode(now: now)
    }

    private mutating func updatedMode(now: Duration) -> [Action] {
        let current: LinkMode =
            if let fault {
                LinkMode(.autonomous, fault.description)
            } else if case .offline(let reason) = pool {
                LinkMode(.degraded, reason)
            } else if breaker.state != .closed {
                LinkMode(.degraded, "the breaker is open: no answers in time")
            } else if !isPoolKnown(now: now) {
                LinkMode(.degraded, "nothing is known of the workers")
            } else {
                LinkMode(.connected, "workers answer")
            }
        guard current != mode else { return [] }
        mode = current
        return [.tell(.mode(current))]
    }
}
