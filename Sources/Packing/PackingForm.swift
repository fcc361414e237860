// SPDX-License-Identifier: Apache-2.0

/// How the codes of an activation stand in bytes. The raw value is what is written in front of them.
package enum PackingForm: UInt8, CaseIterable, Hashable, Sendable, Codable {
    /// A byte a code, LZ4: at 8 bits what SPINN (Laskaridis et al., MobiCom 2020, section 4.5) sends, less its shuffle.
    case bytesLZ4 = 1
    /// Bit planes, LZ4: DynO's packing (Almeida et al., ACM TECS 21(6), 2022, section 4.2).
    case planesLZ4 = 2
    /// Bit planes as they are: for what nothing makes smaller.
    case planes = 3
    /// Arithmetic coding of up to four bits at once, with probabilities learnt in two contexts of the codes around them.
    case symbols = 4
    /// Arithmetic coding of single bits; the probability of each is mixed from four contexts, with weights that are learnt as well. A few
    /// hundredths fewer bytes than `symbols`, in several times its time.
    case mixed = 5

    /// Whether it is arithmetic coding, which can make use of the activation before.
    var isCoded: Bool { self == .symbols || self == .mixed }
}
