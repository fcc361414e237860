// SPDX-License-Identifier: Apache-2.0
internal import Certification
internal import Demonstration
internal import Networks

/// An interval with 95 % confidence; `[low, high]` in JSON.
struct Range95: Encodable {
    var low: Double
    var high: Double

    init(_ range: ClosedRange<Double>) { (low, high) = (range.lowerBound, range.upperBound) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode([low, high])
    }
}

/// Counts while images are evaluated.
struct Evaluation {
    private var images = 0
    private var labelled = 0
    private var right = 0
    private var rightInFive = 0
    private var referenceRight = 0
    private var referenceRightInFive = 0
    private var same = 0
    private var losses = 0
    private var gains = 0

    mutating func add(_ answer: [Int], reference: [Int]?, label: Int?) {
        images += 1
        if let reference, reference.first == answer.first { same += 1 }
        guard let label else { return }
        labelled += 1
        if answer.first == label { right += 1 }
        if answer.contains(label) { rightInFive += 1 }
        if reference?.first == label { referenceRight += 1 }
        if let reference {
            if reference.first == label, answer.first != label { losses += 1 }
            if reference.first != label, answer.first == label { gains += 1 }
        }
        if reference?.contains(label) == true { referenceRightInFive += 1 }
    }

    func summary(precision: BundleDetails.Precision, reference: BundleDetails.Precision?) -> EvaluationSummary {
        var summary = EvaluationSummary(images: images)
        func share(_ count: Int) -> Double { Double(count) / Double(labelled) }
        func accuracy(_ best: Int, _ five: Int) -> EvaluationSummary.Accuracy {
            .init(top1: share(best), top1_95: Range95(Proportion(best, of: labelled).interval(confidence: PairReport.confidence)), top5: share(five))
        }
        if labelled > 0 { summary.networks[precision.rawValue] = accuracy(right, rightInFive) }
        guard let reference else { return summary }
        summary.agreement = Double(same) / Double(max(images, 1))
        if labelled > 0 { summary.gain = PairReport.Difference(PairedDifference(losses: losses, gains: gains, samples: labelled, confidence: PairReport.confidence)) }
        let name = reference == precision ? "reference" : reference.rawValue
        if labelled > 0 { summary.networks[name] = accuracy(referenceRight, referenceRightInFive) }
        return summary
    }
}

/// `{"images":…,"int8":{"top1":…,"top1_95":[…,…],"top5":…},"fp32":{…},"agreement":…,"gain":{"value":…,"low":…,"high":…},"exits":{…}}`: shares, and how much more
/// often the network is right than the reference, with 95 % intervals. The network stands under its precision, the reference under its own, or under `reference` where both are
/// the same. What isn't known is left out.
struct EvaluationSummary: Encodable {
    struct Accuracy: Encodable {
        var top1: Double
        var top1_95: Range95
        var top5: Double
    }

    var images: Int
    var networks: [String: Accuracy] = [:]
    var agreement: Double?
    var gain: PairReport.Difference?
    var exits: ExitTable.Report?

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(_ stringValue: String) { self.stringValue = stringValue }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(images, forKey: Key("images"))
        for (name, accuracy) in networks { try container.encode(accuracy, forKey: Key(name)) }
        try container.encodeIfPresent(agreement, forKey: Key("agreement"))
        try container.encodeIfPresent(gain, forKey: Key("gain"))
        try container.encodeIfPresent(exits, forKey: Key("exits"))
    }

    var text: String {
        var lines = [counted(images, "image")]
        for (name, accuracy) in networks.sorted(by: { $0.key < $1.key }) {
            lines.append("\(name): top-1 \(percent(accuracy.top1)) (\(percent(accuracy.top1_95.low)) … \(percent(accuracy.top1_95.high))), top-5 \(percent(accuracy.top5))")
        }
        if let agreement { lines.append("same top-1: \(percent(agreement))") }
        if let gain {
            func points(_ share: Double) -> String { (share >= 0 ? "+" : "") + fixed(share * 100, 2) }
            lines.append("less the reference: \(points(gain.value)) (\(points(gain.low)) … \(points(gain.high))) points of top-1")
        }
        if let exits { lines.append(exits.text) }
        return lines.joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { "\(Double((share * 10_000).rounded()) / 100) %" }
}
