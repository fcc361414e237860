// SPDX-License-Identifier: Apache-2.0
import Answers
import TestSupport
import Testing
import Wire

private let task = DigestText(String(repeating: "ab", count: 32))!
private let model = ModelName("flight-full")!

private func request(_ generator: inout SeededGenerator) -> Request {
    Request(
        id: .random(using: &generator), model: model, task: task, frame: generator.next(), deadline: .milliseconds(450), encoding: .jpeg,
        width: 96, height: 64, gate: .init(reason: "threshold", score: 0.5),
        localAnswer: .classification(Classification(classIndex: 3, confidence: 0.25)), image: (0..<100).map { UInt8($0) })
}

private func reply(_ generator: inout SeededGenerator) -> Reply {
    Reply(
        id: .random(using: &generator), status: .ok, model: model, digest: task,
        answer: .detections([Detection(classIndex: 2, confidence: 1, box: Box(left: 0, top: 0.25, right: 0.5, bottom: 1))]),
        top: [.init(class: 2, probability: 0.75), .init(class: 0, probability: 0)], queueTime: .milliseconds(3),
        inferenceTime: .microseconds(1500))
}

struct MessageTests {
    @Test func requestsComeBackAsTheyWereSent() throws {
        var generator = SeededGenerator(seed: 1)
        var request = request(&generator)
        #expect(try Request(decoding: request.encoded()) == request)
        request.gate = nil
        request.localAnswer = .detections([])
        request.encoding = .png
        #expect(try Request(decoding: request.encoded()) == request)
    }

    @Test func repliesComeBackAsTheyWereSent() throws {
        var generator = SeededGenerator(seed: 2)
        let reply = reply(&generator)
        #expect(try Reply(decoding: reply.encoded()) == reply)
        let busy = Reply(id: reply.id, status: .busy, retryAfter: .milliseconds(250), reason: "queue full", model: model)
        #expect(try Reply(decoding: busy.encoded()) == busy)
    }

    @Test func statusAndPoolStateComeBackAsTheyWereSent() throws {
        let status = Availability(state: .offline, session: .max, boot: RequestID(high: 1, low: .max), agent: "swiftlet 0.1")
        #expect(try Availability(decoding: status.encoded()) == status)
        let pool = PoolState(online: true, worker: ClientID("w-1")!, task: task, digest: nil, capacity: 4, maximumBytes: 1000)
        #expect(try PoolState(decoding: pool.encoded()) == pool)
    }

    @Test func fieldsOfALaterMinorVersionAreIgnored() throws {
        let text = """
            {"v":1,"id":"00112233445566778899aabbccddeeff","status":"meditating","model":"m","mood":{"deep":[1,2,{"x":null}]},"infer_ms":2}
            """
        let reply = try Reply(decoding: Array(text.utf8))
        #expect(reply.status == Reply.Status(rawValue: "meditating"))
        #expect(reply.id.bytes == [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF])
        #expect(reply.inferenceTime == .milliseconds(2))
    }

    @Test(arguments: [
        (#"{"v":2,"id":"00112233445566778899aabbccddeeff","status":"ok","model":"m"}"#, "version"),
        (#"{"v":1,"id":"00112233445566778899aabbccddeeff","status":"ok","model":"m"}"#, "invalid field"),
        (#"{"v":1,"id":"0011","status":"busy","model":"m"}"#, "invalid field"),
        (#"{"v":1,"id":"00112233445566778899aabbccddeeff","status":"busy","model":"m/#"}"#, "invalid field"),
        (#"{"v":1,"id":"00112233445566778899aabbccddeeff","status":"busy","model":"m","retry_after_ms":-1}"#, "invalid field"),
        (#"{"v":1,"id":"00112233445566778899aabbccddeeff","status":"busy","model":"m","infer_ms":1e300}"#, "invalid field"),
        (#"{"v":1,"id":"00112233445566778899aabbccddeeff","status":"busy","model":"m","infer_ms":1e999}"#, "malformed"),
        (#"{"v":1,"id":"00112233445566778899aabbccddeeff","status":"ok","model":"m","answer":{"class":1,"confidence":1.5}}"#, "invalid field"),
        (#"{"v":1,"id":"00112233445566778899aabbccddeeff","status":"ok","model":"m","answer":{"class":-1,"confidence":1}}"#, "invalid field"),
        (#"{"v":1,"status":"busy","model":"m"}"#, "malformed"),
        (#"{"v":1e99}"#, "malformed"), ("[1]", "malformed"), ("", "malformed"), ("nul", "malformed"), (#"{"v":1"#, "malformed"),
        ("[[[[[[[[[[[", "too large"),
        (#"{"v":1,"x":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}"#, "too large"),
    ])
    func damagedRepliesAreRefusedWithTheirReason(text: String, code: String) {
        let error = #expect(throws: WireError.self) { try Reply(decoding: Array(text.utf8)) }
        #expect(error?.code.rawValue == code, "\(String(describing: error))")
    }

    @Test func anOversizeReplyIsRefusedUnread() {
        let text = #"{"v":1,"x":""# + String(repeating: "x", count: Reply.maximumBytes) + "\"}"
        let error = #expect(throws: WireError.self) { try Reply(decoding: Array(text.utf8)) }
        #expect(error?.code == .tooLarge)
    }

    @Test func hostileLengthsAreRefusedBeforeAnythingIsRead() throws {
        var generator = SeededGenerator(seed: 3)
        let good = try request(&generator).encoded()
        for length in [UInt32.max, 0x8000_0000, 65_537, UInt32(good.count - 3)] {
            var bytes = good
            for (index, shift) in [24, 16, 8, 0].enumerated() { bytes[index] = UInt8(truncatingIfNeeded: length >> UInt32(shift)) }
            #expect(throws: WireError.self) { try Request(decoding: bytes) }
        }
        for count in 0..<good.count - 100 { #expect(throws: WireError.self) { try Request(decoding: Array(good[..<count])) } }
    }

    @Test func valuesOutOfRangeAreNotSent() {
        var generator = SeededGenerator(seed: 4)
        let good = request(&generator)
        var changed = good
        changed.deadline = .zero
        #expect(throws: WireError.self) { try changed.encoded() }
        changed = good
        changed.width = 0
        #expect(throws: WireError.self) { try changed.encoded() }
        changed = good
        changed.image = []
        #expect(throws: WireError.self) { try changed.encoded() }
        changed = good
        changed.gate?.score = .nan
        #expect(throws: WireError.self) { try changed.encoded() }
    }

    /// Damages valid messages at random; what still decodes must encode and decode to itself.
    @Test func randomDamageNeverTraps() throws {
        let seed: UInt64 = 20_261_121
        var generator = SeededGenerator(seed: seed)
        let messages = try [
            request(&generator).encoded(), reply(&generator).encoded(),
            Availability(state: .online, session: 7, boot: .random(using: &generator), agent: "a").encoded(),
            PoolState(online: true, worker: ClientID("w")!, task: task, digest: task, capacity: 1, maximumBytes: 1).encoded(),
        ]
        let texts = [#"""#, "{", "}", "[", "]", ",", ":", #"\"#, #"\u0000"#, #"\ud800"#, "1e999", "-1", "null", "true", "99999999999999999999", "\u{0}"]
        let interesting = texts.map { Array($0.utf8) } + [[0xFF], [0xC0, 0x80], [0x80, 0, 0, 0]]
        for round in 0..<20_000 {
            var bytes = messages[round % messages.count]
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes[position] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: bytes.removeSubrange(position...)
                case 2: bytes.insert(contentsOf: interesting.randomElement(using: &generator)!, at: position)
                case 3: bytes.removeSubrange(position..<min(bytes.count, position + 8))
                default: bytes.insert(contentsOf: bytes[position..<min(bytes.count, position + 20)], at: position)
                }
            }
            if let decoded = try? Request(decoding: bytes) {
                #expect(try Request(decoding: decoded.encoded()) == decoded, "seed \(seed), round \(round)")
            }
            if let decoded = try? Reply(decoding: bytes) { _ = try decoded.encoded() }
            if let decoded = try? Availability(decoding: bytes) { _ = try decoded.encoded() }
            if let decoded = try? PoolState(decoding: bytes) { _ = try decoded.encoded() }
        }
    }
}
