// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
internal import Gating
internal import Inference
internal import Networks

/// What each exit of a network says of images: how often it is right alone, and what comes of letting images leave at the first exit that is sure enough.
struct ExitTable {
    private struct Answer {
        var classIndex: Int
        /// 0 … 1; NaN where the output is damaged: no threshold accepts it.
        var score: Double
    }

    /// One an output: exits, then the end.
    private let names: [String]
    private let calibrations: [Calibration]
    /// Multiply-adds until an output is there, with the heads of those before it.
    private let work: [Int]
    /// Of the network without exits.
    private let total: Int
    private var answers: [[Answer]] = []
    private var truths: [Int] = []
    private(set) var isLabelled = true

    /// - Returns: `nil` for a network without exits.
    init?(_ graph: Graph, details: BundleDetails) {
        guard graph.outputs.count > 1, let end = details.calibration else { return nil }
        let graph = graph.orderedByExits()
        names = graph.outputs.map { graph[$0].name }
        let known = details.plans?.exits ?? []
        calibrations = graph.outputs.indices.map { index in
            guard known.indices.contains(index), index < graph.outputs.count - 1, let temperature = Temperature(known[index].temperature) else { return end }
            return Calibration(scores: end.scores, temperature: temperature, combination: known[index].combination)
        }
        let costs = graph.exitCosts
        total = costs[costs.count - 1].before
        work = costs.indices.map { exit in costs[exit].before + costs[...exit].reduce(0) { $0 + $1.head } }
    }

    /// Takes what the network has said in its last run.
    mutating func add(_ executor: Executor, label: Int?) {
        let said = calibrations.indices.map { output in
            executor.withOutput(output) { scores in
                guard let confidence = try? calibrations[output].confidence(of: scores) else { return Answer(classIndex: -1, score: .nan) }
                return Answer(classIndex: confidence.classIndex, score: confidence.score)
            }
        }
        answers.append(said)
        if label == nil { isLabelled = false }
        truths.append(label ?? said[said.count - 1].classIndex)
    }

    /// Where images leave at a threshold.
    struct Row: Encodable {
        struct Output: Encodable {
            var name: String
            /// Of the images, that are answered here.
            var share: Double
            /// Of those; `nil` where there are none.
            var accuracy: Double?
        }

        var threshold: Double
        var outputs: [Output]
        /// Of all images.
        var accuracy: Double
        /// Of the network without exits, in the mean of an image, heads included.
        var work: Double
        /// Of all images, that the end answers rightly and the exits wrongly, and the contrary.
        var lost: Double
        var gained: Double
    }

    struct Alone: Encodable {
        var name: String
        var accuracy: Double
        /// The same class as the end.
        var agreement: Double
        /// Until its answer is there, with the heads before it; of the network without exits.
        var work: Double
        var temperature: Double
    }

    struct Report: Encodable {
        var images: Int
        /// Whether right means the label; otherwise it means what the end says.
        var labelled: Bool
        var outputs: [Alone]
        var thresholds: [Row]
    }

    static let thresholds = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]

    var report: Report {
        let count = Double(max(answers.count, 1))
        let end = names.count - 1
        let alone = names.indices.map { output in
            Alone(
                name: names[output], accuracy: Double(zip(answers, truths).count { $0[output].classIndex == $1 }) / count,
                agreement: Double(answers.count { $0[output].classIndex == $0[end].classIndex }) / count,
                work: Double(work[output]) / Double(max(total, 1)), temperature: calibrations[output].temperature.value)
        }
        return Report(images: answers.count, labelled: isLabelled, outputs: alone, thresholds: Self.thresholds.map(row))
    }

    private func row(_ threshold: Double) -> Row {
        let end = names.count - 1
        var (leaving, right) = (names.map { _ in 0 }, names.map { _ in 0 })
        var (spent, lost, gained) = (0, 0, 0)
        for (said, truth) in zip(answers, truths) {
            let output = said[..<end].firstIndex { $0.score >= threshold } ?? end
            let (isRight, endIsRight) = (said[output].classIndex == truth, said[end].classIndex == truth)
            leaving[output] += 1
            right[output] += isRight ? 1 : 0
            spent += work[output]
            lost += endIsRight && !isRight ? 1 : 0
            gained += isRight && !endIsRight ? 1 : 0
        }
        let count = Double(max(answers.count, 1))
        return Row(
            threshold: threshold,
            outputs: names.indices.map { output in
                .init(
                    name: names[output], share: Double(leaving[output]) / count,
                    accuracy: leaving[output] > 0 ? Double(right[output]) / Double(leaving[output]) : nil)
            }, accuracy: Double(right.reduce(0, +)) / count, work: Double(spent) / count / Double(max(total, 1)), lost: Double(lost) / count,
            gained: Double(gained) / count)
    }
}

extension ExitTable.Report {
    var text: String {
        var rows = [["leave at"] + outputs.map(\.name) + ["all", "saved", "lost", "gained"]]
        rows.append(["work"] + outputs.map { percent($0.work) } + ["", "", "", ""])
        rows.append(["alone"] + outputs.map { percent($0.accuracy) } + ["", "", "", ""])
        rows.append(["as the end"] + outputs.map { percent($0.agreement) } + ["", "", "", ""])
        for row in thresholds {
            let cells = row.outputs.map { output in "\(percent(output.share)): \(output.accuracy.map(percent) ?? "–")" }
            rows.append([fixed(row.threshold, 2)] + cells + [percent(row.accuracy), percent(1 - row.work), percent(row.lost), percent(row.gained)])
        }
        let right = labelled ? "right" : "the same as the end, for want of labels"
        return (aligned(rows, words: 1) + [
            "Of \(images) images the share that leaves where, and what part of it is \(right). 'saved' are multiplications, heads paid;",
            "'lost' only the end has right, 'gained' only the exits. What reaches the end is answered as without exits.",
        ]).joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { PairReport.percent(share) }
}
