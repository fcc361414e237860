// SPDX-License-Identifier: Apache-2.0

/// Plans that a published system would choose among, each at its best honest setting: where one sends the frame, it may do so compressed.
package enum PlanFamily: String, Hashable, Sendable, CaseIterable {
    case all
    case cloudOnly = "cloud-only"
    case deviceOnly = "device-only"
    /// One cut, floats; no exits. Y. Kang et al., ASPLOS 2017.
    case neurosurgeon
    /// One exit for all frames and one cut before it, floats. E. Li, Z. Zhou, X. Chen, MECOMM 2018.
    case edgent
    /// All exits before the cut at one threshold, 8 bits, insured to the next exit. S. Laskaridis et al., MobiCom 2020.
    case spinn
    /// One cut and 2 … 8 bits; no exits. M. Almeida et al., TECS 2022.
    case dyno
    /// Everything on the board, the frame to the cloud where its end isn't sure; or the frame to the cloud at once. B. Zamirai et al., DAC 2020.
    case sieve

    /// - Precondition: the plan's exits and upload are of this table.
    package func contains(_ plan: Plan, of table: CalibrationTable) -> Bool {
        let upload = plan.upload
        let isBare = plan.gates.isEmpty && plan.insurance == nil
        let goesToTheEnd = upload?.exit == nil
        switch self {
        case .all: return true
        case .cloudOnly: return isBare && goesToTheEnd && upload?.cut == 0
        case .deviceOnly: return isBare && upload == nil
        case .neurosurgeon: return isBare && goesToTheEnd && upload?.sends(bits: 32...32) != false
        case .edgent:
            if upload != nil { return isBare && upload?.sends(bits: 32...32) == true }
            return plan.gates.count <= 1 && plan.gates.allSatisfy { $0.threshold <= 0 }
        case .spinn:
            let before = table.exits.indices.dropLast().filter { upload == nil || table.exits[$0].position <= upload?.cut ?? 0 }
            let next = table.exits.indices.first { table.exits[$0].position > upload?.cut ?? 0 }
            let thresholds = Set((plan.gates + [plan.insurance].compactMap(\.self)).map(\.threshold))
            return plan.gates.map(\.exit) == before && thresholds.count <= 1 && goesToTheEnd && upload?.sends(bits: 8...8) != false
                && (plan.insurance == nil || plan.insurance?.exit == next)
        case .dyno: return isBare && goesToTheEnd && upload?.sends(bits: 2...8) != false
        case .sieve:
            guard plan.insurance == nil, goesToTheEnd else { return false }
            return upload == nil ? plan.gates.isEmpty : upload?.cut == 0 && plan.gates.allSatisfy { $0.exit == table.end }
        }
    }
}

extension Upload {
    /// Whether it's the frame, or tensors of so many bits.
    fileprivate func sends(bits range: ClosedRange<UInt8>) -> Bool {
        if case .tensors(let bits, _) = payload { return range.contains(bits) }
        return true
    }
}
