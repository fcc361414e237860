// SPDX-License-Identifier: Apache-2.0
import Agent
import CAllocations
import Frames
import Gating
import Images
import Networks
import Settings
import Synchronization
import TestSupport
import Testing

/// How often the frame thread reserves memory, from one frame to the next: in optimised code, since else closures and generics do.
@Suite(.timeLimit(.minutes(1)), .enabled(if: !_isDebugAssertConfiguration(), "needs optimised code"))
struct FramePathMemoryTests {
    /// Counts that the frame thread notes down, in memory of their own.
    final class Counts: Sendable {
        private let counts: Mutex<[Int]>

        init(capacity: Int) {
            var empty: [Int] = []
            empty.reserveCapacity(capacity)
            counts = Mutex(empty)
        }

        func note() { counts.withLock { $0.append(Int(allocations_of_this_thread())) } }

        /// Each frame's own.
        var differences: [Int] {
            let counts = counts.withLock { $0 }
            return zip(counts.dropFirst(), counts).map { $0 - $1 }
        }
    }

    static let frames = 60
    /// Until every verdict was there, every buffer has its size and every time is remembered.
    static let warmUp = 10

    /// What the frame thread reserves for each frame, but for the first ones and the last.
    static func allocations(_ bundle: Bundle, _ images: [Image], settings change: (inout AgentSettings) -> Void) throws -> (counts: [Int], statistics: AgentStatistics) {
        let counts = Counts(capacity: frames)
        let source = ManualSource()
        let agent = try Agent(
            settings: AgentFixtures.settings(change), bundle: bundle, source: source.source, link: nil, clock: ManualClock().clock, logger: AgentFixtures.quiet,
            outputs: Agent.Outputs(onTaken: { _ in counts.note() }))
        try agent.start()
        for frame in 0..<frames { source.push(UInt64(frame), images[frame % images.count]) }
        source.push(.ended)
        agent.waitUntilFinished()
        agent.stop()
        return (Array(counts.differences.dropFirst(warmUp)), agent.statistics)
    }

    @Test func aSecondLookReservesNoMemory() throws {
        for kind in BundleDetails.OutputKind.all {
            // The second: accepted at once, and not looked at again.
            let (counts, statistics) = try Self.allocations(
                AgentFixtures.bundle(gain: kind == .logits ? 20 : 1, kind: kind), [AgentFixtures.unclear, AgentFixtures.unclear, AgentFixtures.clear]
            ) { $0.secondLook = kind == .logits ? 0.9 : 1 }
            #expect(statistics.secondLooks >= Self.frames * 2 / 3 && statistics.decisions.taken == Self.frames && statistics.decisions.faults == 0)
            #expect(counts.count == Self.frames - 1 - Self.warmUp && counts.allSatisfy { $0 == 0 }, "\(kind): \(counts)")
        }
    }

    /// Exits, cancelled questions and answered ones; what crosses the cut goes through buffers that are there already.
    @Test func framesUnderPlansReserveNoMemory() async throws {
        let counts = Counts(capacity: Self.frames)
        let source = ManualSource()
        let cloud = ManualCloud(answer: PlanFixtures.cloudAnswer)
        let agent = try Agent(
            settings: AgentFixtures.settings { $0.plan = PlanFixtures.policy(inFlight: 8) }, bundle: PlanFixtures.bundle(), source: source.source, link: cloud,
            clock: ManualClock().clock, logger: AgentFixtures.quiet, outputs: Agent.Outputs(onTaken: { _ in counts.note() }), assuming: .init(times: PlanFixtures.times()))
        var planned = cloud.planned.makeAsyncIterator()
        try agent.start()
        _ = await cloud.plan(with: "send cut 1", &planned)
        let images = [PlanFixtures.clear, PlanFixtures.middling, PlanFixtures.unclear]
        for frame in 0..<Self.frames { source.push(UInt64(frame), images[frame % images.count]) }
        source.push(.ended)
        await Task.detached { agent.waitUntilFinished() }.value
        agent.stop()
        let differences = Array(counts.differences.dropFirst(Self.warmUp))
        #expect(differences.count == Self.frames - 1 - Self.warmUp && differences.allSatisfy { $0 == 0 }, "\(differences)")
        let statistics = agent.statistics
        #expect(statistics.plans?.exits[0] == UInt64(Self.frames / 3) && statistics.decisions.asked > 0)
    }

    /// The certified gate brings the second look; its rung is asked for, and the ladder counts.
    @Test func aCertifiedGateWithASecondLookReservesNoMemory() throws {
        var bundle = AgentFixtures.certifiedBundle()
        bundle.details.certifiedGate?.secondLook = 0.9
        let folder = TemporaryFolder()
        let (counts, statistics) = try Self.allocations(bundle, [AgentFixtures.unclear, AgentFixtures.clear]) { $0.state = folder.path }
        #expect(statistics.secondLooks == Self.frames / 2 && statistics.audit?.rung == 0)
        #expect(counts.allSatisfy { $0 == 0 }, "\(counts)")
    }
}

extension BundleDetails.OutputKind {
    fileprivate static let all: [Self] = [.logits, .probabilities]
}
