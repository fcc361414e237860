// SPDX-License-Identifier: Apache-2.0
internal import Answers
package import Logging
package import Messaging
internal import Synchronization
internal import Threads
package import Wire

/// Answers the requests of devices with a full model: bounded in what it holds, and never ended by what it is sent.
///
/// The link's thread sorts requests in; each of `concurrency` threads owns a model and computes, the request that is due first and can be in time first, together with others that
/// wait where that takes less time (``WaitingRequests``). A request whose deadline has passed, or that is cancelled, is not computed; one that is cancelled meanwhile
/// gets no reply; one that arrives twice is computed once.
package final class CloudWorker: Sendable {
    package struct Settings: Sendable {
        package var link: WorkerLink.Settings
        /// Requests computed at the same time, each by a model of its own.
        package var concurrency: Int
        /// Requests that may wait besides.
        package var queue: Int

        /// `link.capacity` becomes the sum of both.
        package init(link: WorkerLink.Settings, concurrency: Int = 1, queue: Int = 16) {
            self.link = link
            self.link.capacity = concurrency + queue
            self.concurrency = concurrency
            self.queue = queue
        }
    }

    package struct Counters: Sendable, Equatable {
        package var answered: UInt64 = 0
        /// Of these computed together with others.
        package var together: UInt64 = 0
        package var busy: UInt64 = 0
        /// Not computed, since its deadline had passed, or would have.
        package var expired: UInt64 = 0
        /// Not computed, since its device needed no answer any more.
        package var cancelled: UInt64 = 0
        /// Computed, but cancelled meanwhile.
        package var inVain: UInt64 = 0
        package var badRequests: UInt64 = 0
        /// Requests for another model, other weights or other labels.
        package var otherModels: UInt64 = 0
        /// Requests that arrived again.
        package var repeated: UInt64 = 0
        package var faults: UInt64 = 0
    }

    private struct Inside {
        var cache: ReplyCache
        /// Cancellations of requests that this worker doesn't have; they may be about to come.
        var cancellations = ReplyCache(capacity: 256)
        var counters = Counters()
        /// A moving average, for the advice when to ask again.
        var inferenceTime = Duration.milliseconds(50)
    }

    private let settings: Settings
    private let log: Logger
    private let link: WorkerLink
    private let queue: RequestQueue
    private let makeModel: @Sendable () throws(ModelFault) -> any FullModel
    private let inside: Mutex<Inside>

    /// Prepares the worker; nothing runs before `start`.
    ///
    /// - Parameter makeModel: called once on each computing thread.
    package init(_ settings: Settings, boot: RequestID, log: Logger, makeModel: @escaping @Sendable () throws(ModelFault) -> any FullModel) throws(LinkFault) {
        self.settings = settings
        self.log = log
        self.makeModel = makeModel
        link = try WorkerLink(settings.link, boot: boot)
        queue = try RequestQueue(capacity: settings.queue, threads: settings.concurrency)
        inside = Mutex(Inside(cache: ReplyCache(capacity: max(512, 2 * settings.link.capacity))))
    }

    /// Loads the models, which takes its time, then connects and answers until `stop`.
    ///
    /// - Throws: where a model can't be loaded or the system has no threads.
    package func start() throws {
        for _ in 0..<settings.concurrency {
            let loading = Loading(settled: try WakeUp())
            _ = try WorkerThread("swiftlet-model") { [self] in compute(loading) }
            _ = loading.settled.wait(for: .seconds(3600))
            if let fault = loading.fault.withLock({ $0 }) { throw fault }
        }
        try link.start { [self] event in
            switch event {
            case .request(let request): sort(request)
            case .cancelled(let device, let cancellation): cancel(.init(device: device, id: cancellation.id))
            case .connected: log.notice("connected to \(settings.link.broker.host):\(settings.link.broker.port), answering for '\(settings.link.model)'")
            case .disconnected(let fault): log.warning("no broker: \(fault)")
            }
        }
    }

    /// Says goodbye and ends the threads once they are done with what they compute.
    package func stop() {
        link.stop()
        queue.close()
    }

    package var counters: Counters { inside.withLock { $0.counters } }

    package var linkCounters: WorkerLink.Counters { link.counters }

    private func sort(_ incoming: IncomingRequest) {
        let request = incoming.request
        let key = ReplyCache.Key(device: incoming.device, id: request.id)
        if let entry = inside.withLock({ $0.cache[key] }) {
            inside.withLock { $0.counters.repeated += 1 }
            if case .answered(let reply) = entry { link.reply(to: incoming, reply) }
            return
        }
        if let reason = mismatch(request) { return refuse(incoming, .noModel, reason, \.otherModels) }
        let isCancelled = inside.withLock { inside in
            let isCancelled = inside.cancellations[key] != nil
            inside.cache.enter(isCancelled ? .cancelled : .underWay, for: key)
            if isCancelled { inside.counters.cancelled += 1 }
            return isCancelled
        }
        guard !isCancelled else { return }
        let (isTaken, expired, crowdedOut) = queue.push(incoming)
        for late in expired { refuse(late) }
        for other in crowdedOut { crowdOut(other) }
        if !isTaken { refuse(incoming, .busy, "\(settings.queue) requests wait", \.busy) }
    }

    /// Why the request isn't one for this worker's model.
    private func mismatch(_ request: Request) -> String? {
        guard request.model == settings.link.model else { return "this worker has '\(settings.link.model)'" }
        guard request.task == settings.link.task else { return "the labels differ: task \(request.task) asked, \(settings.link.task) here" }
        guard case .activations(let activations) = request.payload, activations.digest != settings.link.digest else { return nil }
        let here = settings.link.digest.map { "\($0.description.prefix(16))…" } ?? "others"
        return "the board goes on from a cut of the weights \(activations.digest.description.prefix(16))…, this worker has \(here): make the board's bundle with this worker's"
    }

    private func cancel(_ key: ReplyCache.Key) {
        let wasWaiting = queue.remove(key.id, of: key.device)
        inside.withLock { inside in
            switch inside.cache[key] {
            case .underWay:
                inside.cache.enter(.cancelled, for: key)
                if wasWaiting { inside.counters.cancelled += 1 }
            case .cancelled, .answered: break
            case nil: inside.cancellations.enter(.cancelled, for: key)
            }
        }
    }

    /// Refuses a request whose time is over.
    private func refuse(_ late: IncomingRequest) {
        let waited = MonotonicClock.now() - late.arrivedAt
        refuse(late, .deadline, "waited \(waited.milliseconds) ms", \.expired, queueTime: waited)
    }

    /// Refuses one that would be of use still, and can't be done for others.
    private func crowdOut(_ incoming: IncomingRequest) {
        let waited = MonotonicClock.now() - incoming.arrivedAt
        refuse(incoming, .busy, "others came first for \(waited.milliseconds) ms", \.busy, queueTime: waited)
    }

    private func refuse(_ incoming: IncomingRequest, _ status: Reply.Status, _ reason: String, _ counter: WritableKeyPath<Counters, UInt64>, queueTime: Duration = .zero) {
        let key = ReplyCache.Key(device: incoming.device, id: incoming.request.id)
        let (isCancelled, pause) = inside.withLock { inside in
            let pause = inside.inferenceTime * (settings.queue / settings.concurrency + 1)
            inside.counters[keyPath: counter] += 1
            if case .cancelled = inside.cache[key] { return (true, pause) }
            inside.cache.forget(key)
            return (false, pause)
        }
        guard !isCancelled else { return }
        let reason = String(decoding: reason.utf8.prefix(250), as: UTF8.self)
        let reply = Reply(
            id: incoming.request.id, status: status, retryAfter: status == .busy ? min(max(pause, .milliseconds(20)), .seconds(60)) : nil, reason: reason,
            model: settings.link.model, digest: settings.link.digest, queueTime: queueTime)
        link.reply(to: incoming, reply)
    }

    /// How one thread's model came up.
    private final class Loading: Sendable {
        let settled: WakeUp
        let fault = Mutex<ModelFault?>(nil)

        init(settled: WakeUp) { self.settled = settled }
    }

    /// What a computing thread does.
    private func compute(_ loading: Loading) {
        let model: any FullModel
        do throws(ModelFault) {
            model = try makeModel()
        } catch {
            loading.fault.withLock { $0 = error }
            return loading.settled.raise()
        }
        loading.settled.raise()
        while let (requests, expired, crowdedOut) = queue.pop(atMost: model.lanes) {
            for late in expired { refuse(late) }
            for other in crowdedOut { crowdOut(other) }
            answer(requests.filter { !wasCancelled($0) }, model)
        }
    }

    /// Cancelled between the queue and here.
    private func wasCancelled(_ incoming: IncomingRequest) -> Bool {
        inside.withLock { inside in
            guard case .cancelled = inside.cache[.init(device: incoming.device, id: incoming.request.id)] else { return false }
            inside.counters.cancelled += 1
            return true
        }
    }

    private func answer(_ requests: [IncomingRequest], _ model: any FullModel) {
        guard !requests.isEmpty else { return }
        let start = MonotonicClock.now()
        let results = model.answers(to: requests.map { Question($0.request.payload) })
        let end = MonotonicClock.now()
        // What couldn't be computed says nothing of what its like take.
        let isWhole = results.allSatisfy { (try? $0.get()) != nil }
        let times = isWhole ? queue.took(end - start, for: requests.map(\.request)) : requests.map { _ in (end - start) / requests.count }
        for ((incoming, result), time) in zip(zip(requests, results), times) {
            answer(incoming, result, queueTime: end - incoming.arrivedAt - time, time: time, isAlone: requests.count == 1)
        }
    }

    /// - Parameters:
    ///   - queueTime: also while others were computed together with it.
    ///   - time: its part of the model's time.
    private func answer(_ incoming: IncomingRequest, _ result: Result<[Double], ModelFault>, queueTime: Duration, time: Duration, isAlone: Bool) {
        do throws(ModelFault) {
            let probabilities = try result.get()
            let ranked = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }.prefix(5)
            guard let best = ranked.first, probabilities.allSatisfy({ (0...1).contains($0) }) else {
                throw ModelFault(.network, "run the network", "its output is no set of probabilities")
            }
            let reply = Reply(
                id: incoming.request.id, status: .ok, model: settings.link.model, digest: settings.link.digest,
                answer: .classification(Classification(classIndex: best, confidence: probabilities[best])),
                top: ranked.map { .init(class: $0, probability: probabilities[$0]) }, queueTime: queueTime, inferenceTime: time)
            let key = ReplyCache.Key(device: incoming.device, id: incoming.request.id)
            let isWanted = inside.withLock { inside in
                inside.inferenceTime = (inside.inferenceTime * 7 + time) / 8
                if case .cancelled = inside.cache[key] {
                    inside.counters.inVain += 1
                    return false
                }
                inside.counters.answered += 1
                if !isAlone { inside.counters.together += 1 }
                inside.cache.enter(.answered(reply), for: key)
                return true
            }
            if isWanted { link.reply(to: incoming, reply) }
        } catch {
            if error.isOfRequest { return refuse(incoming, .badRequest, "\(error)", \.badRequests, queueTime: queueTime) }
            log.error("\(error)")
            refuse(incoming, .failed, "\(error)", \.faults, queueTime: queueTime)
        }
    }
}

extension Question {
    fileprivate init(_ payload: Request.Payload) {
        self =
            switch payload {
            case .image(_, _, _, let image): .image(image)
            case .activations(let sent): .activations(sent.tensors, cut: sent.cut, exit: sent.exit)
            }
    }
}
