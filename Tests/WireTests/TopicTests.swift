// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct TopicTests {
    @Test func everyTopicIsReadBackFromItsText() {
        let device = ClientID("board-7")!
        let topics: [(Topic, String)] = [
            (.deviceStatus(device), "swiftlet/v1/d/board-7/up/status"),
            (.reported(device), "swiftlet/v1/d/board-7/up/reported"),
            (.event(device, .decision), "swiftlet/v1/d/board-7/up/evt/decision"),
            (.telemetry(device), "swiftlet/v1/d/board-7/up/tele"),
            (.request(device, ModelName("flight-full.2")!), "swiftlet/v1/d/board-7/up/infer/flight-full.2"),
            (.cancel(device, ModelName("flight-full.2")!), "swiftlet/v1/d/board-7/up/cancel/flight-full.2"),
            (.replies(device), "swiftlet/v1/d/board-7/dn/infer"),
            (.poolState(ModelName("flight_full")!), "swiftlet/v1/c/pool/flight_full/state"),
            (.workerStatus(ClientID("w")!), "swiftlet/v1/c/worker/w/status"),
        ]
        for (topic, text) in topics {
            #expect(topic.description == text)
            #expect(Topic(text) == topic)
        }
    }

    @Test(arguments: [
        "", "swiftlet/v1", "swiftlet/v1/", "swiftlet/v2/d/a/up/status", "swiftlet/v1/d//up/status", "swiftlet/v1/d/a/up", "swiftlet/v1/d/A/up/status",
        "swiftlet/v1/d/a/up/status/", "swiftlet/v1/d/a/up/infer", "swiftlet/v1/d/a/up/infer/", "swiftlet/v1/d/a/up/infer/m/x", "swiftlet/v1/d/+/up/infer/m",
        "swiftlet/v1/d/a/up/cancel", "swiftlet/v1/d/a/up/cancel/M", "swiftlet/v1/d/a/dn/cancel/m",
        "swiftlet/v1/c/pool/m", "swiftlet/v1/c/pool/m/state/x", "swiftlet/v1/d/ä/up/status",
        "swiftlet/v1/d/0123456789012345678901234567890123456/up/status",
    ])
    func anythingElseIsNoTopic(text: String) { #expect(Topic(text) == nil) }

    @Test func subscriptionsAreSpelledAsInTheProtocol() {
        #expect(TopicFilter.requests(pool: ClientID("workers")!, ModelName("m")!).description == "$share/workers/swiftlet/v1/d/+/up/infer/m")
        #expect(TopicFilter.cancellations(ModelName("m")!).description == "swiftlet/v1/d/+/up/cancel/m")
        #expect(TopicFilter.down(ClientID("a")!).description == "swiftlet/v1/d/a/dn/#")
    }
}
