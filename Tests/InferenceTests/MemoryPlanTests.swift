// SPDX-License-Identifier: Apache-2.0
import Inference
import TestSupport
import Testing

struct MemoryPlanTests {
    @Test(arguments: 0..<200) func buffersThatLiveTogetherNeverOverlap(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let needs = (0..<Int.random(in: 0...60, using: &random)).map { _ in
            let first = Int.random(in: -1...40, using: &random)
            return MemoryPlan.Need(bytes: Int.random(in: 0...5000, using: &random), life: first...Int.random(in: first...41, using: &random))
        }
        let plan = try #require(MemoryPlan(needs))
        #expect(plan.offsets.count == needs.count)
        let alive = (-1...41).map { step in needs.reduce(0) { $0 + ($1.life.contains(step) ? ($1.bytes + 63) / 64 * 64 : 0) } }
        #expect(plan.leastBytes == alive.max() && plan.leastBytes <= plan.bytes)
        for i in needs.indices {
            #expect(plan.offsets[i] % MemoryPlan.alignment == 0 && plan.offsets[i] + needs[i].bytes <= plan.bytes, "seed \(seed)")
            for j in needs.indices where j < i && needs[i].life.overlaps(needs[j].life) && needs[i].bytes > 0 && needs[j].bytes > 0 {
                let apart = plan.offsets[i] + needs[i].bytes <= plan.offsets[j] || plan.offsets[j] + needs[j].bytes <= plan.offsets[i]
                #expect(apart, "seed \(seed): \(i) and \(j)")
            }
        }
    }

    @Test func aChainNeedsItsTwoLargestNeighboursOnly() throws {
        let sizes = [640, 6400, 1280, 64, 3200]
        let needs = sizes.enumerated().map { MemoryPlan.Need(bytes: $1, life: $0...($0 + 1)) }
        let plan = try #require(MemoryPlan(needs))
        #expect(plan.bytes == 6400 + 1280 && plan.leastBytes == 6400 + 1280)
    }

    /// The largest first would take 640 bytes.
    @Test func theBestOfSeveralOrdersIsTaken() throws {
        let needs = [(192, 0...1), (128, 1...2), (192, 2...3), (64, 0...3), (256, 3...4)].map { MemoryPlan.Need(bytes: $0.0, life: $0.1) }
        let plan = try #require(MemoryPlan(needs))
        #expect(plan.bytes == 512 && plan.leastBytes == 512)
    }

    @Test func sizesThatOverflowHaveNoPlan() {
        #expect(MemoryPlan([.init(bytes: .max, life: 0...1)]) == nil)
        #expect(MemoryPlan([.init(bytes: 1 << 62, life: 0...1), .init(bytes: 1 << 62, life: 2...3)]) == nil)
    }
}
