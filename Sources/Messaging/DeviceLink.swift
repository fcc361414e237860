// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
package import Wire

/// A device's way to the cloud: asks the full model, publishes what happens, knows whether anybody is there.
///
/// Every method but `stop` returns at once on any thread, whatever the network does. Events arrive through the closure given to `start`, one at a time and in the
/// order in which they came about, on the link's own thread or on one that calls it; the closure must not block, and hears of what it asks itself after its return.
package final class DeviceLink: Sendable {
    package struct Settings: Sendable {
        package var device: ClientID
        package var model: ModelName
        package var broker: BrokerOptions
        package var asking = AskingState.Settings()
        /// Program and version, for the status topic.
        package var agent: String

        package init(device: ClientID, model: ModelName, broker: BrokerOptions, agent: String) {
            self.device = device
            self.model = model
            self.broker = broker
            self.agent = agent
        }
    }

    /// One question to the full model.
    package struct Question: Sendable {
        package var id: RequestID
        package var frame: UInt64
        package var task: DigestText
        /// How long an answer is of use, also as a revision.
        package var deadline: Duration
        /// How long it is in time for the frame's decision; `nil`: nothing waits for it.
        package var due: Duration?
        package var gate: Request.Gate?
        package var payload: Request.Payload

        package init(id: RequestID, frame: UInt64, task: DigestText, deadline: Duration, due: Duration? = nil, gate: Request.Gate?, payload: Request.Payload) {
            self.id = id
            self.frame = frame
            self.task = task
            self.deadline = deadline
            self.due = due
            self.gate = gate
            self.payload = payload
        }
    }

    package let settings: Settings
    private let connection: BrokerConnection
    private let desk: DeviceDesk

    /// Prepares the link; nothing is sent before `start`.
    package init(_ settings: Settings, boot: RequestID) throws(LinkFault) {
        self.settings = settings
        connection = try BrokerConnection(
            .init(
                clientID: settings.device.description,
                subscriptions: [
                    Subscription(TopicFilter.down(settings.device).description, isRequired: true),
                    Subscription(TopicFilter.exactly(.poolState(settings.model)).description, isRequired: false),
                    Subscription(TopicFilter.allWorkers.description, isRequired: false),
                    Subscription(TopicFilter.exactly(.deviceStatus(settings.device)).description, isRequired: false),
                ],
                sessionExpiry: .seconds(300), receiveMaximum: 16, maximumPacketBytes: 256 << 10, willDelay: .seconds(15)),
            broker: settings.broker)
        desk = DeviceDesk(settings: settings, boot: boot, connection: connection)
    }

    /// Begins to connect, and goes on for ever. `events` is called as the type's description says.
    package func start(events: @escaping @Sendable (LinkEvent) -> Void) throws(LinkFault) {
        desk.listen(events)
        try connection.start(desk)
    }

    /// Takes a question, or says at once why not. A question that is taken ends in exactly one `answered` or `unanswered` event.
    package func ask(_ question: Question) -> Refusal? { desk.ask(question) }

    /// Ends what was asked about `frame` and has no answer yet, as `cancelled`, and tells the workers (QoS 0: they may not hear it). A reply that comes all the
    /// same is late. Nothing happens where nothing is under way.
    package func cancel(frame: UInt64) { desk.cancel(frame: frame) }

    /// Publishes a JSON object on `up/evt/<kind>` (QoS 1, kept seven days at most); false where it was dropped, for want of a broker.
    @discardableResult
    package func publish(event kind: EventKind, _ json: [UInt8]) -> Bool {
        var message = OutboundMessage(topic: Topic.event(settings.device, kind).description, payload: json, quality: .atLeastOnce)
        message.lifetime = .seconds(7 * 24 * 3600)
        return desk.publish(message)
    }

    /// Publishes a snapshot on `up/tele` (QoS 0, kept two minutes at most); false where it was dropped.
    @discardableResult
    package func publish(telemetry json: [UInt8]) -> Bool {
        var message = OutboundMessage(topic: Topic.telemetry(settings.device).description, payload: json, quality: .atMostOnce)
        message.lifetime = .seconds(120)
        return desk.publish(message)
    }

    /// Sets the retained document on `up/reported`; it is published now and again at every connection.
    package func report(_ json: [UInt8]) { desk.report(json) }

    /// What the cloud is to us at the moment, with the reason.
    package var mode: LinkMode { desk.withState { $0.currentMode } }

    /// Why a question with so many bytes of payload would be refused at the moment, whatever it asks; `nil` where that depends on it.
    ///
    /// - Parameter task: the names of the classes.
    package func hindrance(task: DigestText, bytes: Int) -> Refusal? {
        let now = MonotonicClock.now()
        return desk.withState { $0.hindrance(task: task, bytes: bytes, now: now) }
    }

    /// What the last connection to the broker goes, or went, through; `nil` before the first, and where it can't be told.
    package var interface: NetworkInterface? { desk.interface }

    package var counters: LinkCounters { desk.withState { $0.counters } }

    /// Says goodbye and ends the link; questions under way end as disconnected. Takes `timeout` at most.
    package func stop(timeout: Duration = .seconds(2)) { connection.stop(goodbye: desk.goodbye(), timeout: timeout) }
}
