// SPDX-License-Identifier: Apache-2.0

/// What one context has learnt: the probability of a 1 in its upper 22 bits, how often it was asked in the lower 10.
///
/// The n-th outcome moves the probability by `1 / (n + 1.5)` of the distance, from some n on no slower.
struct LearntBit {
    private var state: UInt32 = 0x8000_0000

    /// In 4,096ths: 0 … 4095.
    @inline(__always)
    var probability: Int { Int(state >> 20) }

    /// In 65,536ths, 1 … 65,535.
    @inline(__always)
    var fineProbability: UInt32 { max(32, min(65_504, state >> 16)) }

    @inline(__always)
    mutating func learn(_ bit: UInt32, _ rates: LearningRates) {
        let count = state & 0x3FF
        let old = Int64(state >> 10)
        let target = Int64(bit) << 22
        let new = min(old + ((target - old) * Int64(rates[Int(count)])) >> 16, 0x3F_FFFF)
        state = UInt32(truncatingIfNeeded: new) << 10 | (Int(count) < LearningRates.slowest ? count + 1 : count)
    }

    /// Makes it learn as fast as after at most `count` outcomes.
    mutating func refresh(_ count: UInt32) {
        state = state & ~0x3FF | min(state & 0x3FF, count)
    }
}

/// `65536 / (n + 1.5)` for n = 0 … 255.
struct LearningRates {
    static let slowest = 255
    private var rates = InlineArray<256, UInt16>(repeating: 0)

    init() {
        for count in 0...Self.slowest { rates[count] = UInt16(131_072 / (2 * count + 3)) }
    }

    @inline(__always)
    subscript(count: Int) -> UInt16 { rates[count] }
}

/// How an expectation lies to where a decision divides, relative to half of what it divides: 15 steps, logarithmic, from far below to far above.
@inline(__always)
private func side(_ expectation: Int32, _ decision: Decision) -> Int {
    let difference = expectation - decision.middle
    let size = min(7, ((abs(difference) << 3) >> decision.half).digits)
    return difference < 0 ? 7 - size : 7 + size
}

@inline(__always)
private func expectedContext(_ decision: Decision, _ near: borrowing Neighbourhood) -> Int {
    let unrest = min(7, ((near.activity << 5) >> decision.half).digits)
    return (decision.level * 15 + side(near.expected, decision)) * 8 + unrest
}

/// One context: what the neighbours' mean says, and how far they lie apart.
struct ContextModel: DecisionModel {
    private var rates = LearningRates()
    private var expected = InlineArray<1080, LearntBit>(repeating: LearntBit())

    mutating func beginChannel() {}

    @inline(__always)
    mutating func code<Coder: BinaryCoder>(
        _ bit: UInt32, _ decision: Decision, _ near: borrowing Neighbourhood, _ coder: inout Coder
    ) -> UInt32 {
        let index = expectedContext(decision, near)
        let outcome = coder.code(bit, probability: expected[index].fineProbability)
        expected[index].learn(outcome, rates)
        return outcome
    }
}

/// Four contexts, whose logarithmic odds are summed with learnt weights (logistic mixing: Mahoney, "Adaptive weighing of context models for
/// lossless data compression", Florida Tech CS-2005-16): the neighbours' mean with their unrest; the slope with what is usual at this place;
/// what this channel holds; left and above by size.
struct MixedModel: DecisionModel {
    /// Weights are in 65,536ths and stay within ±4, so that the sum of four times 2,047 fits 32 bits.
    private static let largestWeight: Int32 = 262_143
    private static let learningRate: Int32 = 6

    private let logistic = Logistic.shared
    private var rates = LearningRates()
    private var expected = InlineArray<1080, LearntBit>(repeating: LearntBit())
    private var sloped = InlineArray<2025, LearntBit>(repeating: LearntBit())
    private var channel = InlineArray<160, LearntBit>(repeating: LearntBit())
    private var paired = InlineArray<2560, LearntBit>(repeating: LearntBit())
    private var weights = InlineArray<80, SIMD4<Int32>>(repeating: SIMD4(repeating: 19_661))

    mutating func beginChannel() {
        for index in channel.indices { channel[index].refresh(4) }
    }

    @inline(__always)
    mutating func code<Coder: BinaryCoder>(
        _ bit: UInt32, _ decision: Decision, _ near: borrowing Neighbourhood, _ coder: inout Coder
    ) -> UInt32 {
        let first = expectedContext(decision, near)
        let second = (decision.level * 15 + side(near.slope, decision)) * 15 + side(near.usual, decision)
        let third = decision.kind * 4 + near.present
        let fourth = decision.kind * 64 + near.pair
        let set = decision.kind * 2 + (near.expected > 0 ? 1 : 0)
        let odds = SIMD4(
            Int32(logistic.odds[expected[first].probability]), Int32(logistic.odds[sloped[second].probability]),
            Int32(logistic.odds[channel[third].probability]), Int32(logistic.odds[paired[fourth].probability]))
        let sum = (weights[set] &* odds).wrappedSum() >> 16
        let probability = Int32(logistic.probabilities[Int(max(-2047, min(2047, sum))) + 2048])
        let outcome = coder.code(bit, probability: UInt32(probability) * 16)
        let error = (Int32(outcome) << 12 - probability) * Self.learningRate
        let change = (odds &* SIMD4(repeating: error) &+ SIMD4(repeating: 0x2000)) &>> SIMD4(repeating: 14)
        weights[set] = (weights[set] &+ change).clamped(
            lowerBound: SIMD4(repeating: -Self.largestWeight), upperBound: SIMD4(repeating: Self.largestWeight))
        expected[first].learn(outcome, rates)
        sloped[second].learn(outcome, rates)
        channel[third].learn(outcome, rates)
        paired[fourth].learn(outcome, rates)
        return outcome
    }
}
