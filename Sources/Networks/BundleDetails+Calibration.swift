// SPDX-License-Identifier: Apache-2.0
package import Gating

extension BundleDetails {
    /// How the network's output becomes confidence; `nil` where ``temperature`` is none.
    package var calibration: Calibration? {
        Temperature(temperature).map { Calibration(scores: outputKind == .logits ? .logits : .probabilities, temperature: $0, combination: combination) }
    }

    /// How the mean of the logits of two looks becomes confidence: as one look's where no calibration was fitted for it.
    package var secondLookCalibration: Calibration? {
        guard let secondLook else { return calibration.map { Calibration(temperature: $0.temperature, combination: $0.combination) } }
        return Temperature(secondLook.temperature).map { Calibration(temperature: $0, combination: secondLook.combination) }
    }
}
