// SPDX-License-Identifier: Apache-2.0

/// When the cloud's answer to an upload comes, in seconds from the moment on that it's packed: 64 equally probable times, of eight sizes and eight states of
/// the link.
struct TransferTimes: Hashable, Sendable {
    static let count = 64
    /// 64 of each upload, rising.
    private var times: [Double] = []
    /// For each upload 0, the sum of its first time, of its first two …, of all.
    private var sums: [Double] = []
    /// For each upload.
    private(set) var mean: [Double] = []
    /// For each upload the variance of the time on the link over the square of its mean.
    private(set) var variation: [Double] = []
    /// By how much a byte more delays an answer, on average.
    let perByte: Double

    init(_ sent: [SentForm], in conditions: Conditions) {
        times.reserveCapacity(sent.count * Self.count)
        sums.reserveCapacity(sent.count * (Self.count + 1))
        mean.reserveCapacity(sent.count)
        variation.reserveCapacity(sent.count)
        perByte = conditions.link.map { ($0.time(bytes: 1) - $0.time(bytes: 0)) * $0.spread.mean } ?? 0
        var merged = (first: [Double](repeating: .infinity, count: Self.count), second: [Double](repeating: .infinity, count: Self.count))
        for form in sent {
            if let link = conditions.link {
                let server = conditions.server.queue.classes + form.server * conditions.server.slowdown
                for size in 0..<8 {
                    let classes = link.time(bytes: form.sizes.classes[size]) * link.spread.classes + server
                    for index in 0..<8 { merged.first[size * 8 + index] = classes[index] }
                }
                for run in [8, 16, 32] {
                    Self.mergeRuns(of: run, from: merged.first, into: &merged.second)
                    swap(&merged.first, &merged.second)
                }
            }
            var sum = 0.0
            sums.append(0)
            for time in merged.first {
                times.append(time)
                sum += time
                sums.append(sum)
            }
            mean.append(sum / Double(Self.count))
            let spread = 1 + (conditions.link?.spread.variation ?? 0)
            variation.append((1 + form.sizes.variation) * spread - 1)
        }
    }

    /// Neighbouring rising runs become rising runs twice as long.
    private static func mergeRuns(of length: Int, from source: [Double], into result: inout [Double]) {
        for start in stride(from: 0, to: count, by: 2 * length) {
            var (left, right) = (start, start + length)
            for place in start..<start + 2 * length {
                let takesLeft = right == start + 2 * length || (left < start + length && source[left] <= source[right])
                result[place] = takesLeft ? source[left] : source[right]
                left += takesLeft ? 1 : 0
                right += takesLeft ? 0 : 1
            }
        }
    }

    /// The longest of those that ``slots(_:and:atMost:period:)`` looks at.
    func long(_ upload: Int) -> Double { times[upload * Self.count + Self.count - 4] }

    /// For how many frames that come a `period` apart one holds its place: for the answer's time and `more`, or for `most`, whichever is shorter.
    func slots(_ upload: Int, and more: Double, atMost most: Double = .infinity, period: Double) -> Double {
        let (base, rate) = (upload * Self.count, 1 / period)
        var sum = 0.0
        for index in stride(from: 4, to: Self.count, by: 8) { sum += max((min(times[base + index] + more, most) * rate).rounded(.up), 1) }
        return sum / 8
    }

    /// How many of the 64 are over by `time`.
    private func places(_ upload: Int, by time: Double) -> Int {
        let base = upload * Self.count
        var places = 0
        var step = 32
        while step > 0 {
            places += times[base + places + step - 1] <= time ? step : 0
            step /= 2
        }
        return places + (times[base + places] <= time ? 1 : 0)
    }

    /// The probability that it takes longer than `time`.
    func probability(_ upload: Int, after time: Double) -> Double { Double(Self.count - places(upload, by: time)) / Double(Self.count) }

    /// The earliest time after which it comes with a probability of at most `share`, 0 or more.
    func time(_ upload: Int, exceededBy share: Double) -> Double {
        let later = min(Int(share * Double(Self.count)), Self.count - 1)
        return times[upload * Self.count + Self.count - 1 - later]
    }

    /// The mean of the answer's time or `time`, whichever is earlier.
    func mean(_ upload: Int, atMost time: Double) -> Double {
        let places = places(upload, by: time)
        return (sums[upload * (Self.count + 1) + places] + Double(Self.count - places) * time) / Double(Self.count)
    }
}
