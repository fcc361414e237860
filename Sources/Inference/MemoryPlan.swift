// SPDX-License-Identifier: Apache-2.0

/// Places buffers that live for some of the steps in as little memory as the greedy rule finds: largest first, each in the
/// lowest gap between those buffers that live at the same time.
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
    private let needs: [Need]

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
        var offsets = Array(repeating: 0, count: needs.count)
        var placed: [Int] = []
        var total = 0
        for index in needs.indices.sorted(by: { (sizes[$0], $1) > (sizes[$1], $0) }) {
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
        self.offsets = offsets
        bytes = total
        self.needs = needs
    }

    /// No arena can be smaller: the most that is alive during one step, each buffer rounded up to whole multiples of the alignment.
    package var leastBytes: Int {
        // Some buffer's life begins at the step where most is alive.
        Set(needs.map(\.life.lowerBound)).map { step in
            needs.reduce(0) { $0 + ($1.life.contains(step) ? ($1.bytes + Self.alignment - 1) / Self.alignment * Self.alignment : 0) }
        }.max() ?? 0
    }
}
