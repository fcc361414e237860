// SPDX-License-Identifier: Apache-2.0

/// Random numbers that are the same for the same seed, in every release of the standard library: SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom
/// Number Generators", OOPSLA 2014).
struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// 0 ..< 1.
    mutating func unit() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// 0 ..< `count`.
    mutating func index(_ count: Int) -> Int { Int(next() % UInt64(count)) }

    mutating func shuffle<Element>(_ elements: inout [Element]) {
        for last in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(last, index(last + 1)) }
    }
}
