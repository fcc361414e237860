// SPDX-License-Identifier: Apache-2.0
internal import Certification
internal import Demonstration
internal import Gating

/// What `swiftlet evaluate --pair --json` prints: two networks and the gate between them on images that took no part in making any of the three.
///
/// Shares come with their 95 % intervals; those of differences are exact for pairs. Differences are in shares, not in points.
struct PairReport: Encodable {
    /// A share of independent images, with its exact interval (Clopper and Pearson).
    struct Share: Encodable {
        var value: Double
        var low: Double
        var high: Double
        var count: Int

        init(_ proportion: Proportion) {
            let interval = proportion.interval(confidence: PairReport.confidence)
            (value, low, high, count) = (proportion.value, interval.lowerBound, interval.upperBound, proportion.successes)
        }
    }

    struct Difference: Encodable {
        var value: Double
        var low: Double
        var high: Double

        init(_ difference: Certification.PairedDifference) {
            (value, low, high) = (difference.value, difference.interval.lowerBound, difference.interval.upperBound)
        }
    }

    struct Threshold: Encodable {
        var measure: String
        var value: Double
    }

    /// The certificate of the bundle beside what these images say about the same risk.
    struct Certified: Encodable {
        var risk: String
        var bound: Double
        var confidence: Double
        var samples: Int
        /// Whether the images contradict it: the whole interval of the risk is above the bound. `nil` where it isn't about this system.
        var isContradicted: Bool?
        /// What of this system it isn't about; `nil` where it is about all of it.
        var otherThanCertified: String?

        private enum CodingKeys: String, CodingKey {
            case risk
            case bound
            case confidence
            case samples
            case isContradicted = "contradicted"
            case otherThanCertified = "other_than_certified"
        }
    }

    /// By the gate's measure.
    struct Ideal: Encodable {
        struct Point: Encodable {
            var threshold: Double
            var coverage: Double
            /// Of the coverage of this threshold, had it not been chosen on these images.
            var low: Double
            var high: Double

            init?(_ point: RiskCoverageCurve.Point?) {
                guard let point else { return nil }
                let share = Share(Proportion(point.accepted, of: point.samples))
                (threshold, coverage, low, high) = (point.threshold, share.value, share.low, share.high)
            }
        }

        /// Harm at most 1 %.
        var harm_1_percent: Point?
        /// The system is as often right as the full model.
        var equal_accuracy: Point?

        init(_ curve: RiskCoverageCurve) {
            harm_1_percent = Point(curve.widest(.harm, atMost: 0.01))
            equal_accuracy = Point(curve.widest(.accuracyLoss, atMost: 0))
        }
    }

    static let confidence = 0.95

    var images: Int
    /// Whether right means the label. Otherwise it means the full model's answer.
    var labelled: Bool
    var gate: Threshold?
    var fullAccuracy: Share
    var localAccuracy: Share
    var systemAccuracy: Share
    /// System less full model.
    var systemGain: Difference
    /// Answered on the board.
    var coverage: Share
    var harm: Share
    /// Wrong among what is answered on the board.
    var selectiveRisk: Share?
    var agreement: Share
    /// Mean over all images; those answered on the board send nothing.
    var bytesPerFrame: Double
    /// Mean of an upload.
    var bytesPerUpload: Double
    /// Expected calibration error of the board's confidence, 15 bins.
    var calibrationError: Double
    /// Of the board's network for one image, mean: above 1 with second looks.
    var runs: Double
    var certificate: Certified?
    /// What a threshold chosen on these very images would give: no promise, but what one aims at.
    var ideal: Ideal?
    var costs: [PairCost]?

    private enum CodingKeys: String, CodingKey {
        case images
        case labelled
        case gate
        case fullAccuracy = "full_accuracy"
        case localAccuracy = "local_accuracy"
        case systemAccuracy = "system_accuracy"
        case systemGain = "system_gain"
        case coverage
        case harm
        case selectiveRisk = "selective_risk"
        case agreement
        case bytesPerFrame = "bytes_per_frame"
        case bytesPerUpload = "bytes_per_upload"
        case calibrationError = "calibration_error"
        case runs
        case certificate
        case ideal
        case costs
    }

    /// - Parameters:
    ///   - outcomes: at least one.
    ///   - certificate: of the gate, where it has one.
    ///   - otherThanCertified: what of this system it isn't about.
    ///   - board: what one run of the board's network takes, for the costs.
    ///   - runs: of it, on average for an image.
    init(_ outcomes: [Pair.Outcome], gate: Gate, certificate: Certificate?, otherThanCertified: String?, board: BoardOptions, runs: Double) {
        let samples = outcomes.map(\.sample)
        let accepted = samples.map { $0.confidence.map { gate.verdict(on: $0).accepts } ?? false }
        let count = samples.count
        func share(_ holds: (PairedSample, Bool) -> Bool) -> Proportion {
            Proportion(zip(samples, accepted).count { holds($0, $1) }, of: count)
        }
        images = count
        self.runs = runs
        labelled = samples.allSatisfy { $0.label != nil }
        if case .threshold(let measure, let value) = gate { self.gate = Threshold(measure: measure.rawValue, value: value) }
        fullAccuracy = Share(share { sample, _ in sample.fullIsRight })
        localAccuracy = Share(share { sample, _ in sample.localIsRight })
        let systemIsRight = { (sample: PairedSample, accepted: Bool) in accepted ? sample.localIsRight : sample.recoveredIsRight }
        systemAccuracy = Share(share(systemIsRight))
        let losses = zip(samples, accepted).count { $0.fullIsRight && !systemIsRight($0, $1) }
        let gains = zip(samples, accepted).count { !$0.fullIsRight && systemIsRight($0, $1) }
        let difference = Certification.PairedDifference(losses: losses, gains: gains, samples: count, confidence: Self.confidence)
        systemGain = Difference(difference)
        let coverage = share { _, accepted in accepted }
        self.coverage = Share(coverage)
        let harm = Share(share { sample, accepted in accepted && sample.fullIsRight && !sample.localIsRight })
        self.harm = harm
        let errors = zip(samples, accepted).count { $1 && !$0.localIsRight }
        selectiveRisk = coverage.successes == 0 ? nil : Share(Proportion(errors, of: coverage.successes))
        agreement = Share(share { sample, _ in sample.agrees })
        let bytes = outcomes.reduce(0) { $0 + $1.bytes }
        let sent = zip(outcomes, accepted).reduce(0) { $0 + ($1.1 ? 0 : $1.0.bytes) }
        bytesPerUpload = Double(bytes) / Double(count)
        bytesPerFrame = Double(sent) / Double(count)
        let sentBytes = coverage.successes == count ? 0 : Double(sent) / Double(count - coverage.successes)
        costs = PairCost.costs(share: 1 - coverage.value, bytes: sentBytes, allBytes: bytesPerUpload, board: board, runs: runs)
        if case .threshold(let measure, _) = gate { ideal = Ideal(RiskCoverageCurve(samples, by: measure)) }
        calibrationError = Reliability(samples).expectedCalibrationError
        self.certificate = certificate.map { certificate in
            let least = certificate.risk == .harm ? harm.low : -difference.interval.upperBound
            return Certified(
                risk: certificate.risk.rawValue, bound: certificate.bound, confidence: certificate.confidence, samples: certificate.samples,
                isContradicted: otherThanCertified == nil ? least > certificate.bound : nil, otherThanCertified: otherThanCertified)
        }
    }

    var text: String {
        let rows: [(String, String)] = [
            ("full model", row(fullAccuracy)),
            ("board alone", row(localAccuracy)),
            ("system", row(systemAccuracy)),
            ("system less full model", "\(points(systemGain.value))  (\(points(systemGain.low)) … \(points(systemGain.high))) points"),
            ("answered on the board", row(coverage)),
            ("harm", row(harm)),
            ("wrong of what the board answers", selectiveRisk.map(row) ?? "nothing is answered on the board"),
            ("same class", row(agreement)),
            ("bytes a frame", "\(Int(bytesPerFrame.rounded())), \(Int(bytesPerUpload.rounded())) an upload"),
            ("runs a frame", fixed(runs, 3)),
            ("calibration error", "\(percent(calibrationError)) %"),
        ]
        let width = rows.map { $0.0.count }.max() ?? 0
        var lines = ["\(counted(images, "image"))\(labelled ? "" : " without labels: the full model's answer counts as right")"]
        if let gate { lines.append("gate: \(gate.measure) \(gate.value)") }
        lines += rows.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }
        if let certificate {
            let says = "\(certificate.risk) ≤ \(Self.exact(certificate.bound)) % with \(Self.exact(certificate.confidence)) % confidence, proved on \(certificate.samples) images"
            let verdict =
                switch certificate.isContradicted {
                case true?: "CONTRADICTED by these images"
                case false?: "these images don't contradict it"
                case nil: "it isn't about this: \(certificate.otherThanCertified ?? "")"
                }
            lines.append("certificate: \(says); \(verdict)")
        } else {
            lines.append("certificate: none")
        }
        if let ideal {
            func best(_ point: Ideal.Point?) -> String { point.map { "\(percent($0.coverage)) % from \($0.threshold.rounded(to: 6))" } ?? "nothing" }
            lines.append("the best threshold of these images: harm ≤ 1 % \(best(ideal.harm_1_percent)), equal accuracy \(best(ideal.equal_accuracy))")
        }
        for cost in costs ?? [] {
            lines.append(
                "\(cost.radio): \(fixed(cost.time * 1000, 1)) ms a frame, \(fixed(1 / cost.time_ratio, 2)) times as fast as sending every frame; energy \(points(cost.energy_ratio - 1)) %, "
                    + "with the radio's tails \(points(cost.energy_with_tails_ratio - 1)) %")
        }
        return lines.joined(separator: "\n")
    }

    private func row(_ share: Share) -> String { "\(percent(share.value)) %  (\(percent(share.low)) … \(percent(share.high)))" }
    /// Without the sign, so that ranges need it once.
    static func percent(_ share: Double) -> String { fixed(share * 100, 2) }
    /// What was asked for, in per cent: not rounded to something else.
    static func exact(_ share: Double) -> String {
        let digits = "\((share * 100).rounded(to: 8))"
        return digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits
    }
    private func percent(_ share: Double) -> String { Self.percent(share) }
    private func points(_ share: Double) -> String { (share >= 0 ? "+" : "") + percent(share) }
}
