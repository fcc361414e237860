// SPDX-License-Identifier: Apache-2.0
internal import Packing

/// Plans that a published system would choose among, each at its best honest setting: where one sends the frame, it may do so compressed.
package enum PlanFamily: String, Hashable, Sendable, CaseIterable {
    case all
    case cloudOnly = "cloud-only"
    case deviceOnly = "device-only"
    /// One cut, floats; no exits. Y. Kang et al., ASPLOS 2017.
    case neurosurgeon
    /// One exit for all frames and one cut before it, floats; the board has the first part, in the paper the server. E. Li, Z. Zhou, X. Chen, MECOMM 2018.
    case edgent
    /// All exits before the cut at one threshold, 8 bits with LZ4, insured to the next exit; cuts anywhere, in the paper behind a ReLU. S. Laskaridis et al.,
    /// MobiCom 2020.
    case spinn
    /// One cut and 2 … 8 bits, in whatever form; no exits; cuts as of SPINN. M. Almeida et al., TECS 2022.
    case dyno
    /// Everything on the board, the frame to the cloud where its end isn't sure; or the frame to the cloud at once. B. Zamirai et al., DAC 2020.
    case sieve

    /// - Precondition: the plan's exits and upload are of this table.
    package func contains(_ plan: Plan, of table: CalibrationTable) -> Bool {
        if let upload = plan.upload, !sends(upload) { return false }
        let upload = plan.upload
        let isBare = plan.gates.isEmpty && plan.insurance == nil
        switch self {
        case .all: return true
        case .cloudOnly: return isBare && upload != nil
        case .deviceOnly, .neurosurgeon, .dyno: return isBare
        case .edgent: return upload != nil ? isBare : plan.gates.count <= 1 && plan.gates.allSatisfy { $0.threshold <= 0 }
        case .spinn:
            let before = table.exits.indices.dropLast().filter { upload == nil || table.exits[$0].position <= upload?.cut ?? 0 }
            let next = table.exits.indices.first { table.exits[$0].position > upload?.cut ?? 0 }
            let thresholds = Set((plan.gates + [plan.insurance].compactMap(\.self)).map(\.threshold))
            return plan.gates.map(\.exit) == before && thresholds.count <= 1 && (plan.insurance == nil || plan.insurance?.exit == next)
        case .sieve: return plan.insurance == nil && (upload == nil ? plan.gates.isEmpty : plan.gates.allSatisfy { $0.exit == table.end })
        }
    }

    /// Whether some plan of the family sends this.
    package func sends(_ upload: Upload) -> Bool {
        switch self {
        case .all: true
        case .cloudOnly, .sieve: upload.cut == 0 && upload.exit == nil
        case .deviceOnly: false
        case .neurosurgeon: (upload.cut == 0 || upload.payload == .floats) && upload.exit == nil
        case .edgent: upload.cut == 0 || upload.payload == .floats
        case .spinn: (upload.cut == 0 || [.tensors(bits: 8, .bytesLZ4), .tensors(bits: 8, .planesLZ4)].contains(upload.payload)) && upload.exit == nil
        case .dyno: upload.payload != .floats && upload.exit == nil
        }
    }

    /// Whether some plan of the family asks exits, so that it needs to know how sure they must be.
    package var asksExits: Bool {
        switch self {
        case .all, .edgent, .spinn, .sieve: true
        case .cloudOnly, .deviceOnly, .neurosurgeon, .dyno: false
        }
    }

    /// Whether some plan of the family goes on after sending.
    package var insures: Bool { self == .all || self == .spinn }
}
