// SPDX-License-Identifier: Apache-2.0
package import Gating

extension BundleDetails {
    /// How the network's output becomes confidence; `nil` where ``temperature`` is none.
    package var calibration: Calibration? {
        Temperature(temperature).map { Calibration(scores: outputKind == .logits ? .logits : .probabilities, temperature: $0, combination: combination) }
    }

    /// What the certified gate accepts at the end at least, in the scores of the table of plans; 0 without such a gate, or where it asks for something else.
    package var endFloor: Double { plans.flatMap { certifiedGate?.gate.floor(of: $0.measure) }.map { max($0, 0) } ?? 0 }

    /// How the mean of the logits of two looks becomes confidence: as one look's where no calibration was fitted for it.
    package var secondLookCalibration: Calibration? {
        guard let secondLook else { return calibration.map { Calibration(temperature: $0.temperature, combination: $0.combination) } }
        return Temperature(secondLook.temperature).map { Calibration(temperature: $0, combination: secondLook.combination) }
    }
}
