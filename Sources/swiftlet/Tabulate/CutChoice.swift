// SPDX-License-Identifier: Apache-2.0
internal import Images
internal import Networks
internal import Packing
internal import Tensors

/// Which of the cuts that both networks have are worth measuring.
///
/// Of those with the same exits before them, a cut is left out where one before it sends no more bytes, at 4 bits and at 8: there the board works longer for nothing.
/// So is one at which the two networks have values of the same names but not the same values: they aren't forms of one network.
struct CutChoice {
    /// Where the full network can go on from what crosses the board's.
    let shared: [PlanDetails.Cut]
    private(set) var kept: [PlanDetails.Cut] = []
    /// Where names are alike and numbers aren't.
    private(set) var unlike = 0

    /// Bits at which candidates are packed, for bytes alone.
    private static let bits = [4, 8]
    /// At least so much less than every cut before: fewer bytes than that are noise of a few images.
    private static let gains = [0.01, 0.03, 0.1, 0.3, 0.6]
    private static let mostCuts = 40
    /// Squared error of the board's values over the variance of the full network's; 8 bits leave a hundredth of it.
    private static let largestError = 0.5

    init(_ pair: DividedPair) {
        let cuts = pair.board.cuts
        let shippable = Set(pair.full.shippableCuts.map(\.position))
        shared = pair.board.cutsShared(with: pair.full).compactMap { both in
            let crossing = cuts[both.position].crossing.map { pair.board[$0] }
            guard both.position > 0, both.otherPosition > 0, shippable.contains(both.otherPosition), crossing.allSatisfy(\.canBePacked) else { return nil }
            return PlanDetails.Cut(
                position: both.position, fullPosition: both.otherPosition, crossing: crossing.map { PlanDetails.Cut.Crossing(name: $0.name, shape: $0.shape) })
        }
    }

    /// Chooses by what some images send.
    mutating func choose(_ pair: DividedPair, images: LabelledImages) throws {
        var images = images
        images.keep(atMost: 16)
        let run = try DividedRun(pair, cuts: shared)
        var bytes: [[Int]] = shared.map { _ in Self.bits.map { _ in 0 } }
        var errors = shared.map { _ in SquaredError() }
        var bar = ProgressBar("choosing among \(shared.count) cuts", total: images.count)
        for index in 0..<images.count {
            let image = try images.image(at: index).image
            let (sent, own) = (try run.prefixes(of: image).crossings, try run.fullCrossings(of: image))
            for cut in shared.indices {
                for ((tensor, quantization), expected) in zip(sent[cut], own[cut]) {
                    for (place, bits) in Self.bits.enumerated() { bytes[cut][place] += try PackedActivation(tensor, quantization, bits: bits).packed().count }
                    errors[cut].add(try PackedActivation(tensor, quantization, bits: PackedActivation.realsBits).reals, expected.elements(of: Float.self))
                }
            }
            bar.update(index + 1)
        }
        let alike = shared.indices.filter { errors[$0].relative <= Self.largestError }
        unlike = shared.count - alike.count
        for gain in Self.gains {
            kept = Self.undominated(alike.map { (shared[$0], bytes[$0]) }, exits: pair.board.exitPositions, gain: gain)
            if kept.count <= Self.mostCuts { return }
        }
        kept = Array(kept.suffix(Self.mostCuts))
    }

    private static func undominated(_ cuts: [(cut: PlanDetails.Cut, bytes: [Int])], exits: [Int], gain: Double) -> [PlanDetails.Cut] {
        var kept: [(exits: Int, cut: PlanDetails.Cut, bytes: [Int])] = []
        for (cut, bytes) in cuts {
            let before = exits.count { $0 <= cut.position }
            let isDominated = kept.contains { other in
                other.exits == before && zip(other.bytes, bytes).allSatisfy { Double($1) > Double($0) * (1 - gain) }
            }
            if !isDominated { kept.append((before, cut, bytes)) }
        }
        return kept.map(\.cut)
    }
}

extension Value {
    /// Whether ``PackedActivation`` takes it.
    fileprivate var canBePacked: Bool {
        ActivationShape(of: shape) != nil && (type == .float32 || (type == .uint8 && quantization != nil && quantization?.axis == nil))
    }
}

/// `Σ (found − expected)² / Σ (expected − mean)²`, the mean that of each tensor.
private struct SquaredError {
    private var error = 0.0
    private var spread = 0.0

    mutating func add(_ found: [Float], _ expected: [Float]) {
        let mean = expected.reduce(0.0) { $0 + Double($1) } / Double(max(expected.count, 1))
        for (a, b) in zip(found, expected) {
            error += (Double(a) - Double(b)) * (Double(a) - Double(b))
            spread += (Double(b) - mean) * (Double(b) - mean)
        }
    }

    var relative: Double { spread > 0 ? error / spread : error > 0 ? .infinity : 0 }
}
