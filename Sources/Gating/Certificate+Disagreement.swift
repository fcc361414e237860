// SPDX-License-Identifier: Apache-2.0

extension Certificate {
    /// The largest share of all frames that may be accepted with an answer other than the full model's while the certificate isn't contradicted: what field audits,
    /// which see no labels, are held against. Harm is at most this share.
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
