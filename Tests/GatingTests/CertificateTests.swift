// SPDX-License-Identifier: Apache-2.0
import Gating
import Glibc
import Testing

struct CertificateTests {
    static func certificate(
        risk: Certificate.Risk = .harm, bound: Double = 0.01, samples: Int, accepted: Int, disagreements: Int, confidence: Double = 0.95, measure: Measure = .margin, threshold: Double = 0.9
    ) -> Certificate {
        Certificate(
            risk: risk, bound: bound, confidence: confidence, measure: measure, threshold: threshold, samples: samples, accepted: accepted, loss: 0,
            disagreements: disagreements, isLabelled: true)
    }

    /// `P(Bin(n, p) ≤ k)` term by term.
    static func tail(_ n: Int, _ p: Double, _ k: Int) -> Double {
        (0...k).reduce(0) { sum, i in
            let choose = lgamma(Double(n + 1)).0 - lgamma(Double(i + 1)).0 - lgamma(Double(n - i + 1)).0
            return sum + exp(choose + Double(i) * log(p) + Double(n - i) * log1p(-p))
        }
    }

    @Test(arguments: [(1, 0), (10, 3), (299, 0), (2500, 38), (2500, 0), (4000, 4), (40, 39), (100_000, 1500)])
    func theDisagreementLimitIsExact(samples: Int, disagreements: Int) {
        for confidence in [0.5, 0.9, 0.95, 0.999] {
            let limit = Self.certificate(samples: samples, accepted: samples, disagreements: disagreements, confidence: confidence).disagreementLimit
            #expect(abs(Self.tail(samples, limit, disagreements) - (1 - confidence)) < 1e-8, "\(limit)")
        }
    }

    @Test func withoutASampleThatAgreesThereIsNoLimit() {
        #expect(Self.certificate(samples: 0, accepted: 0, disagreements: 0).disagreementLimit == 1)
        #expect(Self.certificate(samples: 5, accepted: 5, disagreements: 5).disagreementLimit == 1)
    }

    /// The rule of three: 299 samples without an event say less than 1 %, with 95 %.
    @Test func knownValues() {
        #expect(abs(Self.certificate(samples: 299, accepted: 200, disagreements: 0).disagreementLimit - (1 - pow(0.05, 1 / 299.0))) < 1e-12)
    }
}
