// SPDX-License-Identifier: Apache-2.0
internal import Digests
package import Gating
package import Tensors

/// What a bundle says of its network besides the graph.
package struct BundleDetails: Hashable, Sendable, Encodable {
    package enum Precision: String, CaseIterable, Hashable, Sendable, Encodable { case int8, fp32 }

    package enum OutputKind: String, Hashable, Sendable, Encodable {
        /// Unbounded scores, the input of a softmax.
        case logits
        /// The result of a softmax.
        case probabilities
    }

    /// What the mean of two looks, at an image and its mirror image, is calibrated by: of logits always.
    package struct SecondLook: Hashable, Sendable, Encodable {
        package var temperature: Double
        package var combination: CombinedScore?

        package init(temperature: Double, combination: CombinedScore?) {
            self.temperature = temperature
            self.combination = combination
        }
    }

    package static let currentVersion = 4

    package var name: String
    package var formatVersion: Int
    package var precision: Precision
    /// How an image becomes the input; `nil` where the network doesn't take images.
    package var preprocessing: Preprocessing?
    /// One a class, in the order of the output; empty where the classes have no names.
    package var labels: [String]
    package var outputKind: OutputKind
    /// What logits are divided by before the softmax, so that confidence means frequency. 1 where it was not fitted.
    package var temperature: Double
    /// The gate between this network and a full one, with its proof; `nil` where none was certified.
    package var certifiedGate: CertifiedGate?
    /// The estimate that an answer is right; `nil` where it was not fitted.
    package var combination: CombinedScore?
    /// `nil` where it was not fitted.
    package var secondLook: SecondLook?
    /// How images are sent to that full network; `nil` where it wasn't measured.
    package var recovery: UploadDetails?
    /// How many images chose the precisions of the weights, which therefore prove nothing about them; `nil`: none did.
    package var weightsChosenOn: Int?
    /// What plans are made of; `nil` where nothing was measured for them.
    package var plans: PlanDetails?
    /// SHA-256 of the ONNX file, hexadecimal; empty where there was none.
    package var sourceDigest: String
    /// SHA-256 over the tensors of the file, hexadecimal, as ``Safetensors/tensorsDigest`` defines it. Set when a bundle is written; empty before.
    package var weightsDigest: String
    /// The same without the table of plans, which changes nothing about the network; set with it, and `nil` where the file holds none.
    package var networkDigest: String?

    package init(
        name: String, precision: Precision, preprocessing: Preprocessing? = nil, labels: [String] = [],
        outputKind: OutputKind = .logits, temperature: Double = 1, sourceDigest: String = ""
    ) {
        self.name = name
        formatVersion = Self.currentVersion
        self.precision = precision
        self.preprocessing = preprocessing
        self.labels = labels
        self.outputKind = outputKind
        self.temperature = temperature
        self.sourceDigest = sourceDigest
        weightsDigest = ""
    }

    /// What the network decides: SHA-256 of the labels, joined by newlines, hexadecimal. The same on every side that may answer for another.
    package var task: String { Self.task(labels: labels) }

    package static func task(labels: [String]) -> String { SHA256Digest(of: labels.joined(separator: "\n")).description }

    /// What was proved, of which network: SHA-256 of the weights' digest, the temperature and the certified gate, hexadecimal; `nil` where none was certified. A table of plans
    /// has no part in it.
    package var certificateDigest: String? {
        certifiedGate.map { SHA256Digest(of: "\(networkDigest ?? weightsDigest)\n\(temperature)\n\($0.identity)").description }
    }

    /// The first thing that can't be true of any network; `nil` when there is none.
    var contradiction: String? {
        guard Temperature(temperature) != nil else { return "temperature \(temperature) isn't above 0" }
        if let secondLook, Temperature(secondLook.temperature) == nil { return "a second look's temperature \(secondLook.temperature) isn't above 0" }
        for combination in [combination, secondLook?.combination] {
            if let combination, !combination.isUsable { return "its combined score doesn't rise with the margin, or isn't a number" }
        }
        if let problem = certifiedGate?.contradiction ?? recovery?.contradiction { return problem }
        guard let preprocessing else { return nil }
        guard (1...Self.largestSide).contains(preprocessing.width), (1...Self.largestSide).contains(preprocessing.height) else {
            return "an input of \(preprocessing.width) x \(preprocessing.height) pixels is outside 1 … \(Self.largestSide)"
        }
        if case .shorterSide(let size) = preprocessing.resize, !(1...Self.largestSide).contains(size) {
            return "a shorter side of \(size) pixels is outside 1 … \(Self.largestSide)"
        }
        guard preprocessing.mean.count == preprocessing.channels, preprocessing.deviation.count == preprocessing.channels else {
            return "mean and deviation don't have \(preprocessing.channels) channels"
        }
        guard preprocessing.scale.isFinite, preprocessing.mean.allSatisfy(\.isFinite),
            preprocessing.deviation.allSatisfy({ $0.isFinite && $0 != 0 })
        else { return "scale, mean or deviation isn't a usable number" }
        return nil
    }

    private static let largestSide = 16384
}
