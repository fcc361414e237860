// SPDX-License-Identifier: Apache-2.0

/// A set of the samples of a ``CalibrationTable``: a bit each, 64 to a word; the bits beyond the last sample are 0.
package struct SampleSet: Hashable, Sendable {
    package let samples: Int
    package private(set) var words: [UInt64]

    /// The samples 0 ..< `samples` of which `condition` holds.
    package init(of samples: Int, where condition: (Int) throws -> Bool) rethrows {
        self.samples = samples
        words = Array(repeating: 0, count: (samples + 63) / 64)
        for sample in 0..<samples where try condition(sample) { words[sample / 64] |= 1 << UInt64(sample % 64) }
    }

    package static func all(of samples: Int) -> SampleSet {
        var all = SampleSet(samples: samples, words: Array(repeating: .max, count: (samples + 63) / 64))
        if samples % 64 > 0 { all.words[samples / 64] = 1 << UInt64(samples % 64) - 1 }
        return all
    }

    private init(samples: Int, words: [UInt64]) {
        (self.samples, self.words) = (samples, words)
    }

    package func contains(_ sample: Int) -> Bool { words[sample / 64] >> UInt64(sample % 64) & 1 == 1 }

    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The number of samples in both.
    package func count(with other: SampleSet) -> Int {
        var count = 0
        for index in words.indices { count += (words[index] & other.words[index]).nonzeroBitCount }
        return count
    }

    package func intersection(_ other: SampleSet) -> SampleSet { combined(other) { $0 & $1 } }

    package func subtracting(_ other: SampleSet) -> SampleSet { combined(other) { $0 & ~$1 } }

    /// The sum of the values of the samples in the set; `values` has one for each sample.
    package func sum(of values: [UInt32]) -> Int {
        var sum = 0
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                sum += Int(values[index * 64 + rest.trailingZeroBitCount])
                rest &= rest - 1
            }
        }
        return sum
    }

    private func combined(_ other: SampleSet, _ operation: (UInt64, UInt64) -> UInt64) -> SampleSet {
        var result = self
        for index in words.indices { result.words[index] = operation(words[index], other.words[index]) }
        return result
    }
}
