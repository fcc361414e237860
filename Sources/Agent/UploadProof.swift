// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Networks
internal import Settings
internal import Tensors

/// The form of images that a certificate is about, beside the one that they are sent in: accuracy loss counts what the upload costs, and what audits are held against was
/// counted by uploads in any case. Harm alone doesn't depend on them.
struct UploadProof: Sendable {
    private let proved: UploadForm
    private let sent: UploadForm
    private let certificate: Certificate

    init(_ gate: CertifiedGate, _ settings: AgentSettings.Recovery, _ measured: UploadDetails?) {
        certificate = gate.rungs[0]
        proved = measured?.form ?? .standard
        sent = UploadForm(settings, measured)
    }

    var holds: Bool { sent == proved }

    /// What is told where it doesn't hold.
    var warning: String {
        let loss = "its accuracy loss of at most \((certificate.bound * 10_000).rounded() / 100) %, and what audits are held against,"
        return "recovery.jpeg-quality: images are sent as \(sent.text), the certificate is proved for \(proved.text): "
            + "\(certificate.risk == .accuracyLoss ? loss : "what audits are held against") isn't about this upload; leave jpeg-quality at auto"
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
