// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import FoundationEssentials
import Gating
import Testing

struct DecisionRecordTests {
    static let labels = ["tree", "say \"hi\"\n\\"]

    static func line(_ decision: Decision, time: Duration = .milliseconds(1_790_000_000_123)) -> String {
        String(decoding: DecisionRecord(decision: decision, time: time, uptime: .microseconds(5_000_250)).json(labels: labels), as: UTF8.self)
    }

    static func answer(_ index: Int, _ confidence: Double) -> Answer {
        .classification(Classification(classIndex: index, confidence: confidence))
    }

    @Test func aDecisionIsOneLineInTheDocumentedOrder() {
        #expect(
            Self.line(Decision(frame: 12, source: .local, answer: Self.answer(0, 0.93), latency: .microseconds(12_345)))
                == #"{"frame":12,"time":"2026-09-21T14:13:20.123Z","uptime_ms":5000.25,"label":"tree","class":0,"confidence":0.93,"source":"local","latency_ms":12.345}"#
        )
        #expect(
            Self.line(
                Decision(
                    frame: 3, name: "a.png", source: .cloud, answer: Self.answer(1, 1), localAnswer: Self.answer(7, 1 / 3.0),
                    latency: .seconds(1), isRevision: true), time: .zero)
                == #"{"frame":3,"name":"a.png","time":"1970-01-01T00:00:00.000Z","uptime_ms":5000.25,"label":"say \"hi\"\u000a\\","class":1,"confidence":1,"source":"cloud","latency_ms":1000,"local":{"label":null,"class":7,"confidence":0.333333},"revises":3}"#
        )
        #expect(
            Self.line(Decision(frame: 0, source: .localUnconfirmed, answer: nil, fault: .notANumber, latency: .zero))
                == #"{"frame":0,"time":"2026-09-21T14:13:20.123Z","uptime_ms":5000.25,"label":null,"class":null,"confidence":null,"source":"local-unconfirmed","latency_ms":0,"fault":"not-a-number"}"#
        )
        let box = Box(left: 0.1, top: 0.25, right: 0.5, bottom: 1)
        #expect(
            Self.line(
                Decision(
                    frame: 1, source: .local, answer: .detections([Detection(classIndex: 0, confidence: 0.5, box: box)]), latency: .milliseconds(2)))
                == #"{"frame":1,"time":"2026-09-21T14:13:20.123Z","uptime_ms":5000.25,"objects":[{"label":"tree","class":0,"confidence":0.5,"box":[0.1,0.25,0.5,1]}],"source":"local","latency_ms":2}"#
        )
    }

    @Test func timestampsFollowTheCalendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_399, "2000-02-28T23:59:59.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
            (4_102_444_800, "2100-01-01T00:00:00.000Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] as [(Int, String)] {
            #expect(DecisionRecord.timestamp(.seconds(seconds)) == text)
        }
    }

    /// Whatever is written has the keys of `Config/decision.schema.json`, those that it requires among them.
    @Test func linesHaveTheKeysOfTheSchema() throws {
        struct Schema: Decodable {
            struct Form: Decodable {}
            var required: [String]
            var properties: [String: Form]
        }
        struct Key: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
        struct Keys: Decodable {
            var keys: [String]
            init(from decoder: any Decoder) throws { keys = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue) }
        }
        let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let schema = try JSONDecoder().decode(Schema.self, from: Data(contentsOf: URL(filePath: root + "/Config/decision.schema.json")))
        var seen: Set<String> = []
        let answers: [Answer?] = [Self.answer(0, 0.5), .detections([]), nil]
        for answer in answers {
            for source in Decision.Source.allCases {
                let decision = Decision(
                    frame: 1, name: "n", source: source, answer: answer, carriedFrom: source == .carried ? 0 : nil, localAnswer: Self.answer(1, 0.2), exit: 1, plan: 3,
                    sentBytes: 700, fault: .overflow, latency: .zero,
                    isRevision: true)
                let keys = try JSONDecoder().decode(Keys.self, from: Data(Self.line(decision).utf8)).keys
                #expect(Set(keys).isSubset(of: schema.properties.keys) && Set(schema.required).isSubset(of: keys))
                #expect(keys.contains("objects") != keys.contains("label"))
                seen.formUnion(keys)
            }
        }
        #expect(seen == Set(schema.properties.keys))
    }
}
