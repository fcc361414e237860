// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Rehearsal
import TestSupport
import Testing

/// Broker, worker and agent, each a process of its own.
struct Trio {
    let folder = TemporaryFolder()
    let broker: PrivateBroker
    let bundles: FlightBundles

    init() async throws {
        bundles = try await FlightBundles.shared
        broker = try PrivateBroker()
    }

    /// Starts the worker and waits until it is connected.
    func startWorker() async throws -> Program {
        let settings = try folder.write("cloud.yaml", bundles.workerSettings(port: broker.port))
        let worker = try Program("swiftlet", ["serve", "--config", settings])
        try await worker.error(containing: "connected to 127.0.0.1")
        return worker
    }

    func startAgent(publishes: Bool = false) throws -> Program {
        let settings = try folder.write(
            "agent.yaml",
            bundles.agentSettings(source: "flight: {seed: 900001, rate: 20 fps}", port: broker.port, recovers: true, publishes: publishes))
        return try Program("swiftletd", ["--config", settings])
    }

    /// An agent that sends every frame as it is, and computes it as well.
    func startPlannedAgent() async throws -> Program {
        let board = folder("planned.swiftlet")
        let tabulated = try await tool(["tabulate", bundles.board, "--pair", bundles.cloud, "--images", bundles.frames, "--limit", "24", "-o", board])
        try #require(tabulated.ending == .exited(0), "\(tabulated)")
        let policy = try folder.write("policy.yaml", "only: \"send cut 0 as PNG, on to exit 0 ≥ 0.999\"\ntargets: [{figure: latency}]\n")
        let settings = bundles.agentSettings(source: "flight: {seed: 900001, rate: 20 fps}", port: broker.port, recovers: true)
            .replacing(bundles.board, with: board).appending("plan: {policy: \"\(policy)\"}\ndeadline: 200 ms\n")
        return try Program("swiftletd", ["--config", try folder.write("agent.yaml", settings)])
    }

    /// Ends an agent, which must be in order, and checks that each frame that it took up has its one decision by the deadline.
    func finish(_ agent: Program) async throws {
        agent.kill(SIGTERM)
        #expect(try await agent.ending() == .exited(0))
        let decisions = agent.decisions()
        let frames = decisions.map(\.frame)
        #expect(Set(frames).count == frames.count)
        let statistics = try agent.statistics()
        #expect(statistics["taken"] as? Int == frames.count, "\(statistics)")
        #expect(statistics["dropped_lines"] as? Int == 0, "\(statistics)")
        // What wasn't taken up was replaced by a newer frame while the board was busy; that is counted.
        let replaced = try #require(statistics["replaced"] as? Int)
        let last = try #require(frames.max())
        #expect(Int(last) + 1 - frames.count <= replaced, "\(statistics)")
    }
}

extension ProcessTests {
    /// Each of the three is killed, and comes back.
    @Suite struct OutageTests {
        @Test func aWorkerThatIsKilledAndComesBackAnswersAgain() async throws {
            let trio = try await Trio()
            var worker = try await trio.startWorker()
            let agent = try trio.startAgent()
            try await agent.cloudDecision()
            worker.kill(SIGKILL)
            #expect(try await worker.ending() == .killed(signal: SIGKILL))
            let dead = agent.position
            try await agent.decided(20, from: dead)
            worker = try await trio.startWorker()
            let back = agent.position
            try await agent.cloudDecision(from: back)
            try await trio.finish(agent)
            worker.kill(SIGTERM)
            #expect(try await worker.ending() == .exited(0))
        }

        /// Stopped first, so that requests lie on its table when it is killed.
        @Test func underPlansAWorkerThatIsKilledOverItsRequestsCostsNoDecision() async throws {
            let trio = try await Trio()
            var worker = try await trio.startWorker()
            let agent = try await trio.startPlannedAgent()
            for _ in 0..<3 {
                let before = agent.position
                try await agent.cloudDecision(from: before)
                worker.kill(SIGSTOP)
                let stopped = agent.position
                try await agent.decided(3, from: stopped)
                worker.kill(SIGKILL)
                #expect(try await worker.ending() == .killed(signal: SIGKILL))
                let dead = agent.position
                try await agent.decided(12, from: dead)
                // Answers of before may still come out at first.
                let since = agent.decisions(from: dead).dropFirst(4)
                #expect(since.allSatisfy { $0.source != "cloud" }, "\(since)")
                worker = try await trio.startWorker()
            }
            try await agent.cloudDecision(from: agent.position)
            try await trio.finish(agent)
            // No decision waited longer than it may, the scheduler's moments aside.
            let late = agent.decisions().filter { $0.latency_ms > 300 }
            #expect(late.isEmpty, "\(late)")
            worker.kill(SIGTERM)
            #expect(try await worker.ending() == .exited(0))
        }

        @Test func agentAndWorkerComeBackToABrokerThatWasKilled() async throws {
            let trio = try await Trio()
            let worker = try await trio.startWorker()
            let agent = try trio.startAgent()
            try await agent.cloudDecision()
            trio.broker.crash()
            let dead = agent.position
            try await agent.decided(20, from: dead)
            // Cloud answers from before may still come out at first, never for frames that were taken up now.
            let during = agent.decisions(from: dead).dropFirst(10)
            #expect(during.allSatisfy { $0.source != "cloud" }, "\(during)")
            let back = agent.position
            try trio.broker.start()
            try await agent.cloudDecision(from: back)
            #expect(worker.isRunning)
            try await trio.finish(agent)
            worker.kill(SIGTERM)
            #expect(try await worker.ending() == .exited(0))
        }

        @Test func anAgentThatIsKilledDecidesAgainAtOnce() async throws {
            let trio = try await Trio()
            let worker = try await trio.startWorker()
            let first = try trio.startAgent()
            try await first.cloudDecision()
            first.kill(SIGKILL)
            #expect(try await first.ending() == .killed(signal: SIGKILL))
            let second = try trio.startAgent()
            try await second.output()
            #expect(second.decisions().first?.frame == 0)
            try await second.cloudDecision()
            #expect(worker.isRunning)
            try await trio.finish(second)
            worker.kill(SIGTERM)
            #expect(try await worker.ending() == .exited(0))
        }

        @Test func anAgentWithoutABrokerDecidesFromTheStartAndFindsItLater() async throws {
            let trio = try await Trio()
            trio.broker.crash()
            let agent = try trio.startAgent()
            try await agent.decided(10, from: 0)
            #expect(agent.decisions().allSatisfy { $0.source != "cloud" })
            try trio.broker.start()
            let worker = try await trio.startWorker()
            try await agent.cloudDecision()
            try await trio.finish(agent)
            worker.kill(SIGKILL)
        }
    }
}
