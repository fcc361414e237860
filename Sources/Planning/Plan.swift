// SPDX-License-Identifier: Apache-2.0
package import Packing

/// How a frame is answered: what the board runs, when it is sure enough, what it sends, and what it does meanwhile.
///
///     run on the board, asking the gates in order          → the first one that is sure gives the answer
///     nobody sure: run to the cut, if it isn't behind yet  → pack and send; the cloud runs the rest
///     insured: go on to one more exit meanwhile            → whoever is first, the cloud or that exit being sure, gives the answer
///
/// Cloud-only has no gates and cut 0; device-only sends nothing; Neurosurgeon and DynO have no gates and a cut; Edgent has a cut, and an exit where the cloud
/// stops; SPINN has gates, a cut and an insurance; SIEVE's only gate is the end, and it sends the frame itself. See ``PlanFamily``.
package struct Plan: Hashable, Sendable {
    /// An exit, or the end, whose answer counts where its score is at least the threshold.
    package struct Gate: Hashable, Sendable {
        /// Index into ``CalibrationTable/exits``.
        package var exit: Int
        /// At 0 and below every answer counts.
        package var threshold: Double

        package init(exit: Int, threshold: Double) {
            self.exit = exit
            self.threshold = threshold
        }
    }

    /// The same, but that an exit is sure from `floor` on at the earliest.
    package func raising(_ exit: Int, to floor: Double) -> Plan {
        var plan = self
        for index in gates.indices where gates[index].exit == exit { plan.gates[index].threshold = max(gates[index].threshold, floor) }
        if let insurance, insurance.exit == exit { plan.insurance?.threshold = max(insurance.threshold, floor) }
        return plan
    }

    /// Asked before anything is sent, in the order of the network.
    package var gates: [Gate]
    /// What is sent where no gate was sure; `nil`: nothing, the network's end gives the answer.
    package var upload: Upload?
    /// Where the board goes on to after sending; its answer is also the one for want of the cloud's. `nil`: it waits.
    package var insurance: Gate?

    package init(gates: [Gate] = [], upload: Upload? = nil, insurance: Gate? = nil) {
        self.gates = gates
        self.upload = upload
        self.insurance = insurance
    }
}

/// What the cloud starts from: a cut, and the form in which what crosses it travels; and where it stops.
package struct Upload: Hashable, Sendable {
    /// Number of nodes before the cut. At 0 the frame itself is sent.
    package var cut: Int
    package var payload: Payload
    /// The exit at which the cloud answers, an index into ``CalibrationTable/exits``; `nil`: the end.
    package var exit: Int?

    package init(cut: Int, payload: Payload, exit: Int? = nil) {
        (self.cut, self.payload, self.exit) = (cut, payload, exit)
    }
}

package enum Payload: Hashable, Sendable {
    /// The frame, at a quality of 1 … 100.
    case jpeg(quality: UInt8)
    /// The frame, lossless.
    case png
    /// The crossing tensors at 2 … 8 bits a number.
    case tensors(bits: UInt8, PackingForm)
    /// The crossing tensors as the float32 numbers that they are.
    case floats

    /// How the tensors are packed, for `PackedActivation`: of floats any form means theirs. `nil`: the frame itself is sent.
    package var packing: (bits: Int, form: PackingForm)? {
        switch self {
        case .jpeg, .png: nil
        case .tensors(let bits, let form): (Int(bits), form)
        case .floats: (PackedActivation.realsBits, .planes)
        }
    }
}

extension Plan: CustomStringConvertible {
    package var description: String {
        var parts = gates.map { "exit \($0.exit) ≥ \($0.threshold.thousandths)" }
        if let upload { parts.append("send \(upload)") } else { parts.append("end") }
        if let insurance { parts.append("on to exit \(insurance.exit) ≥ \(insurance.threshold.thousandths)") }
        return parts.joined(separator: ", ")
    }
}

extension Upload: CustomStringConvertible {
    package var description: String { "cut \(cut) as \(payload)" + (exit.map { " for exit \($0)" } ?? "") }
}

extension Payload: CustomStringConvertible {
    package var description: String {
        switch self {
        case .jpeg(let quality): "JPEG \(quality)"
        case .png: "PNG"
        case .tensors(let bits, let form): "\(bits) bits, \(form)"
        case .floats: "floats"
        }
    }
}

extension Double {
    /// Rounded to three decimals, for reading.
    fileprivate var thousandths: Double { (self * 1000).rounded() / 1000 }
}
