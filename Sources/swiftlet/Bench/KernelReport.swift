// SPDX-License-Identifier: Apache-2.0

/// What `swiftlet bench --kernels` prints: every kernel at every shape, the dispatcher's pick marked.
struct KernelReport: Encodable {
    struct Entry: Encodable {
        var layer: String
        var places: Int
        var macs: Int
        var kernels: [Kernel]
        var pick: String
        /// The pick's time ÷ that of the fastest, by medians.
        var loss: Double
    }

    struct Kernel: Encodable {
        var name: String
        var median_us: Double
        var shortest_us: Double
    }

    private(set) var layers: [Entry] = []

    private static let rounds = 11
    private static let attempts = 3

    /// - Parameters:
    ///   - limit: a pick that is slower by more than this share is measured again, for longer; the last measurement counts, whatever it says.
    ///   - progress: is told how many contests are over.
    init(_ contests: [KernelContest], limit: Double?, progress: (Int) -> Void) {
        for (index, contest) in contests.enumerated() {
            var results = contest.measured(rounds: Self.rounds)
            for attempt in 1..<Self.attempts where contest.loss(results) > 1 + (limit ?? .infinity) {
                results = contest.measured(rounds: Self.rounds << attempt)
            }
            layers.append(
                Entry(
                    layer: contest.layer, places: contest.places, macs: contest.macs,
                    kernels: results.map { Kernel(name: $0.kernel, median_us: $0.median, shortest_us: $0.shortest) }.sorted { $0.median_us < $1.median_us },
                    pick: contest.contestants[contest.pick].kernel, loss: contest.loss(results)))
            progress(index + 1)
        }
    }

    /// Layers whose pick is slower than the fastest by more than `limit`.
    func failures(limit: Double) -> [Entry] { layers.filter { $0.loss > 1 + limit } }

    /// A block of lines a layer, fastest kernel first, by medians; `>` is the pick.
    var text: String {
        let width = layers.flatMap(\.kernels).map(\.name.count).max() ?? 0
        var lines: [String] = []
        for entry in layers {
            lines.append("\(entry.layer)\(entry.places > 1 ? "  ×\(entry.places)" : "")")
            for kernel in entry.kernels {
                let speed = entry.macs > 0 ? Double(entry.macs) / kernel.median_us / 1e3 : 0
                lines.append(
                    "  \(kernel.name == entry.pick ? ">" : " ") \(kernel.name.padded(to: width))  \(kernel.median_us.rounded(to: 1).leading(9)) µs  "
                        + "\(speed.rounded(to: 1).leading(6)) GMAC/s  \((kernel.median_us / entry.kernels[0].median_us).rounded(to: 2).leading(6))")
            }
        }
        let fastest = layers.filter { $0.loss == 1 }.count
        lines += ["", "\(fastest) of \(layers.count) picks are the fastest by the median"]
        let picks = total { entry in entry.kernels.first { $0.name == entry.pick } }
        let best = total { $0.kernels.first }
        lines.append("all of them in all their places: \(picks.rounded(to: 1)) µs, with the fastest \(best.rounded(to: 1)) µs")
        if let worst = layers.max(by: { $0.loss < $1.loss }), worst.loss > 1 {
            lines.append("the worst pick is \(Self.percent(worst.loss)) slower: \(worst.layer)")
        }
        return lines.joined(separator: "\n")
    }

    /// Time of one kernel a layer in all places of the network, by medians, in microseconds.
    private func total(of kernel: (Entry) -> Kernel?) -> Double {
        layers.reduce(0) { $0 + Double($1.places) * (kernel($1)?.median_us ?? 0) }
    }

    static func percent(_ loss: Double) -> String { "\(((loss - 1) * 100).rounded(to: 1)) %" }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Double {
    /// Written at the end of `width` characters.
    fileprivate func leading(_ width: Int) -> String {
        let text = "\(self)"
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
