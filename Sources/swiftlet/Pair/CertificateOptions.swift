// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Certification
internal import Gating

/// What is to be proved of a gate.
struct CertificateOptions: ParsableArguments {
    @Option(help: "harm or accuracy-loss.")
    var risk: Certificate.Risk = .harm

    @Option(help: "The most that the risk may be.")
    var bound = Fraction(0.01)

    @Option(help: "How sure the proof has to be.")
    var confidence = Fraction(0.95)

    @Option(help: "What the gate looks at: top-1, margin, entropy, energy or score.")
    var measure: Measure = .margin

    func validate() throws { _ = try certifier() }

    func certifier() throws -> Certifier {
        guard let certifier = Certifier(risk: risk, bound: bound.value, confidence: confidence.value, measure: measure) else {
            throw ValidationError("--bound and --confidence must be above 0 % and below 100 %")
        }
        return certifier
    }

    /// The gate that these samples prove, with its stricter rungs.
    ///
    /// - Throws: ``CommandFailure`` with the reason where they prove none.
    func gate(on samples: [PairedSample], fullModel: String, secondLook: Double?) throws -> CertifiedGate {
        let certifier = try certifier()
        do {
            let rungs = try certifier.rungs(samples)
            guard let gate = CertifiedGate(rungs: rungs, fullModel: fullModel, secondLook: secondLook) else {
                throw CommandFailure(.unavailable, "no certificate: there is no rung")
            }
            return gate
        } catch let refusal as Refusal {
            throw CommandFailure(.unavailable, "no certificate: \(refusal)")
        }
    }
}
