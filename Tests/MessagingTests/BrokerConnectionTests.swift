// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import BrokerTestSupport
import Messaging
import Rehearsal
import TestSupport
import Testing

/// Mosquitto's dynamic security plugin, where Debian puts it.
private let plugin = ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/mosquitto_dynamic_security.so" }.first { FileManager.default.fileExists(atPath: $0) }

@Suite(.serialized, .timeLimit(.minutes(1)), .enabled(if: PrivateBroker.executable != nil, "mosquitto is not installed"))
struct BrokerConnectionTests {
    @Test func messagesArriveWithTheirProperties() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let spy = try Spy("spy", options(port: broker.port), subscriptions: ["a/#"])
        defer { spy.connection.stop() }
        try await spy.connected()
        var message = OutboundMessage(topic: "a/b", payload: [0, 255, 7], quality: .atLeastOnce, lifetime: .milliseconds(2500))
        message.correlation = [1, 2, 3]
        let ticket = try spy.connection.publish(message)
        let heard = try await spy.message()
        #expect(heard.topic == "a/b" && heard.payload == [0, 255, 7] && heard.correlation == [1, 2, 3] && !heard.isRetained)
        #expect(heard.lifetime == .seconds(3))
        try await spy.journal.wait { if case .settled(ticket, .delivered) = $0 { true } else { false } }
    }

    @Test func aMessageThatNobodyHearsIsToldSo() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let spy = try Spy("spy", options(port: broker.port))
        defer { spy.connection.stop() }
        try await spy.connected()
        let ticket = try spy.connection.publish(OutboundMessage(topic: "a/b", payload: [1], quality: .atLeastOnce))
        try await spy.journal.wait { if case .settled(ticket, .unheard) = $0 { true } else { false } }
    }

    /// Also holds libmosquitto to taking our CONNECT properties without connecting.
    @Test(arguments: [true, false])
    func theBrokerRemembersASessionThatIsToLast(lasts: Bool) async throws {
        let broker = try PrivateBroker()
        let relay = try LinkRelay(to: broker.port)
        defer {
            relay.stop()
            broker.stop()
        }
        let spy = try Spy("spy", options(port: relay.port), subscriptions: ["a"], sessionExpiry: lasts ? .seconds(300) : .zero)
        defer { spy.connection.stop() }
        #expect(try await !spy.connected().isSessionPresent)
        let count = spy.journal.entries.count
        relay.cut()
        try await spy.fault(from: count)
        #expect(try await spy.connected(from: count).isSessionPresent == lasts)
    }

    @Test func aKilledBrokerIsFoundAgain() async throws {
        let broker = try PrivateBroker()
        defer { broker.stop() }
        let spy = try Spy("spy", options(port: broker.port), subscriptions: ["a"])
        defer { spy.connection.stop() }
        try await spy.connected()
        for _ in 0..<3 {
            let count = spy.journal.entries.count
            broker.crash()
            try await spy.fault(from: count)
            #expect(throws: BrokerConnection.Refusal.disconnected) {
                try spy.connection.publish(OutboundMessage(topic: "a", payload: [1], quality: .atLeastOnce))
            }
            try broker.start()
            try await spy.connected(from: count)
        }
        #expect(spy.connection.counters.connections == 4)
    }

    @Test func nobodyAtThePortIsAStateAndIsTriedAgain() async throws {
        let broker = try PrivateBroker()
        broker.stop()
        let spy = try Spy("spy", options(port: broker.port))
        defer { spy.connection.stop() }
        #expect(try await spy.fault().code == .refused)
        #expect(try await spy.fault(from: 3).code == .refused)
    }

    @Test func aHostWithoutAddressIsAState() async throws {
        var options = options(port: 1883)
        options.host = "no-such-host.invalid"
        let spy = try Spy("spy", options)
        defer { spy.connection.stop() }
        let fault = try await spy.fault()
        #expect(fault.code == .lookup, "\(fault)")
        try await spy.fault(from: 1)
    }

    @Test func aWrongPasswordIsAStateAndIsTriedAgain() async throws {
        let broker = try PrivateBroker { directory throws(RehearsalError) in
            try writeFile(directory + "/broker.passwords", "")
            return ["allow_anonymous false", "password_file \(directory)/broker.passwords"]
        }
        defer { broker.stop() }
        var options = options(port: broker.port)
        options.credentials = .init(username: "spy", password: "wrong")
        let spy = try Spy("spy", options)
        defer { spy.connection.stop() }
        #expect(try await spy.fault().code == .authentication)
        #expect(try await spy.fault(from: 2).code == .authentication)
        #expect(!"\(options)".contains("wrong"))
    }

    @Test func aForbiddenMessageIsToldAndCounted() async throws {
        let broker = try PrivateBroker { directory throws(RehearsalError) in
            try writeFile(directory + "/broker.acl", "topic readwrite allowed\n")
            return ["acl_file \(directory)/broker.acl"]
        }
        defer { broker.stop() }
        let spy = try Spy("spy", options(port: broker.port), subscriptions: ["allowed"])
        defer { spy.connection.stop() }
        try await spy.connected()
        let ticket = try spy.connection.publish(OutboundMessage(topic: "forbidden", payload: [1], quality: .atLeastOnce))
        try await spy.journal.wait { if case .settled(ticket, .refused(0x87)) = $0 { true } else { false } }
        #expect(spy.connection.counters.refusedByBroker == 1)
    }

    /// Mosquitto's list files don't look at subscriptions; its plugin does, and denies them where nothing else is said.
    @Test(.enabled(if: plugin != nil && ChildProcess.find("mosquitto_ctrl") != nil, "mosquitto's dynamic security plugin is not installed"))
    func aForbiddenSubscriptionIsAStateWithItsTopic() async throws {
        let broker = try PrivateBroker { directory throws(RehearsalError) in
            do {
                _ = try run("mosquitto_ctrl", ["dynsec", "init", directory + "/security.json", "admin", "secret"])
            } catch {
                throw RehearsalError(.system, "make the broker's access rules", "\(error)")
            }
            return ["plugin \(plugin ?? "")", "plugin_opt_config_file \(directory)/security.json"]
        }
        defer { broker.stop() }
        let spy = try Spy("spy", options(port: broker.port), subscriptions: ["forbidden"])
        defer { spy.connection.stop() }
        let fault = try await spy.fault()
        #expect(fault.code == .accessControl && fault.operation.contains("forbidden"), "\(fault)")
        #expect(try await spy.fault(from: 2).code == .accessControl)
    }

    @Test func aBrokerThatSaysNothingIsGivenUpInTime() async throws {
        let broker = try PrivateBroker()
        let relay = try LinkRelay(to: broker.port)
        defer {
            relay.stop()
            broker.stop()
        }
        relay.set(.blackHoled)
        var options = options(port: relay.port)
        options.supervision.attemptTimeout = .milliseconds(200)
        let spy = try Spy("spy", options)
        defer { spy.connection.stop() }
        #expect(try await spy.fault().code == .timeout)
        let count = spy.journal.entries.count
        relay.set(.open)
        try await spy.connected(from: count)
    }

    @Test func anUnacknowledgedDeliveryEndsADeadConnection() async throws {
        let broker = try PrivateBroker()
        let relay = try LinkRelay(to: broker.port)
        defer {
            relay.stop()
            broker.stop()
        }
        var options = options(port: relay.port)
        options.acknowledgementTimeout = .milliseconds(300)
        let spy = try Spy("spy", options, subscriptions: ["a"])
        defer { spy.connection.stop() }
        try await spy.connected()
        relay.set(.blackHoled)
        let ticket = try spy.connection.publish(OutboundMessage(topic: "a", payload: [1], quality: .atLeastOnce))
        try await spy.journal.wait { if case .settled(ticket, .lost) = $0 { true } else { false } }
        #expect(try await spy.fault().code == .timeout)
        let count = spy.journal.entries.count
        relay.set(.open)
        try await spy.connected(from: count)
    }

    @Test func theBrokersPacketLimitIsObeyed() async throws {
        let broker = try PrivateBroker { _ in ["max_packet_size 2000"] }
        defer { broker.stop() }
        let spy = try Spy("spy", options(port: broker.port), subscriptions: ["a"])
        defer { spy.connection.stop() }
        #expect(try await spy.connected().maximumPacketBytes == 2000)
        #expect(throws: BrokerConnection.Refusal.tooLarge) {
            try spy.connection.publish(OutboundMessage(topic: "a", payload: [UInt8](repeating: 0, count: 2000), quality: .atLeastOnce))
        }
        try spy.connection.publish(OutboundMessage(topic: "a", payload: [UInt8](repeating: 0, count: 1900), quality: .atLeastOnce))
        #expect(try await spy.message().payload.count == 1900)
    }

    @Test func aBoundedQueueDisplacesTheOldest() async throws {
        let broker = try PrivateBroker()
        let relay = try LinkRelay(to: broker.port)
        defer {
            relay.stop()
            broker.stop()
        }
        var options = options(port: relay.port)
        options.maximumInFlight = 1
        options.maximumQueuedMessages = 2
        let spy = try Spy("spy", options, subscriptions: ["a"])
        defer { spy.connection.stop() }
        try await spy.connected()
        relay.set(.blackHoled)
        var tickets: [UInt64] = []
        for number in 0..<6 as Range<UInt8> {
            tickets.append(try spy.connection.publish(OutboundMessage(topic: "a", payload: [number], quality: .atLeastOnce)))
        }
        let displaced = tickets[2]
        try await spy.journal.wait { if case .settled(displaced, .displaced) = $0 { true } else { false } }
        relay.set(.open)
        #expect(try await spy.message(where: { $0.payload == [5] }).payload == [5])
        #expect(spy.connection.counters.displaced >= 3)
    }

    @Test func theWillSpeaksForALostClientAndNotForOneThatSaidGoodbye() async throws {
        let broker = try PrivateBroker()
        let relay = try LinkRelay(to: broker.port)
        defer {
            relay.stop()
            broker.stop()
        }
        let listener = try Spy("listener", options(port: broker.port), subscriptions: ["will/#", "bye/#"])
        defer { listener.connection.stop() }
        try await listener.connected()
        let lost = try Spy("lost", options(port: relay.port), will: OutboundMessage(topic: "will/lost", payload: [1], quality: .atLeastOnce))
        try await lost.connected()
        relay.set(.refusing)
        #expect(try await listener.message().topic == "will/lost")
        lost.connection.stop()
        let polite = try Spy("polite", options(port: broker.port), will: OutboundMessage(topic: "will/polite", payload: [1], quality: .atLeastOnce))
        try await polite.connected()
        polite.connection.stop(goodbye: [OutboundMessage(topic: "bye/polite", payload: [2], quality: .atLeastOnce)])
        #expect(try await listener.message(from: 2).topic == "bye/polite")
        // A will of `polite` would come before this.
        try listener.connection.publish(OutboundMessage(topic: "bye/end", payload: [3], quality: .atLeastOnce))
        _ = try await listener.message { $0.topic == "bye/end" }
        let wills = listener.journal.entries.filter { if case .received(let message) = $0 { message.topic == "will/polite" } else { false } }
        #expect(wills.isEmpty)
    }

    @Test func stoppingIsQuickWithoutABroker() async throws {
        let broker = try PrivateBroker()
        let relay = try LinkRelay(to: broker.port)
        defer {
            relay.stop()
            broker.stop()
        }
        relay.set(.blackHoled)
        let spy = try Spy("spy", options(port: relay.port))
        let clock = ContinuousClock()
        let time = clock.measure { spy.connection.stop(timeout: .seconds(20)) }
        #expect(time < .seconds(5))
    }
}

@Suite(.serialized, .timeLimit(.minutes(1)),
    .enabled(if: PrivateBroker.executable != nil && ChildProcess.find("openssl") != nil, "mosquitto or openssl is not installed"))
struct EncryptionTests {
    /// A broker with a certificate for `localhost`, signed by `authority.pem` in its folder; `other.pem` signed nothing.
    private static func broker() throws -> PrivateBroker {
        try PrivateBroker { directory throws(RehearsalError) in
            do {
                for name in ["authority", "other"] {
                    _ = try run("openssl", [
                        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
                        "-keyout", directory + "/\(name).key", "-out", directory + "/\(name).pem",
                    ])
                }
                _ = try run("openssl", [
                    "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", directory + "/broker.key", "-out", directory + "/broker.csr",
                ])
                try writeFile(directory + "/extensions", "subjectAltName=DNS:localhost\n")
                _ = try run("openssl", [
                    "x509", "-req", "-in", directory + "/broker.csr", "-CA", directory + "/authority.pem", "-CAkey", directory + "/authority.key",
                    "-CAcreateserial", "-days", "2", "-extfile", directory + "/extensions", "-out", directory + "/broker.pem",
                ])
            } catch {
                throw RehearsalError(.system, "make certificates", "\(error)")
            }
            return ["certfile \(directory)/broker.pem", "keyfile \(directory)/broker.key"]
        }
    }

    private static func options(_ broker: PrivateBroker, host: String, authority: String) -> BrokerOptions {
        var options = BrokerTestSupport.options(port: broker.port)
        options.host = host
        options.tls = .init(authorityFile: broker.directory + "/" + authority)
        return options
    }

    @Test func anEncryptedBrokerIsCheckedAndUsed() async throws {
        let broker = try Self.broker()
        defer { broker.stop() }
        let spy = try Spy("spy", Self.options(broker, host: "localhost", authority: "authority.pem"), subscriptions: ["a"])
        defer { spy.connection.stop() }
        try await spy.connected()
        let payload = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        try spy.connection.publish(OutboundMessage(topic: "a", payload: payload, quality: .atLeastOnce))
        #expect(try await spy.message().payload == payload)

        let stranger = try Spy("stranger", Self.options(broker, host: "localhost", authority: "other.pem"))
        defer { stranger.connection.stop() }
        let fault = try await stranger.fault()
        #expect(fault.code == .tls && fault.cause.contains("certificate verify failed"), "\(fault)")
        #expect(try await stranger.fault(from: 2).code == .tls)

        let wrongName = try Spy("wrong-name", Self.options(broker, host: "127.0.0.1", authority: "authority.pem"))
        defer { wrongName.connection.stop() }
        #expect(try await wrongName.fault().code == .tls)

        let noFile = try Spy("no-file", Self.options(broker, host: "localhost", authority: "missing.pem"))
        defer { noFile.connection.stop() }
        let missing = try await noFile.fault()
        #expect(missing.code == .tls && missing.operation.contains("missing.pem"), "\(missing)")
    }
}
