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

/// Several inputs under way at once, each in a lane of its own (``ExecutorOptions/lanes``).
///
/// Early in a network images are large and weights are few: there each lane runs by itself, while its image is near. Late it is the other way round, and a step
/// is run for all lanes before the next one, so that its weights are fetched once. Where that begins, ``measureLanes()`` finds out, or the options say. Each lane's results are
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
            for entry in 0..<sharedFrom where isWanted(entry, lane: lane) { try program.run(entry: entry, lane: lane) }
        }
        for entry in sharedFrom..<program.entries.count {
            let lanes = runs.indices.filter { isWanted(entry, lane: $0) }
            if !lanes.isEmpty { try program.run(entry: entry, lanes: lanes) }
        }
    }

    /// The first step of the ``plan`` that is run for all lanes before the next one; `nil` where that never pays.
    package var firstSharedStep: Int? { sharedFrom < program.entries.count ? sharedFrom : nil }

    /// Finds out from which step on lanes are better run together, by running the network in every lane, both ways, three times: it takes as long as six times as many
    /// inputs as there are lanes; not where the options say it. Where that never pays, one lane is left. Results don't depend on it.
    package func measureLanes() throws(InferenceError) {
        guard lanes > 1, !isSharedFromGiven else { return }
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
        // From where least time is taken in all; less than a hundredth of it is no gain.
        sharedFrom = count
        var (gained, most) = (0.0, alone.reduce(0, +) / 100)
        for entry in alone.indices.reversed() {
            gained += alone[entry] - together[entry]
            if gained > most { (most, sharedFrom) = (gained, entry) }
        }
        if firstSharedStep == nil { program.keepOneLane() }
    }
}
