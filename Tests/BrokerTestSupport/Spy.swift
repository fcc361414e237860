// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
package import Messaging
package import Rehearsal
package import TestSupport

/// A client of a broker that notes all it hears and sees.
package final class Spy: ConnectionObserver {
    package enum Entry: Sendable {
        case connected(Grant)
        case disconnected(LinkFault)
        case received(InboundMessage)
        case settled(UInt64, Delivery)
    }

    package let journal = Journal<Entry>()
    package let connection: BrokerConnection
    private let lastWill: OutboundMessage?

    package init(_ clientID: String, _ options: BrokerOptions, subscriptions: [String] = [], sessionExpiry: Duration = .zero, will: OutboundMessage? = nil) throws {
        lastWill = will
        connection = try BrokerConnection(
            .init(
                clientID: clientID, subscriptions: subscriptions.map { Subscription($0, isRequired: true) }, sessionExpiry: sessionExpiry,
                receiveMaximum: 16, maximumPacketBytes: 1 << 20), broker: options)
        try connection.start(self)
    }

    package func will(session: UInt64) -> OutboundMessage? { lastWill }
    package func birth(session: UInt64) -> [OutboundMessage] { [] }
    package func received(_ message: InboundMessage) { journal.record(.received(message)) }
    package func settled(_ ticket: UInt64, _ delivery: Delivery) { journal.record(.settled(ticket, delivery)) }
    package func tick(now: Duration) -> Duration? { nil }

    package func connectionChanged(_ state: ConnectionState) {
        switch state {
        case .connected(let grant): journal.record(.connected(grant))
        case .disconnected(let fault, _): journal.record(.disconnected(fault))
        }
    }

    /// Waits for the next connection after entry `start`.
    @discardableResult
    package func connected(from start: Int = 0) async throws -> Grant {
        try await journal.first(from: start) { if case .connected(let grant) = $0 { grant } else { nil } }
    }

    @discardableResult
    package func fault(from start: Int = 0) async throws -> LinkFault {
        try await journal.first(from: start) { if case .disconnected(let fault) = $0 { fault } else { nil } }
    }

    package func message(from start: Int = 0, where condition: @escaping @Sendable (InboundMessage) -> Bool = { _ in true }) async throws -> InboundMessage {
        try await journal.first(from: start) { if case .received(let message) = $0, condition(message) { message } else { nil } }
    }
}

/// Options that make tests quick.
package func options(port: Int) -> BrokerOptions {
    var options = BrokerOptions(host: "127.0.0.1", port: port)
    options.supervision.base = .milliseconds(50)
    options.supervision.cap = .milliseconds(200)
    options.supervision.attemptTimeout = .seconds(5)
    return options
}

/// Runs a command-line client to its end.
package func run(_ program: String, _ arguments: [String]) throws -> ChildProcess.Ending? {
    guard let path = ChildProcess.find(program) else { throw RehearsalError(.missing, "run \(program)", "not installed") }
    return try ChildProcess(path, arguments, errors: .discarded).wait(for: .seconds(20))
}

/// The text of a small file, damaged characters replaced.
package func readText(_ path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else { throw RehearsalError(.system, "read \(path)", "not there") }
    return String(decoding: data, as: UTF8.self)
}
