// SPDX-License-Identifier: Apache-2.0

/// Places buffers that live for some of the steps in as little memory as a greedy rule finds: each in the lowest gap between those
/// buffers that live at the same time, in the best of a few orders.
package struct MemoryPlan: Sendable {
    /// What one buffer needs.
    package struct Need: Hashable, Sendable {
        package var bytes: Int
        /// The first and the last step at which the contents matter.
        package var life: ClosedRange<Int>

        package init(bytes: Int, life: ClosedRange<Int>) {
            self.bytes = bytes
            self.life = life
        }
    }

    /// Every offset is a multiple of it.
    package static let alignment = 64

    /// One a need, in bytes from the start of the arena.
    package let offsets: [Int]
    /// The size of the arena.
    package let bytes: Int
    /// No arena can be smaller: the most that is alive during one step, each buffer rounded up to whole multiples of the alignment.
    package let leastBytes: Int

    /// `nil` where the sizes overflow.
    package init?(_ needs: [Need]) {
        var sizes: [Int] = []
        var sum = 0
        for need in needs {
            let (padded, tooLarge) = need.bytes.addingReportingOverflow(Self.alignment - 1)
            sizes.append(padded / Self.alignment * Self.alignment)
            let (next, overflow) = sum.addingReportingOverflow(sizes[sizes.count - 1])
            guard !tooLarge, !overflow else { return nil }
            sum = next
        }
        leastBytes = Self.mostAlive(needs, sizes)
        var best: (offsets: [Int], bytes: Int) = ([], .max)
        for rank in Self.ranks where best.bytes > leastBytes {
            let ranks = needs.indices.map { rank(needs[$0], sizes[$0]) }
            let order = needs.indices.sorted { (ranks[$0], sizes[$0], $1) > (ranks[$1], sizes[$1], $0) }
            let placement = Self.placement(of: order, needs, sizes)
            if placement.bytes < best.bytes { best = placement }
        }
        (offsets, bytes) = best
    }

    /// What comes first is placed first: the largest, what takes most memory for most steps, what lives longest, what is needed first.
    private static let ranks: [@Sendable (Need, _ size: Int) -> Double] = [
        { _, size in Double(size) }, { need, size in Double(size) * Double(need.life.count) }, { need, _ in Double(need.life.count) },
        { need, _ in -Double(need.life.lowerBound) },
    ]

    /// The greedy rule for one order.
    private static func placement(of order: [Int], _ needs: [Need], _ sizes: [Int]) -> (offsets: [Int], bytes: Int) {
        var offsets = Array(repeating: 0, count: needs.count)
        var placed: [Int] = []
        var total = 0
        for index in order {
            var offset = 0
            // `placed` is ordered by offset: the first gap that is wide enough is the lowest one.
            for other in placed where needs[other].life.overlaps(needs[index].life) {
                guard offset + sizes[index] > offsets[other] else { break }
                offset = max(offset, offsets[other] + sizes[other])
            }
            offsets[index] = offset
            total = max(total, offset + sizes[index])
            placed.insert(index, at: placed.firstIndex { offsets[$0] > offset } ?? placed.count)
        }
        return (offsets, total)
    }

    private static func mostAlive(_ needs: [Need], _ sizes: [Int]) -> Int {
        // Some buffer's life begins at the step where most is alive; what ends before it has made room.
        let begins = needs.indices.sorted { needs[$0].life.lowerBound < needs[$1].life.lowerBound }
        let ends = needs.indices.sorted { needs[$0].life.upperBound < needs[$1].life.upperBound }
        var (alive, most, ended) = (0, 0, 0)
        for index in begins {
            while needs[ends[ended]].life.upperBound < needs[index].life.lowerBound {
                alive -= sizes[ends[ended]]
                ended += 1
            }
            alive += sizes[index]
            most = max(most, alive)
        }
        return most
    }
}
