// SPDX-License-Identifier: Apache-2.0
internal import Answers
package import Logging
package import Messaging
internal import Synchronization
internal import Threads
package import Wire

/// Answers the requests of devices with a full model: bounded in what it holds, and never ended by what it is sent.
///
/// The link's thread sorts requests in; each of `concurrency` threads owns a model and computes. A request whose deadline has passed is
/// not computed; one that arrives twice is computed once.
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
        package var busy: UInt64 = 0
        package var expired: UInt64 = 0
        package var badRequests: UInt64 = 0
        package var otherModels: UInt64 = 0
        /// Requests that arrived again.
        package var repeated: UInt64 = 0
        package var faults: UInt64 = 0
    }

    private struct Inside {
        var cache: ReplyCache
        var counters = Counters()
        /// A moving average, for the advice when to ask again.
        var inferenceTime = Duration.milliseconds(50)
    }

    private let settings: Settings
    private let log: Logger
    private let link: WorkerLink
    private let queue: JobQueue<IncomingRequest>
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
        queue = try JobQueue(capacity: settings.queue)
        inside = Mutex(Inside(cache: ReplyCache(capacity: 512)))
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
            case .cancelled: break
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
        guard request.model == settings.link.model else {
            return refuse(incoming, .noModel, "this worker has '\(settings.link.model)'", \.otherModels)
        }
        guard request.task == settings.link.task else {
            return refuse(incoming, .noModel, "the labels differ: task \(request.task) asked, \(settings.link.task) here", \.otherModels)
        }
        inside.withLock { $0.cache.enter(.underWay, for: key) }
        guard queue.push(incoming) else {
            let pause = inside.withLock { inside in
                inside.cache.forget(key)
                inside.counters.busy += 1
                return inside.inferenceTime * (settings.queue / settings.concurrency + 1)
            }
            let reply = Reply(
                id: request.id, status: .busy, retryAfter: min(max(pause, .milliseconds(20)), .seconds(60)),
                reason: "\(settings.queue) requests wait", model: settings.link.model)
            return link.reply(to: incoming, reply)
        }
    }

    private func refuse(_ incoming: IncomingRequest, _ status: Reply.Status, _ reason: String, _ counter: WritableKeyPath<Counters, UInt64>, queueTime: Duration = .zero) {
        inside.withLock { inside in
            inside.counters[keyPath: counter] += 1
            inside.cache.forget(.init(device: incoming.device, id: incoming.request.id))
        }
        let reason = String(decoding: reason.utf8.prefix(250), as: UTF8.self)
        link.reply(
            to: incoming, Reply(id: incoming.request.id, status: status, reason: reason, model: settings.link.model, digest: settings.link.digest, queueTime: queueTime))
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
        while let incoming = queue.pop() { answer(incoming, model) }
    }

    private func answer(_ incoming: IncomingRequest, _ model: any FullModel) {
        let start = MonotonicClock.now()
        let queueTime = start - incoming.arrivedAt
        guard start < incoming.deadline else {
            return refuse(incoming, .deadline, "waited \(queueTime.milliseconds) ms", \.expired, queueTime: queueTime)
        }
        do throws(ModelFault) {
            guard case .image(_, _, _, let image) = incoming.request.payload else {
                return refuse(incoming, .noModel, "this worker takes images, no activations", \.otherModels, queueTime: queueTime)
            }
            let probabilities = try model.probabilities(of: image)
            let time = MonotonicClock.now() - start
            let ranked = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }.prefix(5)
            guard let best = ranked.first, probabilities.allSatisfy({ (0...1).contains($0) }) else {
                throw ModelFault(.network, "run the network", "its output is no set of probabilities")
            }
            let reply = Reply(
                id: incoming.request.id, status: .ok, model: settings.link.model, digest: settings.link.digest,
                answer: .classification(Classification(classIndex: best, confidence: probabilities[best])),
                top: ranked.map { .init(class: $0, probability: probabilities[$0]) }, queueTime: queueTime, inferenceTime: time)
            inside.withLock { inside in
                inside.counters.answered += 1
                inside.inferenceTime = (inside.inferenceTime * 7 + time) / 8
                inside.cache.enter(.answered(reply), for: .init(device: incoming.device, id: incoming.request.id))
            }
            link.reply(to: incoming, reply)
        } catch {
            if error.code == .image { return refuse(incoming, .badRequest, "\(error)", \.badRequests, queueTime: queueTime) }
            log.error("\(error)")
            refuse(incoming, .failed, "\(error)", \.faults, queueTime: queueTime)
        }
    }
}
