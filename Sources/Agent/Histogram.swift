// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Counts of times in bins that grow by the eighth root of two, about 9 %, from 10 µs to 168 s; what is beyond falls into the outermost bins.
package struct TimeHistogram: Hashable, Sendable {
    package static let binsPerDoubling = 8
    package static let bins = 24 * binsPerDoubling
    private static let first = 10e-6

    package private(set) var counts = [UInt64](repeating: 0, count: Self.bins)
    package private(set) var count: UInt64 = 0

    package init() {}

    /// The upper border of a bin.
    package static func border(_ bin: Int) -> Duration { .seconds(first * exp2(Double(bin + 1) / Double(binsPerDoubling))) }

    package mutating func add(_ time: Duration) {
        let seconds = time / .seconds(1)
        let position = log2(max(seconds, Self.first) / Self.first) * Double(Self.binsPerDoubling)
        counts[min(Int(position), Self.bins - 1)] += 1
        count += 1
    }

    /// The upper border of the bin that holds the quantile: at most 9 % too high. `nil` while there is no count.
    ///
    /// - Parameter fraction: 0 … 1.
    package func quantile(_ fraction: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = UInt64((Double(count) * min(max(fraction, 0), 1)).rounded(.up))
        var sum: UInt64 = 0
        for (bin, bins) in counts.enumerated() {
            sum += bins
            if sum >= max(rank, 1) { return Self.border(bin) }
        }
        return Self.border(Self.bins - 1)
    }
}

/// Counts of fractions 0 … 1 in twenty bins of equal width; 1 falls into the last.
package struct FractionHistogram: Hashable, Sendable {
    package static let bins = 20
    package private(set) var counts = [UInt64](repeating: 0, count: Self.bins)

    package init() {}

    /// A value that is not a number is left out.
    package mutating func add(_ fraction: Double) {
        if let bin = Self.bin(fraction) { counts[bin] += 1 }
    }

    /// The bin of a fraction; `nil` for what is not a number.
    package static func bin(_ fraction: Double) -> Int? {
        fraction.isNaN ? nil : Int(min(max(fraction, 0) * Double(bins), Double(bins - 1)))
    }
}
