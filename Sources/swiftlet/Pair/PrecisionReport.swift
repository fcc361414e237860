// SPDX-License-Identifier: Apache-2.0
internal import Certification
internal import Compilation
internal import Demonstration
internal import FoundationEssentials
internal import Gating
internal import Inference
internal import Networks

/// What each choice of precisions costs and gives, on images that calibrated nothing: `precisions` in the output of `swiftlet compile --weights mixed --json`.
struct PrecisionReport: Encodable {
    struct Row: Encodable {
        var name: String
        /// Of the bundle.
        var bytes: Int
        /// Of a weight in the mean.
        var mean_bits: Double
        /// Of a frame: the shortest of many runs on one thread, in turns with the other choices, times the runs a frame takes in the mean where there are second looks.
        var milliseconds: Double
        /// Of the network by itself.
        var accuracy: PairReport.Share
        /// What the best threshold on these images answers on the board with a risk of at most `bound`.
        var coverage: PairReport.Share
        /// Squared error of the logits over their variance, on calibration images that gave no ranges.
        var error: Double?
        /// Whether another choice is nowhere worse and better somewhere.
        var isDominated: Bool
        var isPicked: Bool
        var layers: [PrecisionCandidate.LayerBits]

        private enum CodingKeys: String, CodingKey {
            case name, bytes, mean_bits, milliseconds, accuracy, coverage, error, layers
            case isDominated = "dominated"
            case isPicked = "picked"
        }
    }

    var images: Int
    var labelled: Bool
    var measure: String
    var risk: String
    var bound: Double
    /// The most coverage that the pick may lose against float32 and int8.
    var allowed_loss: Double
    var rows: [Row]

    var text: String {
        var cells: [[String]] = [["", "choice", "KiB", "bits", "ms", "accuracy", "on the board", "logits' error"]]
        for row in rows {
            let mark = row.isPicked ? "→" : row.isDominated ? "·" : " "
            let numbers = [fixed(Double(row.bytes) / 1024, 0), fixed(row.mean_bits, 2), fixed(row.milliseconds, 3)]
            let shares = [row.accuracy.value, row.coverage.value, row.error].map { $0.map { "\(PairReport.percent($0)) %" } ?? "" }
            cells.append([mark, row.name] + numbers + shares)
        }
        var lines = aligned(cells, words: 2)
        lines.append(
            "→ the least bytes · time of those that lose at most \(PairReport.percent(allowed_loss)) points of coverage against float32 and int8 at \(risk) ≤ \(PairReport.exact(bound)) %, "
                + "by \(measure) on \(counted(images, "image"))\(labelled ? "" : " without labels")")
        lines.append("· another choice is nowhere worse and better somewhere")
        return lines.joined(separator: "\n")
    }
}

/// Measures choices of precisions, and picks one.
struct PrecisionTrial {
    var full: ModelFile
    var images: LabelledImages
    var risk: Certificate.Risk
    var bound: Double
    var measure: Measure
    var allowedLoss: Double
    /// Where a choice's margin is smaller, it looks a second time.
    var secondLook: Double?
    var threads: Int

    /// - Returns: the report, and the position of the pick.
    func report(of candidates: [PrecisionCandidate]) throws -> (report: PrecisionReport, pick: Int) {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        var files: [ModelFile] = []
        var bytes: [Int] = []
        for (index, candidate) in candidates.enumerated() {
            let path = "\(folder.path)/\(index).swiftlet"
            try candidate.bundle.write(to: path)
            files.append(try ModelFile(forImages: path))
            bytes.append(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0)
        }
        let (samples, runs) = try samples(files)
        let times = try milliseconds(files)
        var rows: [PrecisionReport.Row] = []
        for (index, candidate) in candidates.enumerated() {
            let accepted = RiskCoverageCurve(samples[index], by: measure).widest(risk, atMost: bound)?.accepted ?? 0
            let count = samples[index].count
            rows.append(
                PrecisionReport.Row(
                    name: candidate.name, bytes: bytes[index], mean_bits: candidate.meanBits, milliseconds: (times[index] * runs[index]).rounded(to: 4),
                    accuracy: PairReport.Share(Proportion(samples[index].count { $0.localIsRight }, of: count)),
                    coverage: PairReport.Share(Proportion(accepted, of: count)), error: candidate.report.error, isDominated: true, isPicked: false,
                    layers: candidate.bits))
        }
        let points = rows.map { PrecisionPoint(bytes: $0.bytes, milliseconds: $0.milliseconds, accuracy: $0.accuracy.value, coverage: $0.coverage.value) }
        for index in points.nondominated { rows[index].isDominated = false }
        // The best of many mixtures covers most by luck, too.
        let most = zip(candidates, points).filter { ["float32", "int8"].contains($0.0.name) }.map(\.1.coverage).max() ?? 0
        guard let pick = points.pick(leastCoverage: most - allowedLoss) else { throw CommandFailure(.badData, "there is nothing to pick from") }
        rows[pick].isPicked = true
        let report = PrecisionReport(
            images: samples[0].count, labelled: samples[0].contains { $0.label != nil }, measure: measure.rawValue, risk: risk.rawValue, bound: bound,
            allowed_loss: allowedLoss, rows: rows)
        return (report, pick)
    }

    /// What each candidate and the full model say about each image, and how often each runs for one in the mean.
    private func samples(_ files: [ModelFile]) throws -> (samples: [[PairedSample]], runs: [Double]) {
        guard let preprocessing = files[0].details.preprocessing, images.count > 0 else { throw CommandFailure(.badData, "there are no images to judge by") }
        let options = ExecutorOptions(threads: threads)
        var full = try PairedNetwork(full, preprocessing: preprocessing, options: options)
        var networks = try files.map { try PairedNetwork($0, preprocessing: preprocessing, secondLook: secondLook, options: options) }
        guard networks.allSatisfy({ $0.classes == full.classes }) else {
            throw CommandFailure(.badData, "\(self.full.path) has \(full.classes) classes, this network has \(networks[0].classes)")
        }
        var bar = ProgressBar("asking all of them", total: images.count)
        var samples: [[PairedSample]] = files.map { _ in [] }
        for position in 0..<images.count {
            let (image, label) = try images.image(at: position)
            guard let fullClass = try full.confidence(of: image)?.classIndex else { throw CommandFailure(.badData, "the full network's output is damaged") }
            for index in networks.indices {
                samples[index].append(PairedSample(confidence: try networks[index].confidence(of: image), fullClass: fullClass, label: label))
            }
            bar.update(position + 1)
        }
        return (samples, networks.map { Double($0.looks) / Double(images.count) })
    }

    private static let rounds = 15
    private static let runs = 6

    /// The shortest run of each on one thread: they take turns, so that what else the machine does meets all of them.
    private func milliseconds(_ files: [ModelFile]) throws -> [Double] {
        guard let preprocessing = files[0].details.preprocessing else { return [] }
        let (image, _) = try images.image(at: 0)
        var networks = try files.map { try PairedNetwork($0, preprocessing: preprocessing, options: ExecutorOptions(threads: 1)) }
        for index in networks.indices { networks[index].prepare(image) }
        let clock = ContinuousClock()
        var shortest = files.map { _ in Duration.seconds(3600) }
        for _ in 0..<Self.rounds {
            for index in networks.indices {
                for _ in 0..<Self.runs {
                    let start = clock.now
                    try networks[index].run()
                    shortest[index] = min(shortest[index], clock.now - start)
                }
            }
        }
        return shortest.map(\.milliseconds)
    }
}
