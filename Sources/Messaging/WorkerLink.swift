// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
package import Wire

/// A request as it reached a worker.
package struct IncomingRequest: Sendable {
    /// Whose topic it came on: the only place where the reply may go.
    package var device: ClientID
    package var request: Request
    /// On the clock of `MonotonicClock`.
    package var arrivedAt: Duration
    /// When an answer is of no more use: the request's own deadline or the broker's expiry, whichever is sooner.
    package var deadline: Duration
    /// Until when an answer is in time for what the device has to decide; after that it is of less use.
    package var due: Duration

    /// - Parameter due: `nil`: the deadline.
    package init(device: ClientID, request: Request, arrivedAt: Duration, deadline: Duration, due: Duration? = nil) {
        self.device = device
        self.request = request
        self.arrivedAt = arrivedAt
        self.deadline = deadline
        self.due = min(due ?? deadline, deadline)
    }
}

/// A worker's side: takes requests from a shared subscription, answers them, says that it is there.
///
/// libmosquitto acknowledges a request before it hands it over (lib/handle_publish.c, 2.0.11), so a request dies with the worker that
/// holds it; the device's deadline covers that, and the broker's receive maximum doesn't bound what a worker holds: the owner's queue must.
package final class WorkerLink: Sendable {
    package struct Settings: Sendable {
        package var worker: ClientID
        /// The group that shares the requests.
        package var pool: ClientID
        package var model: ModelName
        package var task: DigestText
        package var digest: DigestText?
        /// How many requests the owner holds at the same time, waiting ones included.
        package var capacity: Int
        package var broker: BrokerOptions
        /// Program and version, for the status topic.
        package var agent: String

        package init(
            worker: ClientID, pool: ClientID, model: ModelName, task: DigestText, digest: DigestText?, capacity: Int, broker: BrokerOptions,
            agent: String
        ) {
            self.worker = worker
            self.pool = pool
            self.model = model
            self.task = task
            self.digest = digest
            self.capacity = capacity
            self.broker = broker
            self.agent = agent
        }
    }

    package struct Counters: Sendable, Equatable {
        package var requests: UInt64 = 0
        package var cancellations: UInt64 = 0
        /// Payloads or topics that are no requests.
        package var damaged: UInt64 = 0
        package var replies: UInt64 = 0
        /// Replies that could not be sent.
        package var unsent: UInt64 = 0
    }

    package enum Event: Sendable {
        case request(IncomingRequest)
        /// Of a device, for one of its own requests; this worker may have it, may be about to get it, or another one has.
        case cancelled(ClientID, Cancellation)
        case connected
        case disconnected(LinkFault)
    }

    private let connection: BrokerConnection
    private let desk: WorkerDesk

    /// Prepares the link; nothing is sent before `start`.
    package init(_ settings: Settings, boot: RequestID) throws(LinkFault) {
        connection = try BrokerConnection(
            .init(
                clientID: settings.worker.description,
                subscriptions: [
                    Subscription(TopicFilter.exactly(.poolState(settings.model)).description, isRequired: false),
                    Subscription(TopicFilter.allWorkers.description, isRequired: false),
                    Subscription(TopicFilter.requests(pool: settings.pool, settings.model).description, isRequired: true),
                    Subscription(TopicFilter.cancellations(settings.model).description, isRequired: false),
                ],
                sessionExpiry: .zero, receiveMaximum: min(settings.capacity, 65_535),
                maximumPacketBytes: Request.maximumPayloadBytes + Request.maximumHeaderBytes + 4096), broker: settings.broker)
        desk = WorkerDesk(settings: settings, boot: boot, connection: connection)
    }

    /// Begins to connect, and goes on for ever. `events` is called on the link's thread and must not block.
    package func start(events: @escaping @Sendable (Event) -> Void) throws(LinkFault) {
        desk.listen(events)
        try connection.start(desk)
    }

    /// Sends the answer to a request to the inbox of the device that asked; returns at once on any thread.
    package func reply(to request: IncomingRequest, _ reply: Reply) {
        desk.reply(to: request.device, reply, lifetime: max(.seconds(1), request.deadline - MonotonicClock.now()))
    }

    package var counters: Counters { desk.counters }

    /// Tells devices that this worker goes, and ends the link. Takes `timeout` at most.
    package func stop(timeout: Duration = .seconds(2)) { connection.stop(goodbye: desk.goodbye(), timeout: timeout) }
}
