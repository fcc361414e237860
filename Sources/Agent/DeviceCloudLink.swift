// SPDX-License-Identifier: Apache-2.0
internal import Answers
internal import Gating
internal import Images
internal import Messaging
package import Settings
internal import Synchronization
package import Tensors
internal import Wire

/// The cloud over MQTT: compresses images, asks through a `DeviceLink`, translates its events.
package final class DeviceCloudLink: CloudLink {
    private let link: DeviceLink
    private let task: DigestText
    private let form: UploadForm
    private let clock: AgentClock
    /// Until then nothing is compressed, since the last image was refused.
    private let quietUntil = Mutex(Duration.zero)

    private static let quiet = "refused a moment ago"
    /// So long after a refusal the link isn't asked again, which spares the board the compression while nobody can answer.
    private static let quietTime = Duration.milliseconds(100)

    /// Prepares the connection; nothing is sent before `start`.
    ///
    /// - Parameters:
    ///   - task: SHA-256 of the label list, hexadecimal.
    ///   - form: of the images that are sent.
    ///   - agent: program and version, for the status topic.
    package init(_ settings: AgentSettings, task: String, form: UploadForm = .standard, agent: String, clock: AgentClock = .system) throws(AgentError) {
        guard let device = ClientID(settings.device), let model = ModelName(settings.recovery.model), let task = DigestText(task) else {
            throw AgentError(.configuration, "connect to \(settings.broker.host)", "the device or model name has a form that topics can't hold")
        }
        var linkSettings = DeviceLink.Settings(device: device, model: model, broker: BrokerOptions(settings.broker), agent: agent)
        // And one audit, or probe.
        linkSettings.asking.maximumInFlight = max(settings.mostQuestions(followsPlan: true), settings.recovery.maximumInFlight) + 1
        var random = SystemRandomNumberGenerator()
        do {
            link = try DeviceLink(linkSettings, boot: .random(using: &random))
        } catch {
            throw AgentError(.unavailable, "prepare the broker connection", "\(error)")
        }
        self.task = task
        self.form = form
        self.clock = clock
    }

    package func start(events: @escaping @Sendable (CloudEvent) -> Void) throws(AgentError) {
        do {
            try link.start { [link] event in
                switch event {
                case .answered(_, let frame, let reply, let transfer): events(Self.event(frame, reply, transfer))
                case .late(let frame, let reply, let transfer): events(Self.event(frame, reply, transfer))
                case .unanswered(_, let frame, let failure, let waited): events(.unanswered(frame: frame, reason: failure.rawValue, waited: waited))
                case .mode(let mode): events(.status(CloudStatus(mode, link.interface)))
                }
            }
        } catch {
            throw AgentError(.unavailable, "start the broker connection", "\(error)")
        }
    }

    private static func event(_ frame: UInt64, _ reply: Reply, _ transfer: Transfer) -> CloudEvent {
        if reply.status == .ok, let answer = reply.answer {
            let seen = CloudTransfer(
                bytes: transfer.bytes, onTheWay: transfer.onTheWay, occupied: transfer.occupied, queue: transfer.queue, inference: transfer.inference)
            return .answered(frame: frame, answer, model: reply.digest?.description, seen)
        }
        return .unanswered(frame: frame, reason: CloudEvent.byWorker + reply.status.rawValue, waited: transfer.queue)
    }

    package func ask(_ question: CloudQuestion, spending: (Int) -> String?) -> String? {
        guard link.mode.kind != .autonomous else { return CloudEvent.disconnected }
        let now = clock.now()
        guard quietUntil.withLock({ $0 <= now }) else { return Self.quiet }
        guard let payload = payload(question.content) else { return "the image can't be compressed" }
        if let refusal = spending(payload.bytes.count) { return refusal }
        let compressed = clock.now()
        var random = SystemRandomNumberGenerator()
        let compressing = compressed - now
        let refusal = link.ask(
            DeviceLink.Question(
                id: .random(using: &random), frame: question.frame, task: task, deadline: max(question.timeout - compressing, .milliseconds(1)),
                due: question.due.map { max($0 - compressing, .zero) }, gate: Request.Gate(question), payload: payload))
        if refusal != nil { quietUntil.withLock { $0 = compressed + Self.quietTime } }
        return refusal?.rawValue
    }

    /// `nil` where an image can't be compressed.
    private func payload(_ content: CloudQuestion.Content) -> Request.Payload? {
        switch content {
        case .image(let image, let form):
            guard let encoded = try? (form ?? self.form).encode(image) else { return nil }
            return .image(encoded.format == .png ? .png : .jpeg, width: encoded.width, height: encoded.height, encoded.bytes)
        case .activations(let packed):
            guard let digest = DigestText(packed.model) else { return nil }
            return .activations(Request.Activations(cut: packed.cut, digest: digest, exit: packed.exit, tensors: packed.tensors))
        }
    }

    package func hindrance(bytes: Int) -> String? {
        if let hindrance = link.hindrance(task: task, bytes: bytes) { return hindrance.rawValue }
        let now = clock.now()
        return quietUntil.withLock { $0 <= now } ? nil : Self.quiet
    }

    package func cancel(frame: UInt64) { link.cancel(frame: frame) }

    package func publish(_ json: [UInt8], isRevision: Bool) {
        // Every object of the protocol says its version.
        link.publish(event: isRevision ? .revision : .decision, Array("{\"v\":1,".utf8) + json.dropFirst())
    }

    package func publish(audit json: [UInt8]) { link.publish(event: .audit, Array("{\"v\":1,".utf8) + json.dropFirst()) }

    package func publish(plan json: [UInt8]) { link.publish(event: .plan, Array("{\"v\":1,".utf8) + json.dropFirst()) }

    package func publish(health json: [UInt8]) { link.publish(event: .health, Array("{\"v\":1,".utf8) + json.dropFirst()) }

    package func publish(telemetry json: [UInt8]) { link.publish(telemetry: Array("{\"v\":1,".utf8) + json.dropFirst()) }

    package func stop() { link.stop() }

    package var status: CloudStatus { CloudStatus(link.mode, link.interface) }

    package var strays: CloudStrays {
        let counters = link.counters
        return CloudStrays(duplicates: counters.duplicate, unknowns: counters.unknown, damaged: counters.damaged)
    }
}

extension CloudStatus {
    fileprivate init(_ mode: LinkMode, _ interface: NetworkInterface?) {
        let kind: Mode =
            switch mode.kind {
            case .connected: .connected
            case .degraded: .degraded
            case .autonomous: .autonomous
            }
        let network: Network? =
            switch interface?.kind {
            case .wifi?: .wifi
            case .cellular?: .cellular
            case .wired?: .wired
            case nil: nil
            }
        self.init(kind, reason: mode.reason, network: network)
    }
}

extension Request.Gate {
    /// Why the device asks.
    fileprivate init?(_ question: CloudQuestion) {
        if let score = question.auditedScore {
            self.init(reason: "audit", score: score)
        } else if question.purpose != .answer {
            self.init(reason: question.purpose == .plan ? "plan" : "probe")
        } else if question.isEarly {
            self.init(reason: "pre-route")
        } else {
            guard let verdict = question.verdict else { return nil }
            self.init(verdict)
        }
    }

    /// `nil` for an accepted answer.
    fileprivate init?(_ verdict: Verdict) {
        switch verdict {
        case .accept: return nil
        case .escalate(.unsure(let measure, let value, _)): self.init(reason: measure.rawValue, score: value.isFinite ? value : nil)
        case .escalate(.ruledOut): self.init(reason: "ruled-out")
        case .escalate(.noSecondLook): self.init(reason: "no-second-look")
        case .escalate(.fault(let fault)): self.init(reason: fault.rawValue)
        }
    }
}
