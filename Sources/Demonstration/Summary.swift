// SPDX-License-Identifier: Apache-2.0

/// What happened in one phase.
package struct PhaseSummary: Hashable, Sendable {
    package var condition: CloudCondition
    package var frames = 0
    package var decisions = 0
    package var local = 0
    package var cloud = 0
    package var unconfirmed = 0
    package var revisions = 0
    package var localCorrect = 0
    package var systemCorrect = 0
    /// Capture to the board's own answer, milliseconds; `nil` without a frame.
    package var localTimeP50: Double?
    package var localTimeP99: Double?

    /// Frames that were taken up and never decided.
    package var undecided: Int { frames - decisions }
    package var localAccuracy: Double { Double(localCorrect) / Double(max(frames, 1)) }
    package var systemAccuracy: Double { Double(systemCorrect) / Double(max(frames, 1)) }

    package init(condition: CloudCondition, records: some Sequence<FrameRecord>) {
        self.condition = condition
        var times: [Double] = []
        for record in records {
            frames += 1
            if record.localClass == record.trueClass { localCorrect += 1 }
            if let time = record.localTime { times.append(time.milliseconds) }
            if record.revisedClass != nil { revisions += 1 }
            guard let decision = record.decision else { continue }
            decisions += 1
            if decision.classIndex == record.trueClass { systemCorrect += 1 }
            switch decision.source {
            case .local: local += 1
            case .cloud: cloud += 1
            case .unconfirmed: unconfirmed += 1
            }
        }
        times.sort()
        localTimeP50 = times.quantile(0.50)
        localTimeP99 = times.quantile(0.99)
    }
}

/// The demonstration as a whole.
package struct Summary: Sendable {
    package var phases: [PhaseSummary]
    package var total: PhaseSummary
    /// System accuracy less local accuracy over the frames of the connected phases.
    package var connectedGain: PairedDifference
    package var droppedFrames: UInt64

    package init(records: [FrameRecord], phases: [Phase], droppedFrames: UInt64) {
        self.phases = phases.enumerated().map { index, phase in
            PhaseSummary(condition: phase.condition, records: records.lazy.filter { $0.phase == index })
        }
        total = PhaseSummary(condition: .connected, records: records)
        connectedGain = PairedDifference(
            records: records.filter { phases[$0.phase].condition == .connected })
        self.droppedFrames = droppedFrames
    }
}

extension [Double] {
    /// The smallest element that a share `p` of the sorted elements doesn't exceed; `nil` when empty.
    package func quantile(_ p: Double) -> Double? {
        isEmpty ? nil : self[Swift.min(Int((p * Double(count)).rounded(.up)) - 1, count - 1).clampedToZero]
    }
}

extension Int {
    fileprivate var clampedToZero: Int { Swift.max(self, 0) }
}

extension Duration {
    package var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15
    }
}
