// SPDX-License-Identifier: Apache-2.0
import Answers
import TestSupport
import Testing
import Wire

private let task = DigestText(String(repeating: "ab", count: 32))!
private let model = ModelName("flight-full")!

private func request(_ generator: inout SeededGenerator) -> Request {
    Request(
        id: .random(using: &generator), model: model, task: task, frame: generator.next(), deadline: .milliseconds(450),
        gate: .init(reason: "threshold", score: 0.5), localAnswer: .classification(Classification(classIndex: 3, confidence: 0.25)),
        payload: .image(.jpeg, width: 96, height: 64, (0..<100).map { UInt8($0) }))
}

private func activations(exit: Int? = nil) -> Request.Activations {
    .init(cut: 17, digest: task, exit: exit, tensors: [[1, 2, 3], [4], (0..<100).map { UInt8($0) }])
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
        request.payload = .image(.png, width: 1, height: 16_384, [7])
        #expect(try Request(decoding: request.encoded()) == request)
        for exit in [nil, 0, 255] {
            request.payload = .activations(activations(exit: exit))
            let decoded = try Request(decoding: request.encoded())
            #expect(decoded == request)
            if case .activations(let read) = decoded.payload {
                #expect(read.tensors.map(\.count) == [3, 1, 100] && read.tensors[0] == [1, 2, 3] && read.tensors[1] == [4])
            }
        }
    }

    @Test func whenAnAnswerIsDueTravelsWithinTheDeadline() throws {
        var generator = SeededGenerator(seed: 7)
        var request = request(&generator)
        for due in [0, 1, 450] {
            request.due = .milliseconds(due)
            #expect(try Request(decoding: request.encoded()) == request)
        }
        let bytes = try request.encoded()
        for wrong in ["-1", "451", "1.5", "\"1\""] {
            let header = Array(try JSONText(bytes).text.replacing("\"due_ms\":450", with: "\"due_ms\":\(wrong)").utf8)
            #expect(throws: WireError.self) { try Request(decoding: [0, 0, UInt8(header.count >> 8), UInt8(header.count & 255)] + header + [1]) }
        }
        request.due = .milliseconds(451)
        #expect(throws: WireError.self) { try request.encoded() }
    }

    @Test func imagesTravelAsTheyAlwaysDid() throws {
        let text = """
            {"v":1,"id":"00112233445566778899aabbccddeeff","model":"m","task":"\(task)","frame":5,"deadline_ms":450,"encoding":"png","width":8,"height":4}
            """
        let header = Array(text.utf8)
        let request = try Request(decoding: [0, 0, 0, UInt8(header.count)] + header + [1, 2, 3])
        #expect(request.payload == .image(.png, width: 8, height: 4, [1, 2, 3]))
        let written = try JSONText(request.encoded())
        #expect(Set(written.fields) == ["v", "id", "model", "task", "frame", "deadline_ms", "encoding", "width", "height"])
    }

    @Test func cancellationsComeBackAsTheyWereSent() throws {
        let cancellation = Cancellation(id: RequestID(high: .max, low: 7), frame: .max)
        #expect(try Cancellation(decoding: cancellation.encoded()) == cancellation)
        for text in ["", "{}", #"{"v":1,"id":"0011","frame":1}"#, #"{"v":1,"id":"00112233445566778899aabbccddeeff","frame":-1}"#] {
            #expect(throws: WireError.self) { try Cancellation(decoding: Array(text.utf8)) }
        }
    }

    /// Whatever the sizes say, they are of the bytes that are there, and few.
    @Test(arguments: [
        [], [0], [104, 0], [103], [105], [-1, 105], [.max, .max, 106], [.max], [104, .min], Array(repeating: 1, count: 104), [52, 53], [1, 104],
    ])
    func sizesThatAreNotThoseOfTheBytesAreRefused(sizes: [Int]) throws {
        var generator = SeededGenerator(seed: 5)
        var request = request(&generator)
        let good = activations()
        request.payload = .activations(good)
        let bytes = try request.encoded()
        let written = try JSONText(bytes)
        let text = written.text.replacing("\"sizes\":[3,1,100]", with: "\"sizes\":\(sizes)")
        #expect(text != written.text)
        let header = Array(text.utf8)
        #expect(throws: WireError.self) { try Request(decoding: [0, 0, UInt8(header.count >> 8), UInt8(header.count & 255)] + header + good.bytes) }
        request.payload = .activations(.init(cut: 17, digest: task, sizes: sizes, bytes: good.bytes))
        #expect(throws: WireError.self) { try request.encoded() }
    }

    @Test func anOversizePayloadIsRefused() throws {
        var generator = SeededGenerator(seed: 6)
        var request = request(&generator)
        let bytes = [UInt8](repeating: 1, count: Request.maximumPayloadBytes + 1)
        request.payload = .image(.png, width: 1, height: 1, bytes)
        #expect(throws: WireError.self) { try request.encoded() }
        request.payload = .activations(.init(cut: 1, digest: task, tensors: [bytes]))
        #expect(throws: WireError.self) { try request.encoded() }
        request.payload = .activations(.init(cut: 1, digest: task, tensors: [Array(bytes.dropLast())]))
        let written = try request.encoded()
        #expect(try Request(decoding: written) == request)
        let error = #expect(throws: WireError.self) { try Request(decoding: written + [1]) }
        #expect(error?.code == .tooLarge)
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
        for payload: Request.Payload in [
            .image(.png, width: 0, height: 1, [1]), .image(.png, width: 1, height: 16_385, [1]), .image(.png, width: 1, height: 1, []),
            .activations(.init(cut: -1, digest: task, tensors: [[1]])), .activations(.init(cut: 65_536, digest: task, tensors: [[1]])),
            .activations(.init(cut: 1, digest: task, exit: -1, tensors: [[1]])), .activations(.init(cut: 1, digest: task, exit: 256, tensors: [[1]])),
            .activations(.init(cut: 1, digest: task, tensors: [])),
        ] {
            changed.payload = payload
            #expect(throws: WireError.self) { try changed.encoded() }
        }
        changed = good
        changed.gate?.score = .nan
        #expect(throws: WireError.self) { try changed.encoded() }
    }

    /// Damages valid messages at random; what still decodes must encode and decode to itself.
    @Test func randomDamageNeverTraps() throws {
        let seed: UInt64 = 20_261_121
        var generator = SeededGenerator(seed: seed)
        var divided = request(&generator)
        divided.payload = .activations(activations(exit: 1))
        let messages = try [
            request(&generator).encoded(), divided.encoded(), Cancellation(id: .random(using: &generator), frame: 3).encoded(), reply(&generator).encoded(),
            Availability(state: .online, session: 7, boot: .random(using: &generator), agent: "a").encoded(),
            PoolState(online: true, worker: ClientID("w")!, task: task, digest: task, capacity: 1, maximumBytes: 1).encoded(),
        ]
        let texts = [#"""#, "{", "}", "[", "]", ",", ":", #"\"#, #"\u0000"#, #"\ud800"#, "1e999", "-1", "null", "true", "99999999999999999999", "\u{0}"]
        let interesting = texts.map { Array($0.utf8) } + [[0xFF], [0xC0, 0x80], [0x80, 0, 0, 0]]
        var divisions = 0
        for round in 0..<30_000 {
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
                if case .activations(let read) = decoded.payload, read != activations(exit: 1) {
                    divisions += 1
                    #expect(read.tensors.joined().elementsEqual(read.bytes), "seed \(seed), round \(round)")
                }
            }
            if let decoded = try? Cancellation(decoding: bytes) { _ = try decoded.encoded() }
            if let decoded = try? Reply(decoding: bytes) { _ = try decoded.encoded() }
            if let decoded = try? Availability(decoding: bytes) { _ = try decoded.encoded() }
            if let decoded = try? PoolState(decoding: bytes) { _ = try decoded.encoded() }
        }
        #expect(divisions > 20, "hardly any damage that went through: a poor test")
    }
}

/// The header of an encoded request, as text.
private struct JSONText {
    var text: String

    init(_ request: [UInt8]) throws {
        let count = request[..<4].reduce(0) { $0 << 8 | Int($1) }
        text = String(decoding: request[4..<4 + count], as: UTF8.self)
    }

    /// Of the outermost object, which holds no others.
    var fields: [String] {
        text.split(whereSeparator: { "{,}".contains($0) }).compactMap { $0.split(separator: ":").first.map { String($0.filter { $0 != "\"" }) } }
    }
}
