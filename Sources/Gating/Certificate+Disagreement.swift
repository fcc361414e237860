// SPDX-License-Identifier: Apache-2.0

extension Certificate {
    /// The largest share of all frames that may be accepted with an answer other than the cloud's, which has the upload, while nothing has changed since the certificate: what
    /// field audits, which see neither labels nor the full model's answer about the image itself, are held against.
    ///
    /// It is a limit on what can be watched, not on harm. A frame that is harmed counts unless the upload misleads the full model to the local network's wrong answer, so
    ///
    ///     harm ≤ P(accepted, the cloud says another class) + P(accepted, the upload changes the full model's answer to the local one),
    ///
    /// and for lossless uploads harm is at most this share. What the upload changes is measured where it is chosen.
    ///
    /// The exact upper bound at the certificate's confidence (C. Clopper, E. Pearson, Biometrika 26, 1934): the rate at which no more than ``disagreements``
    /// of ``samples`` are such with a probability of 1 − ``confidence``. Above 0; 1 where nothing is known.
    package var disagreementLimit: Double {
        guard samples > disagreements, disagreements >= 0 else { return 1 }
        var low = 0.0
        var high = 1.0
        for _ in 0..<60 {
            let rate = (low + high) / 2
            let above = IncompleteBeta.logRegularized(rate, Double(disagreements + 1), Double(samples - disagreements))
            if exponential(above) < confidence { low = rate } else { high = rate }
        }
        return high
    }
}
