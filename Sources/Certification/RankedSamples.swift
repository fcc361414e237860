// SPDX-License-Identifier: Apache-2.0
package import Gating

/// Samples in the order in which a gate takes them in as its threshold falls, surest first.
///
/// Damaged outputs and scores that aren't finite numbers are never accepted, but they count as samples.
package struct RankedSamples: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        /// The score, turned so that higher is surer; −∞ for what is never accepted.
        var rank: Double
        /// Losses of accuracy, −1, 0 or 1.
        var acceptedLoss: Int8
        var escalatedLoss: Int8
        var harms: Int8
        var errors: Int8
        var disagreements: Int8
    }

    package let measure: Measure
    /// Samples that the full model has right.
    package let fullRight: Int
    /// Samples that the local network has right.
    package let localRight: Int
    /// Whether every sample has its true class.
    package let isLabelled: Bool
    /// Those that are never accepted stand last.
    let entries: [Entry]
    /// The ends of groups with equal scores in `entries`, ascending, without those that are never accepted.
    let groupEnds: [Int]

    package init(_ samples: [PairedSample], by measure: Measure) {
        self.measure = measure
        fullRight = samples.count { $0.fullIsRight }
        localRight = samples.count { $0.localIsRight }
        isLabelled = samples.allSatisfy { $0.label != nil }
        let entries = samples.map { Entry($0, by: measure) }.sorted { $0.rank > $1.rank }
        groupEnds = entries.indices.compactMap { index in
            guard entries[index].rank > -.infinity else { return nil }
            return index + 1 == entries.count || entries[index].rank != entries[index + 1].rank ? index + 1 : nil
        }
        self.entries = entries
    }

    package var count: Int { entries.count }

    /// The threshold at which a gate accepts the entries before `end`, which is above 0.
    func threshold(end: Int) -> Double { measure.risesWithConfidence ? entries[end - 1].rank : -entries[end - 1].rank }

    /// What a gate does that accepts the entries before `end`.
    func outcome(end: Int) -> Outcome {
        var outcome = Outcome()
        for (position, entry) in entries.enumerated() {
            outcome.escalate(entry)
            if position < end { outcome.accept(entry) }
        }
        return outcome
    }

    /// Lowers the threshold from one that accepts nothing, group by group, until one isn't proved.
    ///
    /// - Parameter times: how often each entry was drawn; `nil` for once each. A group that wasn't drawn at all is no place to stop.
    func walk(_ test: RiskTest, times: [Int]? = nil) -> Walk {
        var outcome = Outcome()
        for index in entries.indices { outcome.escalate(entries[index], times: times?[index] ?? 1) }
        guard test.proves(outcome) else { return Walk(proven: nil, failed: outcome) }
        var proven = (end: 0, outcome: outcome)
        var start = 0
        for end in groupEnds {
            for index in start..<end { outcome.accept(entries[index], times: times?[index] ?? 1) }
            start = end
            if outcome.accepted == proven.outcome.accepted { continue }
            guard test.proves(outcome) else { return Walk(proven: proven, failed: outcome) }
            proven = (end, outcome)
        }
        return Walk(proven: proven, failed: nil)
    }

    /// How far a threshold fell.
    struct Walk {
        /// The end of the last group that is proved, 0 where only accepting nothing is, and what the gate does there.
        var proven: (end: Int, outcome: Outcome)?
        /// What the gate does at the first threshold that isn't proved; `nil` where all are.
        var failed: Outcome?
    }
}

extension RankedSamples.Entry {
    fileprivate init(_ sample: PairedSample, by measure: Measure) {
        let score = sample.confidence?[measure] ?? .nan
        let turned = measure.risesWithConfidence ? score : -score
        self.init(
            rank: turned.isFinite ? turned : -.infinity, acceptedLoss: Int8(sample.loss(.accuracyLoss, accepted: true)),
            escalatedLoss: Int8(sample.loss(.accuracyLoss, accepted: false)), harms: Int8(sample.loss(.harm, accepted: true)),
            errors: sample.localIsRight ? 0 : 1, disagreements: sample.agreesWithUpload ? 0 : 1)
    }
}

/// What a gate does to the samples that were put through it, counted.
struct Outcome: Hashable, Sendable {
    var accepted = 0
    /// Accepted samples that only the full model has right.
    var harms = 0
    /// Accepted samples that the local network has wrong.
    var errors = 0
    /// Accepted samples of which the full model says another class by their upload.
    var disagreements = 0
    /// Samples, accepted or not, that the full model has right and the system hasn't.
    var losses = 0
    /// Samples, accepted or not, that the system has right and the full model hasn't.
    var gains = 0

    mutating func escalate(_ entry: RankedSamples.Entry, times: Int = 1) { add(entry.escalatedLoss, times) }

    /// Accepts what was escalated before.
    mutating func accept(_ entry: RankedSamples.Entry, times: Int = 1) {
        add(entry.escalatedLoss, -times)
        add(entry.acceptedLoss, times)
        accepted += times
        harms += times * Int(entry.harms)
        errors += times * Int(entry.errors)
        disagreements += times * Int(entry.disagreements)
    }

    private mutating func add(_ loss: Int8, _ times: Int) {
        if loss > 0 { losses += times } else if loss < 0 { gains += times }
    }

    func loss(_ risk: Certificate.Risk) -> Int {
        switch risk {
        case .harm: harms
        case .accuracyLoss: losses - gains
        }
    }
}

extension RiskTest {
    func proves(_ outcome: Outcome) -> Bool {
        switch risk {
        case .harm: proves(losses: outcome.harms, gains: 0)
        case .accuracyLoss: proves(losses: outcome.losses, gains: outcome.gains)
        }
    }
}
