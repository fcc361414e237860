// SPDX-License-Identifier: Apache-2.0
package import Planning

/// What the frame thread does with a frame under a plan, step by step. Pure.
///
///     gates before the cut, in the order of the network   → the first one that is sure decides
///     the cut, if it isn't behind yet                     → send
///     insured: on to one more exit                        → its answer decides if it is sure, else it's the one for want of the cloud's
///
/// Where a frame can't be sent the board goes on with it: by the insurance, and where that isn't sure, to the end. A plan that sends nothing ends there too.
package struct Course: Hashable, Sendable {
    /// Where a network can be stopped, in the nodes of its order by exits.
    package struct Places: Hashable, Sendable {
        /// For each exit where the backbone is run to before its head; the last one is the end.
        package var exits: [Int]
        /// Where else the board may look up between two segments, rising.
        package var stops: [Int]

        package init(exits: [Int], stops: [Int] = []) {
            (self.exits, self.stops) = (exits, stops)
        }
    }

    package enum Step: Hashable, Sendable {
        /// Run these nodes of the backbone.
        case run(Range<Int>)
        /// Run an exit's head, and ask its gate: sure where the score is at least `threshold`.
        case look(exit: Int, threshold: Double)
        /// Hand over what crosses the cut; at 0 the frame. Once in a course.
        case send(cut: Int)
    }

    package let plan: Plan
    package let steps: [Step]
    /// What follows ``Step/send(cut:)`` instead where the frame can't be sent.
    package let unsent: [Step]

    /// - Precondition: the plan's exits are among those of `places`.
    package init(_ plan: Plan, in places: Places) {
        self.plan = plan
        let end = places.exits.count - 1
        var builder = Builder(places: places)
        for gate in plan.gates { builder.look(gate) }
        guard let upload = plan.upload else {
            // Whoever isn't asked about is answered by the end, however unsure.
            builder.look(Plan.Gate(exit: end, threshold: 0))
            (steps, unsent) = (builder.steps, [])
            return
        }
        builder.run(to: upload.cut)
        var alone = Builder(places: places, position: builder.position, exit: builder.exit)
        builder.steps.append(.send(cut: upload.cut))
        if let insurance = plan.insurance {
            builder.look(insurance)
            alone.look(insurance)
        }
        alone.look(Plan.Gate(exit: end, threshold: plan.insurance?.threshold ?? plan.gates.last?.threshold ?? 0))
        (steps, unsent) = (builder.steps, alone.steps)
    }

    /// How many steps follow ``Step/send(cut:)``; ``unsent`` begins with the same ones.
    package var insuredSteps: Int {
        let sent = steps.firstIndex { if case .send = $0 { true } else { false } }
        return sent.map { steps.count - $0 - 1 } ?? 0
    }

    /// Where ``unsent`` does what a step of ``steps`` behind the sending does.
    package func unsentIndex(of step: Int) -> Int { step - (steps.count - insuredSteps) }

    /// Whether the board goes on after sending.
    package var isInsured: Bool { plan.upload != nil && plan.insurance != nil }
}

private struct Builder {
    let places: Course.Places
    var steps: [Course.Step] = []
    var position = 0
    /// The last one that was asked.
    var exit = -1

    init(places: Course.Places, position: Int = 0, exit: Int = -1) {
        (self.places, self.position, self.exit) = (places, position, exit)
    }

    mutating func run(to target: Int) {
        while position < target {
            let next = places.stops.first { $0 > position && $0 < target } ?? target
            steps.append(.run(position..<next))
            position = next
        }
    }

    /// An exit that was asked before, or is behind, isn't asked.
    mutating func look(_ gate: Plan.Gate) {
        guard gate.exit > exit, places.exits[gate.exit] >= position else { return }
        run(to: places.exits[gate.exit])
        steps.append(.look(exit: gate.exit, threshold: gate.threshold))
        exit = gate.exit
    }
}
