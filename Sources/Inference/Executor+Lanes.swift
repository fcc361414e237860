// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// What one lane runs through: nodes of the backbone, from a cut of ``ExecutorOptions/cuts`` to another or to an exit, and then the head of that exit, if it has one.
package struct LaneRun: Hashable, Sendable {
    package var segment: Range<Int>
    package var head: Int?

    package init(segment: Range<Int>, head: Int? = nil) {
        self.segment = segment
        self.head = head
    }
}

/// What lanes gain by being run together, by entry of the program.
struct LaneGain {
    /// The first entry that is run for all lanes before the next one is; the end where that never pays.
    var start: Int
    /// An input's shares, in seconds: entry after entry, and all lanes' entry by entry.
    var alone: [Double]
    var together: [Double]

    init(entries: Int) {
        start = entries
        alone = Array(repeating: 0, count: entries)
        together = alone
    }

    /// Begins where least time is taken in all.
    init(alone: [Double], together: [Double]) {
        (self.alone, self.together) = (alone, together)
        var (best, gained) = (0.0, 0.0)
        start = alone.count
        for entry in alone.indices.reversed() {
            gained += alone[entry] - together[entry]
            if gained > best { (best, start) = (gained, entry) }
        }
    }
}

/// Several inputs under way at once, each in a lane of its own (``ExecutorOptions/lanes``).
///
/// Early in a network images are large and weights are few: there each lane runs by itself, while its image is near. Late it is the other way round, and a step
/// is run for all lanes before the next one, so that its weights are fetched once. Where that begins, ``measureLanes()`` finds out. Each lane's results are
/// those of a run by itself, bit for bit, whatever else is under way.
extension Executor {
    package var lanes: Int { program.memories.count }

    /// Runs the first lanes on what lies in their memory, one run each: what ``begin(pixels:lane:)`` or ``load(_:at:lane:)`` has put there. It reserves
    /// memory for a few numbers.
    package func run(lanes runs: [LaneRun]) throws(InferenceError) {
        precondition(runs.count <= lanes, "\(runs.count) runs in \(lanes) lanes")
        var wanted: [Range<Int>] = []
        for run in runs { wanted.append(try entries(of: run.segment)) }
        func isWanted(_ entry: Int, lane: Int) -> Bool {
            guard let head = program.heads[entry] else { return wanted[lane].contains(entry) && !isDone(entry, lane: lane) }
            return head == runs[lane].head
        }
        for lane in runs.indices {
            for entry in 0..<gain.start where isWanted(entry, lane: lane) { try program.run(entry: entry, lane: lane) }
        }
        for entry in gain.start..<program.entries.count {
            let lanes = runs.indices.filter { isWanted(entry, lane: $0) }
            if !lanes.isEmpty { try program.run(entry: entry, lanes: lanes) }
        }
    }

    /// The share of the time that is left, for such inputs, when all lanes are run together instead of one after another, as ``measureLanes()`` has seen it: 1 where
    /// nothing is gained.
    package func laneCost(of run: LaneRun) throws(InferenceError) -> Double {
        let segment = try entries(of: run.segment)
        let entries = program.entries.indices.filter { program.heads[$0].map { $0 == run.head } ?? segment.contains($0) }
        let alone = entries.reduce(0) { $0 + gain.alone[$1] }
        let together = entries.reduce(0) { $0 + ($1 < gain.start ? gain.alone[$1] : gain.together[$1]) }
        return alone > 0 ? min(together / alone, 1) : 1
    }

    /// The first step of the ``plan`` that is run for all lanes before the next one; `nil` where that never pays.
    package var firstSharedStep: Int? { gain.start < program.entries.count ? gain.start : nil }

    /// Runs steps from `step` on for all lanes at once, instead of what ``measureLanes()`` finds: for tests.
    package func shareSteps(from step: Int) { gain.start = min(step, program.entries.count) }

    /// Finds out from which step on lanes are better run together, by running the network in every lane, both ways, three times: it takes as long as six times as many
    /// inputs as there are lanes. Where that never pays, one lane is left. Results don't depend on it.
    package func measureLanes() throws(InferenceError) {
        guard lanes > 1 else { return }
        // What a run takes hardly depends on the numbers.
        let inputs = inputs.map { value in
            let bytes = value.shape.elementCount * value.type.size
            return Tensor(type: value.type, shape: value.shape, storage: unsafe TensorStorage(count: bytes) { unsafe $0.initializeMemory(as: UInt8.self, repeating: 0) })
        }
        let count = program.entries.count
        let clock = ContinuousClock()
        var alone = Array(repeating: Double.infinity, count: count)
        var together = alone
        func time(_ body: () throws(InferenceError) -> Void) throws(InferenceError) -> Double {
            let start = clock.now
            try body()
            return (clock.now - start) / .seconds(1)
        }
        for _ in 0..<3 {
            var sums = Array(repeating: 0.0, count: count)
            for _ in 0..<lanes {
                try fill(inputs)
                for entry in 0..<count { sums[entry] += try time { () throws(InferenceError) in try program.run(entry: entry) } }
            }
            for entry in 0..<count { alone[entry] = min(alone[entry], sums[entry] / Double(lanes)) }
            for lane in 0..<lanes { try fill(inputs, lane: lane) }
            for entry in 0..<count {
                let taken = try time { () throws(InferenceError) in try program.run(entry: entry, lanes: Array(0..<lanes)) }
                together[entry] = min(together[entry], taken / Double(lanes))
            }
        }
        gain = LaneGain(alone: alone, together: together)
        if firstSharedStep == nil { program.keepOneLane() }
    }
}
