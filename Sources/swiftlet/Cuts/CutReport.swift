// SPDX-License-Identifier: Apache-2.0
internal import Certification
internal import Demonstration
internal import Networks
internal import Packing

/// What `swiftlet cuts --json` prints: each cut with what it costs to go across. Bytes are means over the images that were packed.
struct CutReport: Encodable {
    struct Choice: Encodable {
        var bits: Int
        var bytes: Double
        /// In the faster form ``PackingForm/symbols``.
        var symbols_bytes: Double
        /// Bit planes and LZ4 at the same bits, as DynO packs.
        var dyno_bytes: Double
        /// Divided less undivided, a share, with its 95 % interval.
        var accuracy_change: PairReport.Difference
        /// Another class than undivided.
        var changed: PairReport.Share

        init(_ outcome: CutTrial.Outcome, images: Int, packed: Int) {
            bits = outcome.bits
            bytes = Double(outcome.mixed) / Double(packed)
            symbols_bytes = Double(outcome.symbols) / Double(packed)
            dyno_bytes = Double(outcome.planesLZ4) / Double(packed)
            accuracy_change = PairReport.Difference(
                PairedDifference(losses: outcome.lost, gains: outcome.gained, samples: images, confidence: PairReport.confidence))
            changed = PairReport.Share(Proportion(outcome.changed, of: images))
        }
    }

    struct Row: Encodable {
        /// Nodes before the cut.
        var position: Int
        var after: String?
        var shapes: [[Int]]
        var multiply_adds_before: Int
        /// Whether no number was below 0, as behind a ReLU.
        var rectified: Bool
        var float32_bytes: Int
        /// 8 bits and LZ4, as SPINN packs.
        var spinn_bytes: Double
        var choices: [Choice]

        init(_ measured: CutTrial.Place, images: Int, packed: Int) {
            let place = measured.place
            position = place.cut.position
            after = place.after
            shapes = place.shapes.map { [$0.channels, $0.height, $0.width] }
            multiply_adds_before = place.multiplyAccumulates
            rectified = measured.isRectified
            float32_bytes = place.count * 4
            spinn_bytes = Double(measured.outcomes.map(\.bytesLZ4).max() ?? 0) / Double(packed)
            choices = measured.outcomes.map { Choice($0, images: images, packed: packed) }
        }

        /// The fewest bits from which on no choice loses more than a share of the images, by what was seen.
        func leastBits(_ loss: Double) -> Choice? {
            choices.reversed().prefix { -$0.accuracy_change.value <= loss + 1e-12 }.last
        }
    }

    var network: String
    var images: Int
    /// Images of which bytes were counted.
    var packed: Int
    /// Whether right means the label. Otherwise it means what the network says undivided.
    var labelled: Bool
    var accuracy: PairReport.Share
    var multiply_adds: Int
    var cuts: [Row]

    /// - Parameter isThorough: also cuts that take as many bytes at 1 point as one before.
    init(_ trial: CutTrial, isThorough: Bool) {
        let images = trial.images
        network = trial.name
        self.images = images
        packed = trial.packed
        labelled = trial.isLabelled
        accuracy = PairReport.Share(Proportion(trial.right, of: images))
        multiply_adds = trial.multiplyAccumulates
        let rows = trial.cuts.map { Row($0, images: images, packed: trial.packed) }
        cuts = []
        var least = Double.infinity
        for row in rows {
            let bytes = row.leastBits(0.01)?.bytes ?? .infinity
            if isThorough || row.position == 0 || bytes < least { cuts.append(row) }
            least = min(least, bytes)
        }
    }

    var text: String {
        var cells = [["after", "crossing", "work before", "float32", "8 bits, LZ4", "bits for 1 / 2 / 5 points", "bytes at 1", "planes, LZ4", "÷ float32", "change, points"]]
        cells += cuts.map(cells(of:))
        var lines = aligned(cells, words: 2)
        lines.append(
            "\(network): \(fixed(Double(multiply_adds) / 1e6, 1)) million multiply-adds, \(PairReport.percent(accuracy.value)) % right on \(counted(images, "image"))"
                + (labelled ? "" : " without labels: what it says undivided counts as right"))
        lines.append("Bits are the fewest that lose no more on these images; bytes are the mean of \(counted(packed, "image")).")
        return lines.joined(separator: "\n")
    }

    private func cells(of row: Row) -> [String] {
        let bits = [0.01, 0.02, 0.05].map { row.leastBits($0).map { "\($0.bits)" } ?? "–" }
        let work = PairReport.percent(Double(row.multiply_adds_before) / Double(max(multiply_adds, 1)))
        var cells = [row.after ?? "the input", crossing(row.shapes), "\(work) %", "\(row.float32_bytes)", fixed(row.spinn_bytes, 0)]
        cells.append(bits.joined(separator: " / "))
        guard let best = row.leastBits(0.01) else { return cells + ["–", "–", "–", "–"] }
        let change = best.accuracy_change
        cells += [fixed(best.bytes, 0), fixed(best.dyno_bytes, 0), fixed(Double(row.float32_bytes) / max(best.bytes, 1), 1)]
        cells.append("\(signed(change.value)) (\(signed(change.low)) … \(signed(change.high)))")
        return cells
    }

    private func signed(_ share: Double) -> String { (share >= 0 ? "+" : "") + PairReport.percent(share) }
}
