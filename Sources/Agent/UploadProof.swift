// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Networks
internal import Settings
internal import Tensors

/// The form of images that a certificate of accuracy loss is about, beside the one that they are sent in. Harm doesn't depend on it.
struct UploadProof: Sendable {
    private let proved: UploadForm
    private let sent: UploadForm
    private let certificate: Certificate

    /// - Returns: `nil` where the gate's certificate isn't about uploads.
    init?(_ gate: CertifiedGate, _ settings: AgentSettings.Recovery, _ measured: UploadDetails?) {
        guard let certificate = gate.rungs.first(where: { $0.risk == .accuracyLoss }) else { return nil }
        self.certificate = certificate
        proved = measured?.form ?? .standard
        sent = UploadForm(settings, measured)
    }

    var holds: Bool { sent == proved }

    /// What is told where it doesn't hold.
    var warning: String {
        "recovery.jpeg-quality: images are sent as \(sent.text), the certificate is proved for \(proved.text): its accuracy loss of at most "
            + "\((certificate.bound * 10_000).rounded() / 100) % isn't about this upload; leave jpeg-quality at auto, or certify with --upload"
    }
}

extension UploadForm {
    fileprivate var text: String {
        switch encoding {
        case .jpeg(let quality, let fullColour): "JPEG of quality \(quality)\(fullColour ? " in full colour" : "")"
        case .png: "PNG"
        }
    }
}
