// SPDX-License-Identifier: Apache-2.0
import BrokerTestSupport
import Foundation
import Glibc
import Rehearsal
import TestSupport
import Testing

extension ProcessTests {
    /// Mosquitto's own clients beside ours, by Config/protocol.md.
    @Suite struct ForeignClientTests {
        /// mosquitto_sub on topics whose payloads are JSON; each line is a topic and a payload.
        private func listener(_ trio: Trio) throws -> Program {
            let path = try #require(ChildProcess.find("mosquitto_sub"))
            let topics = ["d/+/up/status", "d/+/up/evt/#", "d/+/up/tele", "d/+/dn/infer", "c/#"].flatMap { ["-t", "swiftlet/v1/" + $0] }
            return try Program(path, ["-V", "mqttv5", "-h", "127.0.0.1", "-p", "\(trio.broker.port)", "-q", "1", "-F", "%t %p"] + topics)
        }

        /// Waits for a message on a topic for whose payload `condition` holds.
        @discardableResult
        private func message(
            _ listener: Program, on topic: String, from start: Int = 0, where condition: @escaping @Sendable ([String: Any]) -> Bool
        ) async throws -> String {
            let prefix = "swiftlet/v1/\(topic) "
            return try await listener.output(from: start) { line in
                guard line.hasPrefix(prefix) else { return false }
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8.dropFirst(prefix.utf8.count))) as? [String: Any]
                return object.map { $0["v"] as? Int == 1 && condition($0) } ?? false
            }
        }

        @Test func aForeignClientSeesStatusPoolStateAnswersAndDecisions() async throws {
            let trio = try await Trio()
            let listener = try listener(trio)
            let worker = try await trio.startWorker()
            let agent = try trio.startAgent(publishes: true)
            try await message(listener, on: "c/worker/worker-1/status") { $0["state"] as? String == "online" }
            try await message(listener, on: "c/pool/flight/state") { state in
                state["online"] as? Bool == true && state["worker"] as? String == "worker-1" && (state["task"] as? String)?.utf8.count == 64
            }
            try await message(listener, on: "d/board-1/up/status") {
                $0["state"] as? String == "online" && ($0["boot"] as? String)?.utf8.count == 32 && $0["session"] is Int
            }
            try await message(listener, on: "d/board-1/dn/infer") { $0["status"] as? String == "ok" && $0["answer"] is [String: Any] }
            try await message(listener, on: "d/board-1/up/evt/decision") { $0["frame"] is Int && $0["source"] is String && $0["latency_ms"] is Double }

            // An agent that is killed leaves its will, one that ends says so itself.
            agent.kill(SIGKILL)
            _ = try await agent.ending()
            try await message(listener, on: "d/board-1/up/status") { $0["state"] as? String == "offline" }
            let again = listener.position
            let second = try trio.startAgent()
            try await message(listener, on: "d/board-1/up/status", from: again) { $0["state"] as? String == "online" }
            try await second.cloudDecision()
            try await trio.finish(second)
            try await message(listener, on: "d/board-1/up/status", from: again) { $0["state"] as? String == "stopped" }
            try await message(listener, on: "d/board-1/up/tele", from: again) { $0["taken"] as? Int ?? 0 > 0 && $0["class_confidences"] is [String: Any] }

            worker.kill(SIGTERM)
            #expect(try await worker.ending() == .exited(0))
            try await message(listener, on: "c/pool/flight/state") { $0["online"] as? Bool == false }
            try await message(listener, on: "c/worker/worker-1/status") { $0["state"] as? String == "stopped" }
            listener.kill(SIGTERM)
        }

        @Test func aWorkerThatIsKilledIsReportedByTheBroker() async throws {
            let trio = try await Trio()
            let listener = try listener(trio)
            let worker = try await trio.startWorker()
            try await message(listener, on: "c/worker/worker-1/status") { $0["state"] as? String == "online" }
            worker.kill(SIGKILL)
            try await message(listener, on: "c/worker/worker-1/status") { $0["state"] as? String == "offline" }
            listener.kill(SIGTERM)
        }

        @Test func garbageOnEveryTopicIsCountedAndHarmless() async throws {
            let trio = try await Trio()
            let worker = try await trio.startWorker()
            let agent = try trio.startAgent()
            try await agent.cloudDecision()
            let nested = try trio.folder.write("nested", String(repeating: "[", count: 50_000))
            let noise = try trio.folder.write("noise", (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 167 >> 3) })
            // A length of a header that is larger than all there is.
            let greedy = try trio.folder.write("greedy", [0x7F, 0xFF, 0xFF, 0xFF, 0x7B, 0x7D] as [UInt8])
            let payloads = [["-m", "garbage"], ["-n"], ["-m", "{\"v\":1}"], ["-m", "{\"v\":2,\"state\":\"online\"}"], ["-f", nested], ["-f", noise], ["-f", greedy]]
            let both = ["c/pool/flight/state", "c/worker/worker-1/status", "c/worker/other/status"]
            let agents = ["d/board-1/dn/infer", "d/board-1/up/status"]
            let workers = ["d/board-1/up/infer/flight", "d/other/up/infer/flight", "d/board-1/up/cancel/flight"]
            for topic in both + agents + workers {
                for payload in payloads {
                    let ending = try run(
                        "mosquitto_pub", ["-V", "mqttv5", "-h", "127.0.0.1", "-p", "\(trio.broker.port)", "-q", "1", "-t", "swiftlet/v1/" + topic] + payload)
                    #expect(ending == .exited(0))
                }
            }
            let after = agent.position
            try await agent.decided(10, from: after)
            let later = agent.position
            try await agent.cloudDecision(from: later)
            #expect(worker.isRunning)
            try await trio.finish(agent)
            let damaged = try agent.statistics()["damaged_messages"] as? Int
            #expect(damaged == (both.count + agents.count) * payloads.count)
            worker.kill(SIGTERM)
            #expect(try await worker.ending() == .exited(0))
            let counted = (both.count + workers.count) * payloads.count
            #expect(worker.errors.last?.hasSuffix(" \(counted) damaged messages") == true, "\(worker.errors)")
        }
    }
}
