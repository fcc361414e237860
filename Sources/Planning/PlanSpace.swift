// SPDX-License-Identifier: Apache-2.0

/// Plans to choose among, and of each all that doesn't depend on the conditions: what it is right about, how often it sends how much, when it asks whom.
///
/// Made once, when a network is loaded; a choice then takes some ten nanoseconds a plan and figure.
package struct PlanSpace: Sendable {
    package let plans: [Plan]
    /// For each plan.
    let rows: [PlanRow]
    /// When the exits of all rows are asked, and what share of the samples they answer; what the end isn't sure enough of is never answered.
    let answers: [(time: Double, share: Double)]
    /// For each upload of the table.
    let sent: [SentForm]

    /// - Parameter endFloor: what the end answers with a smaller score counts as missed: a gate of its own is asked there, whatever the plan takes.
    /// - Precondition: exits and uploads of the plans are in the table, and the costs passed ``CostTable/check(for:)``.
    package init(_ plans: [Plan], table: CalibrationTable, costs: CostTable, endFloor: Double = 0) {
        precondition(table.exits.count == costs.exits.count && table.sent.count == costs.sent.count, "tables of different networks")
        precondition(table.samples > 0, "a calibration table without samples")
        self.plans = plans
        var accepted: [Plan.Gate: SampleSet] = [:]
        var bytes: [SentKey: Int] = [:]
        let replays = plans.map { plan in
            table.replay(
                plan, endFloor: endFloor,
                accepted: { gate in
                    if let known = accepted[gate] { return known }
                    let samples = table.accepted(gate)
                    accepted[gate] = samples
                    return samples
                },
                sentBytes: { place, insurance, samples in
                    let key = SentKey(gates: plan.gates, insurance: insurance, place: place)
                    if let known = bytes[key] { return known }
                    let sum = samples.sum(of: table.sent[place].bytes)
                    bytes[key] = sum
                    return sum
                })
        }
        sent = zip(table.sent, costs.sent).map { SentForm(sizes: Octiles(of: $0.bytes.map(Double.init)), server: $1.server) }
        var rows: [PlanRow] = []
        var answers: [(time: Double, share: Double)] = []
        for (plan, replay) in zip(plans, replays) { rows.append(PlanRow(plan, replay, table, costs, answers: &answers)) }
        (self.rows, self.answers) = (rows, answers)
    }
}

private struct SentKey: Hashable {
    var gates: [Plan.Gate]
    var insurance: Plan.Gate?
    var place: Int
}

/// What an upload is to every plan that sends it.
struct SentForm: Hashable, Sendable {
    /// Bytes.
    var sizes: Octiles
    /// Seconds of a server at its own speed.
    var server: Double
}

/// What a plan is in all conditions. Times are seconds from the frame on, on a board that nothing slows down; shares are of all frames, 0 … 1.
struct PlanRow: Hashable, Sendable {
    /// Index into ``PlanSpace/sent``; −1 where nothing is sent.
    var upload = -1
    /// Frames that are sent, and those of them of which the insurance is sure.
    var sent = 0.0
    var insured = 0.0
    /// Of the others that are sent those of which the end would be sure enough.
    var unsentSure = 0.0
    /// Of a frame that is sent, mean; of one of which the insurance is sure, and of one that only the cloud answers.
    var bytes = 0.0
    var insuredBytes = 0.0
    var aloneBytes = 0.0
    /// Of the frames that the board answers before anything is sent: the sum of share · time.
    var own = 0.0
    /// When all but ``PlanSpace/tail`` of the frames are answered, where no more are sent.
    var ownTail = 0.0
    /// When the board reaches the cut; when what is sent is packed; when the insurance has its answer.
    var reached = 0.0
    var packed = 0.0
    var insurance = Double.infinity
    /// What packing takes of the time in which the board could compute.
    var held = 0.0
    /// Where nothing can be sent: when the insurance has its answer, and the end.
    var insuranceUnsent = Double.infinity
    var endUnsent = 0.0
    /// Place in ``PlanSpace/answers``.
    var answers = 0..<0
    /// Shares of right answers, and of harmful ones.
    var right = Outcome()
    var harm = Outcome()

    struct Outcome: Hashable, Sendable {
        /// Of the frames that the board answers before anything is sent.
        var own = 0.0
        /// Of those of which the insurance is sure: where it is first, and where the cloud is.
        var insured = 0.0
        var instead = 0.0
        /// Of those that only the cloud answers; where it doesn't in time; and where they can't be sent.
        var cloud = 0.0
        var want = 0.0
        var unsent = 0.0
    }
}

extension PlanSpace {
    /// The share of frames that the high latency leaves out.
    static let tail = 0.05
}

extension PlanRow {
    fileprivate init(_ plan: Plan, _ replay: Replay, _ table: CalibrationTable, _ costs: CostTable, answers: inout [(time: Double, share: Double)]) {
        let share = { (count: Int) in Double(count) / Double(replay.samples) }
        var (heads, open) = (0.0, replay.samples)
        let first = answers.count
        var asked = plan.gates.map(\.exit)
        if plan.upload == nil { asked.append(table.end) }
        for (exit, answered) in zip(asked, replay.answered) {
            heads += costs.exits[exit].head
            let time = costs.exits[exit].arrival + heads
            own += time * share(answered.samples)
            if share(open) > PlanSpace.tail { ownTail = time }
            open -= answered.samples
            answers.append((time, share(answered.samples)))
        }
        if replay.unsure > 0 {
            answers[answers.endIndex - 1].share -= share(replay.unsure)
            answers.append((.infinity, share(replay.unsure)))
        }
        self.answers = first..<answers.count
        right = Outcome(replay) { share($0.right) }
        harm = Outcome(replay) { share($0.harms) }
        guard let upload = plan.upload.flatMap({ upload in table.sent.firstIndex { $0.upload == upload } }) else { return }
        self.upload = upload
        sent = share(replay.sent)
        insured = share(replay.insured.samples)
        unsentSure = share(replay.unsentSure)
        func mean(_ bytes: Int, of count: Int) -> Double { count > 0 ? Double(bytes) / Double(count) : 0 }
        bytes = mean(replay.sentBytes, of: replay.sent)
        insuredBytes = mean(replay.insuredBytes, of: replay.insured.samples)
        aloneBytes = mean(replay.sentBytes - replay.insuredBytes, of: replay.cloud.samples)
        let backbone = max(costs.sent[upload].arrival, asked.last.map { costs.exits[$0].arrival } ?? 0)
        reached = backbone + heads
        packed = reached + costs.sent[upload].packing
        if costs.packsFirst { held = costs.sent[upload].packing }
        if let insurance = plan.insurance {
            let exit = costs.exits[insurance.exit]
            insuranceUnsent = max(exit.arrival, backbone) + heads + exit.head
            self.insurance = insuranceUnsent + held
            heads += exit.head
        }
        let end = costs.exits[table.end]
        // Nothing is asked twice.
        endUnsent = end.arrival + heads + (plan.insurance?.exit == table.end || asked.last == table.end ? 0 : end.head)
    }
}

extension PlanRow.Outcome {
    fileprivate init(_ replay: Replay, share: (Replay.Answered) -> Double) {
        own = replay.answered.reduce(0) { $0 + share($1) }
        insured = share(replay.insured)
        instead = share(replay.cloudInstead)
        cloud = share(replay.cloud)
        want = share(replay.forWant)
        unsent = share(replay.unsent)
    }
}
