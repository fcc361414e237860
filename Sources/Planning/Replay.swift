// SPDX-License-Identifier: Apache-2.0
package import Certification

/// What a plan does with the samples of a calibration table: counts, so nothing is assumed about how exits depend on each other.
package struct Replay: Hashable, Sendable {
    /// Samples that one exit answers.
    package struct Answered: Hashable, Sendable {
        package var samples = 0
        package var right = 0
        /// Wrong where the full model is right.
        package var harms = 0

        package init(samples: Int = 0, right: Int = 0, harms: Int = 0) {
            (self.samples, self.right, self.harms) = (samples, right, harms)
        }
    }

    package var samples: Int
    /// For each gate those that it is the first to be sure of; of a plan that sends nothing, then one for the end.
    package var answered: [Answered]
    /// Those that are sent.
    package var sent = 0
    /// Of all those together, and of those of which the insurance is sure.
    package var sentBytes = 0
    package var insuredBytes = 0
    /// Of a plan that sends nothing, those of which nobody is as sure as the end must be.
    package var unsure = 0
    /// Those sent of which the insurance is sure: its answer, and beside it the cloud's.
    package var insured = Answered()
    package var cloudInstead = Answered()
    /// Those sent of which nobody on the board is sure: the cloud's answer, and the board's last one for want of it.
    package var cloud = Answered()
    package var forWant = Answered()
    /// The same samples where they can't be sent, so that the board goes on with them to the end.
    package var unsent = Answered()
    /// Those of them of which the end is as sure as the plan asks for, and must be.
    package var unsentSure = 0

    package init(samples: Int, answered: [Answered] = []) {
        (self.samples, self.answered) = (samples, answered)
    }

    /// The share of samples that is right where the cloud always answers, and before the insurance does.
    package var accuracy: Proportion { Proportion(answeredRight + cloudInstead.right + cloud.right, of: samples) }
    /// The same where the insurance, if it is sure, is always first.
    package var accuracyInsured: Proportion { Proportion(answeredRight + insured.right + cloud.right, of: samples) }
    /// The same where the cloud never answers.
    package var accuracyAlone: Proportion { Proportion(answeredRight + insured.right + forWant.right, of: samples) }

    private var answeredRight: Int { answered.reduce(0) { $0 + $1.right } }
}

extension CalibrationTable {
    /// - Parameter endFloor: a score below which the end's answer doesn't count, also where the plan takes any.
    /// - Precondition: the plan's exits and upload are of this table.
    package func replay(_ plan: Plan, endFloor: Double = 0) -> Replay {
        replay(plan, endFloor: endFloor, accepted: { accepted($0) }, sentBytes: { place, _, samples in samples.sum(of: sent[place].bytes) })
    }

    /// The same for one plan of many, which have gates and sets of samples in common.
    ///
    /// - Parameters:
    ///   - accepted: what ``accepted(_:)`` gives.
    ///   - sentBytes: the bytes of these samples, by the place of the upload in ``sent``: of all that the gates leave, or of those of them of which this
    ///     insurance is sure.
    func replay(_ plan: Plan, endFloor: Double, accepted: (Plan.Gate) -> SampleSet, sentBytes: (Int, Plan.Gate?, SampleSet) -> Int) -> Replay {
        var rest = SampleSet.all(of: samples)
        var replay = Replay(samples: samples)
        for gate in plan.gates {
            let sure = rest.intersection(accepted(gate))
            replay.answered.append(answer(of: sure, right: exits[gate.exit].right))
            rest = rest.subtracting(sure)
        }
        guard let upload = plan.upload else {
            replay.answered.append(answer(of: rest, right: exits[end].right))
            if endFloor > 0 { replay.unsure = rest.subtracting(accepted(Plan.Gate(exit: end, threshold: endFloor))).count }
            return replay
        }
        guard let place = sent.firstIndex(where: { $0.upload == upload }) else { preconditionFailure("\(upload) is not in the table") }
        replay.sent = rest.count
        replay.sentBytes = sentBytes(place, nil, rest)
        if let insurance = plan.insurance {
            let sure = rest.intersection(accepted(insurance))
            replay.insuredBytes = sentBytes(place, insurance, sure)
            replay.insured = answer(of: sure, right: exits[insurance.exit].right)
            replay.cloudInstead = answer(of: sure, right: sent[place].right)
            rest = rest.subtracting(sure)
        }
        replay.cloud = answer(of: rest, right: sent[place].right)
        replay.unsent = answer(of: rest, right: exits[end].right)
        let threshold = plan.insurance?.threshold ?? plan.gates.last?.threshold ?? 0
        replay.unsentSure = rest.intersection(accepted(Plan.Gate(exit: end, threshold: max(threshold, endFloor)))).count
        if let last = plan.insurance ?? plan.gates.last {
            replay.forWant = answer(of: rest, right: exits[last.exit].right)
        } else {
            replay.forWant = Replay.Answered(samples: rest.count, right: 0, harms: rest.count(with: full))
        }
        return replay
    }

    private func answer(of samples: SampleSet, right: SampleSet) -> Replay.Answered {
        let harmful = samples.subtracting(right)
        return Replay.Answered(samples: samples.count, right: samples.count(with: right), harms: harmful.count(with: full))
    }
}
