// SPDX-License-Identifier: Apache-2.0

/// What a coder of symbols has learnt in each of its contexts.
struct SymbolContexts {
    let classes: SizeClasses
    let upperEnd: SymbolEnd
    let lowerEnd: SymbolEnd
    var expected: Distributions<112>
    var usual: Distributions<196>
    var lowerExpected: Distributions<176>
    var lowerUsual: Distributions<304>

    /// Before the first symbol, from 2 bits on.
    static let initial = QuantizedActivation.permittedBits.map { SymbolContexts(bits: $0) }

    private init(bits: Int) {
        classes = SizeClasses(bits: bits)
        let upperEnd = SymbolEnd(symbols: 1 << min(4, bits))
        let lowerEnd = SymbolEnd(symbols: 1 << max(0, bits - 4))
        let width = Int32(16) << Int32(max(0, 4 - bits))
        expected = Distributions { context in
            let (middle, unrest) = (SizeClasses.middles[context / 8], Int32(context % 8))
            return upperEnd.logistic(about: middle, spread: width / 4 + 1 << unrest, width: width)
        }
        usual = Distributions { context in
            let (slope, usual) = (SizeClasses.middles[context / 14], SizeClasses.middles[context % 14])
            return upperEnd.logistic(about: (5 * slope + 3 * usual) / 8, spread: width / 4 + 4 + abs(slope - usual) / 8, width: width)
        }
        lowerExpected = Distributions { _ in lowerEnd.uniform }
        lowerUsual = Distributions { _ in lowerEnd.uniform }
        self.upperEnd = upperEnd
        self.lowerEnd = lowerEnd
    }
}

/// Expectations in 14 classes, finer where there are more, and unrest in 8. Both are taken as if codes had 4 bits.
struct SizeClasses {
    /// In 16ths of a code of 4 bits: the first of each class but class 0.
    private static let beginnings: [Int32] = [1, 4, 8, 12, 20, 28, 40, 56, 72, 96, 120, 152, 184]
    static let middles: [Int32] = [0, 2, 6, 10, 16, 24, 34, 48, 64, 84, 108, 136, 168, 216]

    private var sizes = InlineArray<256, UInt8>(repeating: 0)
    private var unrests = InlineArray<256, UInt8>(repeating: 0)
    private let sizeShift: Int32
    private let unrestShift: Int32

    init(bits: Int) {
        sizeShift = Int32(max(0, bits - 4))
        unrestShift = Int32(max(0, bits - 6))
        let lacking = Int32(max(0, 4 - bits))
        for index in 0..<Int32(256) {
            let size = index << lacking
            sizes[Int(index)] = UInt8(Self.beginnings.count { $0 <= size })
            unrests[Int(index)] = UInt8(min(7, ((index << (unrestShift + 2 + lacking)) >> sizeShift).digits))
        }
    }

    /// - Parameter number: in 16ths of a code.
    @inline(__always)
    func size(_ number: Int32) -> Int { Int(sizes[Int(number &>> sizeShift) & 255]) }

    /// - Parameter activity: in codes, of four differences.
    @inline(__always)
    func unrest(_ activity: Int32) -> Int { Int(unrests[Int(activity &>> unrestShift) & 255]) }
}

/// Where a set of symbols ends, and how far each keeps from having no probability.
struct SymbolEnd {
    let symbols: Int
    /// 8, 16, 24 … up to the last symbol, from there on 128.
    private let least: SIMD16<UInt16>
    /// By symbol: 32,768 from it on, 0 before.
    private let steps: InlineArray<16, SIMD16<UInt16>>

    init(symbols: Int) {
        self.symbols = symbols
        var least = SIMD16<UInt16>(repeating: 128)
        for symbol in 0..<symbols - 1 { least[symbol] = UInt16(8 * (symbol + 1)) }
        self.least = least
        steps = InlineArray { symbol in
            var step = SIMD16<UInt16>(repeating: 0)
            for index in symbol..<16 { step[index] = 32_768 }
            return step
        }
    }

    /// Of each symbol and those before it, in 32,768ths: 0 … 32,768, rising; 32,768 from the last symbol on. All are as likely.
    var uniform: SIMD16<UInt16> {
        var cumulative = SIMD16<UInt16>(repeating: 32_768)
        for symbol in 0..<symbols - 1 { cumulative[symbol] = UInt16(32_768 * (symbol + 1) / symbols) }
        return cumulative
    }

    /// Nine parts logistic about `centre`, one part all alike. A symbol is `width` wide, the first from `−width / 2` on.
    func logistic(about centre: Int32, spread: Int32, width: Int32) -> SIMD16<UInt16> {
        var cumulative = uniform
        for symbol in 0..<symbols - 1 {
            let distance = (2 * Int32(symbol) + 1) * width / 2 - centre
            let odds = Int(max(-2047, min(2047, distance * 256 / spread)))
            cumulative[symbol] = UInt16((72 * Int(Logistic.shared.probabilities[odds + 2048]) + Int(cumulative[symbol])) / 10)
        }
        return cumulative
    }

    /// The mean of two, in which each symbol has at least 8.
    @inline(__always)
    func mean(_ first: SIMD16<UInt16>, _ second: SIMD16<UInt16>) -> SIMD16<UInt16> {
        let mean = first &>> 1 &+ second &>> 1
        return mean &- mean &>> 8 &+ least
    }

    @inline(__always)
    func step(at symbol: Int) -> SIMD16<UInt16> { steps[symbol] }
}

/// The probabilities of up to 16 symbols in each of some contexts, as ``SymbolEnd/uniform`` has them.
struct Distributions<let count: Int> {
    private var cumulative: InlineArray<count, SIMD16<UInt16>>
    /// How often each was asked; no further than 40.
    private var asked = InlineArray<count, UInt8>(repeating: 0)
    /// By how often: the binary logarithm of the part of the distance that is kept.
    private let shifts = InlineArray<41, UInt8> { $0 < 2 ? 2 : $0 < 6 ? 3 : $0 < 16 ? 4 : $0 < 40 ? 5 : 6 }

    init(_ distribution: (Int) -> SIMD16<UInt16>) {
        cumulative = InlineArray(distribution)
    }

    @inline(__always)
    subscript(context: Int) -> SIMD16<UInt16> { cumulative[context] }

    /// Moves by 1/4 of the distance at first, by 1/64 from the 40th symbol on.
    @inline(__always)
    mutating func learn(_ symbol: Int, _ end: SymbolEnd, at context: Int) {
        let count = asked[context]
        let shift = SIMD16<UInt16>(repeating: UInt16(shifts[Int(count)]))
        let old = cumulative[context]
        cumulative[context] = old &- old &>> shift &+ end.step(at: symbol) &>> shift
        asked[context] = min(40, count &+ 1)
    }
}
