// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Compilation
internal import Gating
internal import Tensors

/// Of the weights of every layer.
enum WeightBits: String, CaseIterable, ExpressibleByArgument {
    case eight = "8"
    case four = "4"
    case three = "3"
    case two = "2"
    case mixed

    /// `nil` where layers differ.
    var precision: LayerPrecision? {
        switch self {
        case .mixed: nil
        case .eight: .bits8
        case .four: .bits(.four)
        case .three: .bits(.three)
        case .two: .bits(.two)
        }
    }
}

/// What `--weights mixed` asks besides a pair. The images that choose the upload choose the precisions, too.
struct MixtureOptions: ParsableArguments {
    @Option(help: "The most coverage at --bound that may be lost against float32 and int8.")
    var allowedLoss = Fraction(0.01)

    @Option(help: "How many mixtures to measure.")
    var choices = 10

    func validate() throws {
        guard (1...100).contains(choices) else { throw ValidationError("--choices must be 1 … 100") }
        guard (0...1).contains(allowedLoss.value) else { throw ValidationError("--allowed-loss must be 0 % … 100 %") }
    }

    func trial(full: ModelFile, images: LabelledImages, wanted: CertificateOptions, secondLook: Double?, threads: Int) -> PrecisionTrial {
        PrecisionTrial(
            full: full, images: images.parts(3)[0], risk: wanted.risk, bound: wanted.bound.value, measure: wanted.measure, allowedLoss: allowedLoss.value,
            secondLook: secondLook, threads: threads)
    }
}
