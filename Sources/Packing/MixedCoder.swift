// SPDX-License-Identifier: Apache-2.0

/// One binary decision about a code: "is it 0?", then whether it lies in the upper half of what is left, from the highest bit down.
private struct Decision {
    /// 0: whether it is 0; else the position of its bit from above, from 1.
    let level: Int
    /// The same, and of the first five bits also what those above are.
    let kind: Int
    /// Where what is left is divided, in 16ths of a code.
    let middle: Int32
    /// The binary logarithm of half of what is left, in 16ths of a code.
    let half: Int32
}

/// Writes or reads a code as binary decisions. The probability of each is mixed from four contexts, whose logarithmic odds are summed with
/// learnt weights (logistic mixing: Mahoney, "Adaptive weighing of context models for lossless data compression", Florida Tech CS-2005-16): the
/// neighbours' mean with their unrest; the slope with what is usual at this place; what this channel holds; left and above by size.
struct MixedCoder<Coder: RangeCoder>: CodeCoder {
    /// Weights are in 65,536ths and stay within ±4, so that the sum of four times 2,047 fits 32 bits.
    private static var largestWeight: Int32 { 262_143 }
    private static var learningRate: Int32 { 6 }

    private(set) var coder: Coder
    private let bits: Int
    /// Whether the first decision about a code is if it is 0.
    private let zeroFirst: Bool
    private let logistic = Logistic.shared
    private let rates = LearningRates()
    private var expected = InlineArray<1080, LearntBit>(repeating: LearntBit())
    private var sloped = InlineArray<2025, LearntBit>(repeating: LearntBit())
    private var channel = InlineArray<160, LearntBit>(repeating: LearntBit())
    private var paired = InlineArray<2560, LearntBit>(repeating: LearntBit())
    private var weights = InlineArray<80, SIMD4<Int32>>(repeating: SIMD4(repeating: 19_661))

    init(_ coder: consuming Coder, bits: Int, zeroFirst: Bool) {
        self.coder = coder
        self.bits = bits
        self.zeroFirst = zeroFirst
    }

    var isExhausted: Bool { coder.isExhausted }

    mutating func beginChannel() {
        for index in channel.indices { channel[index].refresh(4) }
    }

    @inline(__always)
    mutating func code(_ given: UInt8, _ near: borrowing Neighbourhood) -> UInt8 {
        let code = UInt32(given)
        let pair = size(near.west) &* 8 &+ size(near.north)
        if zeroFirst {
            let decision = Decision(level: 0, kind: 0, middle: 8, half: 3)
            if decide(code == 0 ? 0 : 1, decision, near, pair: pair) == 0 { return 0 }
        }
        var (prefix, lower): (Int, UInt32) = (1, 0)
        for depth in 0..<bits {
            let shift = UInt32(truncatingIfNeeded: bits &- 1 &- depth)
            // Not 0, and all bits above are: the last is 1.
            if zeroFirst, shift == 0, lower == 0 { return 1 }
            let decision = Decision(
                level: depth &+ 1, kind: depth < 5 ? prefix : 32 &+ depth, middle: Int32(truncatingIfNeeded: lower &+ 1 &<< shift) &* 16 &- 8,
                half: Int32(truncatingIfNeeded: shift) &+ 4)
            let bit = decide(code &>> shift & 1, decision, near, pair: pair)
            lower &+= bit &<< shift
            prefix = prefix &* 2 &+ Int(bit)
        }
        return UInt8(truncatingIfNeeded: lower)
    }

    /// Up to 5 bits: 0, 1, 2, 3, 4 … 5, 6 … 9, 10 … 19 and above; beyond, the number of binary digits.
    @inline(__always)
    private func size(_ code: Int32) -> Int {
        guard bits <= 5 else { return min(7, code.digits) }
        return code < 4 ? Int(code) : code < 6 ? 4 : code < 10 ? 5 : code < 20 ? 6 : 7
    }

    @inline(__always)
    private mutating func decide(_ bit: UInt32, _ decision: Decision, _ near: borrowing Neighbourhood, pair: Int) -> UInt32 {
        let unrest = min(7, ((near.activity &<< 5) &>> decision.half).digits)
        let first = (decision.level &* 15 &+ side(near.expected, decision)) &* 8 &+ unrest
        let second = (decision.level &* 15 &+ side(near.slope, decision)) &* 15 &+ side(near.usual, decision)
        let third = decision.kind &* 4 &+ (near.west > 0 ? 1 : 0) &+ (near.north > 0 ? 2 : 0)
        let fourth = decision.kind &* 64 &+ pair
        let set = decision.kind &* 2 &+ (near.expected > 0 ? 1 : 0)
        let odds = SIMD4(
            Int32(logistic.odds[expected[first].probability]), Int32(logistic.odds[sloped[second].probability]),
            Int32(logistic.odds[channel[third].probability]), Int32(logistic.odds[paired[fourth].probability]))
        let sum = (weights[set] &* odds).wrappedSum() &>> 16
        let probability = Int32(logistic.probabilities[Int(max(-2047, min(2047, sum))) &+ 2048])
        let outcome = coder.code(bit: bit, probability: UInt32(truncatingIfNeeded: probability) &* 16)
        let error = (Int32(truncatingIfNeeded: outcome) &<< 12 &- probability) &* Self.learningRate
        let change = (odds &* SIMD4(repeating: error) &+ SIMD4(repeating: 0x2000)) &>> SIMD4(repeating: 14)
        weights[set] = (weights[set] &+ change).clamped(
            lowerBound: SIMD4(repeating: -Self.largestWeight), upperBound: SIMD4(repeating: Self.largestWeight))
        expected[first].learn(outcome, rates)
        sloped[second].learn(outcome, rates)
        channel[third].learn(outcome, rates)
        paired[fourth].learn(outcome, rates)
        return outcome
    }

    /// How an expectation lies to where a decision divides, relative to half of what it divides: 15 steps, logarithmic, from far below to far above.
    @inline(__always)
    private func side(_ expectation: Int32, _ decision: Decision) -> Int {
        let difference = expectation &- decision.middle
        let size = min(7, ((abs(difference) &<< 3) &>> decision.half).digits)
        return difference < 0 ? 7 &- size : 7 &+ size
    }
}

/// What one context has learnt: the probability of a 1 in its upper 22 bits, how often it was asked in the lower 10.
///
/// The n-th outcome moves the probability by `1 / (n + 1.5)` of the distance, from some n on no slower.
private struct LearntBit {
    private var state: UInt32 = 0x8000_0000

    /// In 4,096ths: 0 … 4095.
    @inline(__always)
    var probability: Int { Int(state &>> 20) }

    @inline(__always)
    mutating func learn(_ bit: UInt32, _ rates: LearningRates) {
        let count = state & 0x3FF
        let old = Int64(state &>> 10)
        let target = Int64(bit) &<< 22
        let new = min(old &+ ((target &- old) &* Int64(rates[Int(count)])) &>> 16, 0x3F_FFFF)
        state = UInt32(truncatingIfNeeded: new) &<< 10 | (Int(count) < LearningRates.slowest ? count &+ 1 : count)
    }

    /// Makes it learn as fast as after at most `count` outcomes.
    mutating func refresh(_ count: UInt32) {
        state = state & ~0x3FF | min(state & 0x3FF, count)
    }
}

/// `65536 / (n + 1.5)` for n = 0 … 255.
private struct LearningRates {
    static let slowest = 255
    private var rates = InlineArray<256, UInt16>(repeating: 0)

    init() {
        for count in 0...Self.slowest { rates[count] = UInt16(131_072 / (2 * count + 3)) }
    }

    @inline(__always)
    subscript(count: Int) -> UInt16 { rates[count] }
}
