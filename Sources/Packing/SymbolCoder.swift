// SPDX-License-Identifier: Apache-2.0

/// Writes or reads a code as one symbol, or as two beyond 4 bits: its upper four bits, then what is left. A symbol's probabilities are the
/// mean of what two contexts have learnt: the neighbours' mean with their unrest; the slope, or what stands left and above, with what is usual
/// at this place. Each begins at a logistic distribution about what it expects.
struct SymbolCoder<Coder: RangeCoder>: CodeCoder {
    private(set) var coder: Coder
    /// Of the lower symbol; 0 where there is none.
    private let lowerBits: Int32
    private var contexts: SymbolContexts

    init(_ coder: consuming Coder, bits: Int) {
        self.coder = coder
        lowerBits = Int32(max(0, bits - 4))
        contexts = SymbolContexts.initial[bits - QuantizedActivation.permittedBits.lowerBound]
    }

    var isExhausted: Bool { coder.isExhausted }

    mutating func beginChannel() {}

    @inline(__always)
    mutating func code(_ code: UInt8, _ near: borrowing Neighbourhood) -> UInt8 {
        let first = contexts.classes.size(near.expected) &* 8 &+ contexts.classes.unrest(near.activity)
        let second = contexts.classes.size(near.slope) &* 14 &+ contexts.classes.size(near.usual)
        let cumulative = contexts.upperEnd.mean(contexts.expected[first], contexts.usual[second])
        let upper = coder.code(symbol: Int(code &>> UInt8(truncatingIfNeeded: lowerBits)), cumulative)
        contexts.expected.learn(upper, contexts.upperEnd, at: first)
        contexts.usual.learn(upper, contexts.upperEnd, at: second)
        guard lowerBits > 0 else { return UInt8(truncatingIfNeeded: upper) }
        let lower = codeLower(Int(code) & (1 &<< Int(lowerBits) &- 1), upper: Int32(truncatingIfNeeded: upper), near)
        return UInt8(truncatingIfNeeded: upper &<< Int(lowerBits) | lower)
    }

    @inline(__always)
    private mutating func codeLower(_ code: Int, upper: Int32, _ near: borrowing Neighbourhood) -> Int {
        let first: Int
        let second: Int
        if upper == 0 {
            first = halfOctave(near.expected) &* 8 &+ min(7, near.activity.digits)
            second = halfOctave(near.usual) &* 16 &+ min(3, near.west.digits) &* 4 &+ min(3, near.north.digits)
        } else {
            first = 144 &+ eighth(near.expected, of: upper) &* 2 &+ (upper == 1 ? 1 : 0)
            second = 288 &+ eighth(near.usual, of: upper)
        }
        let lower = coder.code(symbol: code, contexts.lowerEnd.mean(contexts.lowerExpected[first], contexts.lowerUsual[second]))
        contexts.lowerExpected.learn(lower, contexts.lowerEnd, at: first)
        contexts.lowerUsual.learn(lower, contexts.lowerEnd, at: second)
        return lower
    }

    /// 0 … 17: two classes an octave.
    @inline(__always)
    private func halfOctave(_ number: Int32) -> Int {
        let digits = number.digits
        guard digits > 1 else { return digits &* 2 }
        return min(17, digits &* 2 &+ Int((number &>> Int32(truncatingIfNeeded: digits &- 2)) & 1))
    }

    /// 0 … 15: where an expectation lies to the middle of what the upper symbol leaves, in 8ths of that.
    @inline(__always)
    private func eighth(_ expectation: Int32, of upper: Int32) -> Int {
        let middle = (2 &* upper &+ 1) &<< (lowerBits &+ 3)
        return Int(max(-8, min(7, (expectation &- middle) &>> (lowerBits &+ 1)))) &+ 8
    }
}
