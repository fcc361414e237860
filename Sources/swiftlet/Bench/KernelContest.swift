// SPDX-License-Identifier: Apache-2.0

/// Kernels that compute the same layer, measured in turn.
package struct KernelContest {
    /// One kernel, ready to run.
    struct Contestant {
        var kernel: String
        var run: () -> Void
    }

    struct Result {
        var kernel: String
        /// Of one run, in microseconds.
        var shortest: Double
        /// Shortest of each round; as many for every contestant that wasn't hopeless.
        fileprivate var rounds: [Double]

        var isHopeless: Bool { rounds.isEmpty }
        /// Of the rounds, in microseconds; of a hopeless one the first run.
        var median: Double { isHopeless ? shortest : rounds.median }
    }

    /// What the layers are, and in how many places of the network they are.
    package var layer: String
    package var places: Int
    /// Multiplications with addition of one run.
    var macs: Int
    var contestants: [Contestant]
    /// The dispatcher's choice.
    var pick: Int

    private static let clock = ContinuousClock()
    /// Of one contestant in a round; and how much slower than the fastest one is measured no more.
    private static let turn = Duration.microseconds(400)
    private static let hopeless = 3.0

    /// Round after round, every contestant in turn.
    func measured(rounds: Int) -> [Result] {
        var results = contestants.map { contestant -> Result in
            contestant.run()
            return Result(kernel: contestant.kernel, shortest: Self.shortest(contestant, runs: 1), rounds: [])
        }
        let first = results.map(\.shortest).min() ?? 0
        let remaining = results.indices.filter { $0 == pick || results[$0].shortest <= Self.hopeless * first }
        for _ in 0..<rounds {
            for index in remaining {
                let runs = max(1, Int(Self.turn.milliseconds * 1000 / max(results[index].shortest, 0.1)))
                let time = Self.shortest(contestants[index], runs: runs)
                results[index].rounds.append(time)
                results[index].shortest = min(results[index].shortest, time)
            }
        }
        return results
    }

    /// The pick's time ÷ that of the kernel which is fastest by the median of its rounds: the median, over the rounds, of the ratio within
    /// the round. 1 where the pick is the fastest.
    func loss(_ results: [Result]) -> Double {
        let known = results.filter { !$0.isHopeless }
        guard let best = known.min(by: { $0.rounds.median < $1.rounds.median }) else { return 1 }
        return max(1, zip(results[pick].rounds, best.rounds).map { $0 / $1 }.median)
    }

    private static func shortest(_ contestant: Contestant, runs: Int) -> Double {
        var shortest = Duration.seconds(3600)
        for _ in 0..<runs {
            let start = clock.now
            contestant.run()
            shortest = min(shortest, clock.now - start)
        }
        return shortest.milliseconds * 1000
    }
}

extension [Double] {
    /// 0 for none.
    fileprivate var median: Double { isEmpty ? 0 : sorted()[count / 2] }
}
