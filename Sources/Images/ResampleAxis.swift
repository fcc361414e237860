// SPDX-License-Identifier: Apache-2.0

/// The weights of one axis of an antialiased bilinear reduction or enlargement, as in Pillow's `Image.resize(…, BILINEAR)`.
///
/// With `s = source / target`, `f = max(s, 1)` and the centre `c = (i + ½) s`, target sample `i` is the weighted mean of the source
/// samples `j` from `⌊c − f + ½⌋` up to, not including, `⌊c + f + ½⌋` with weights `max(0, 1 − |j + ½ − c| / f)`. The weights add up to 1 and are
/// stored as integers of `2⁻²²`, rounded half away from zero.
struct ResampleAxis: Sendable {
    static let fractionBits: Int32 = 22
    /// One half in the units of the weights: what a sum starts at, so that a shift rounds it.
    static let half: Int32 = 1 << 21

    /// First source sample of each target sample, counted from `sources.lowerBound`.
    private(set) var starts: [Int] = []
    /// Number of source samples of each target sample.
    private(set) var counts: [Int] = []
    /// `tapCapacity` for each target sample; those beyond its count are 0.
    private(set) var weights: [Int32] = []
    private(set) var tapCapacity: Int
    /// The source samples that the targets need.
    private(set) var sources: Range<Int> = 0..<0
    /// Whether target sample `i` is source sample `i`.
    let isIdentity: Bool

    /// - Parameter targets: the part of `0 ..< target` that is wanted.
    init(source: Int, target: Int, targets: Range<Int>) {
        isIdentity = source == target
        let scale = Double(source) / Double(target)
        let filterScale = max(scale, 1)
        tapCapacity = Int(filterScale.rounded(.up)) * 2 + 1
        for index in targets {
            let centre = (Double(index) + 0.5) * scale
            let first = max(Int(centre - filterScale + 0.5), 0)
            let end = min(Int(centre + filterScale + 0.5), source)
            var taps = (first..<end).map { max(0, 1 - abs((Double($0) - centre + 0.5) * (1 / filterScale))) }
            let sum = taps.reduce(0, +)
            if sum != 0 { taps = taps.map { $0 / sum } }
            starts.append(first)
            counts.append(taps.count)
            weights += taps.map { Int32(0.5 + $0 * Double(1 << Self.fractionBits)) }
            weights += [Int32](repeating: 0, count: tapCapacity - taps.count)
        }
        if let first = starts.min(), let end = zip(starts, counts).map(+).max() {
            sources = first..<end
            starts = starts.map { $0 - first }
        }
    }
}
