// SPDX-License-Identifier: Apache-2.0
import Agent
import Gating
import Logging
import Networks
import Settings
import Tensors
import TestSupport
import Testing

/// What a certificate says of the system's accuracy, and of audits, holds for images as they were sent when it was proved.
@Suite(.timeLimit(.minutes(1)))
struct UploadProofTests {
    static func bundle(_ risk: Certificate.Risk, upload form: UploadForm?) -> Bundle {
        var bundle = AgentFixtures.certifiedBundle()
        for index in bundle.details.certifiedGate?.rungs.indices ?? 0..<0 { bundle.details.certifiedGate?.rungs[index].risk = risk }
        bundle.details.recovery = form.map {
            UploadDetails(
                form: $0, meanBytes: 900, p95Bytes: 1200, samples: 500, changed: 1, lost: 0, gained: 0, isLabelled: true, bound: 0.01, confidence: 0.95,
                fullModel: "")
        }
        return bundle
    }

    /// What an agent says at its start, and in its statistics.
    static func agent(
        _ bundle: Bundle, cloud: ManualCloud? = ManualCloud(), _ change: (inout AgentSettings) -> Void
    ) async throws -> (warnings: [String], statistics: AgentStatistics) {
        let lines = Journal<String>()
        let bench = try AgentBench(bundle, cloud: cloud, logger: Logger(label: "test") { _ in JournalLogHandler(journal: lines) }, settings: change)
        var records = bench.records.makeAsyncIterator()
        _ = await bench.finish(&records)
        return (lines.entries.filter { $0.contains("isn't about this upload") }, bench.agent.statistics)
    }

    static let small = UploadForm(size: .shorterSide(224), encoding: .jpeg(quality: 60, fullColour: true))

    @Test func anotherQualityThanTheProvedOneIsSaidAtTheStart() async throws {
        for (form, quality, sent, proved) in [
            (Self.small, 59, "JPEG of quality 59 in full colour", "JPEG of quality 60 in full colour"),
            (Self.small, 100, "JPEG of quality 100 in full colour", "JPEG of quality 60 in full colour"),
            (UploadForm(encoding: .png), 90, "JPEG of quality 90", "PNG"), (nil, 89, "JPEG of quality 89", "JPEG of quality 90"),
        ] as [(UploadForm?, Int, String, String)] {
            let (warnings, statistics) = try await Self.agent(Self.bundle(.accuracyLoss, upload: form)) { $0.recovery.jpegQuality = quality }
            #expect(warnings.count == 1 && warnings[0].contains("are sent as \(sent), the certificate is proved for \(proved): its accuracy loss of at most 1.0 %, and what audits are"), "\(warnings)")
            #expect(statistics.isUploadProved == false)
            #expect(statistics.json().contains("\"upload_proved\":false"))
        }
    }

    @Test func theProvedQualityIsNoReasonToWarn() async throws {
        for (form, quality) in [(Self.small, nil), (Self.small, 60), (nil, nil), (nil, 90), (UploadForm(encoding: .png), nil)] as [(UploadForm?, Int?)] {
            let (warnings, statistics) = try await Self.agent(Self.bundle(.accuracyLoss, upload: form)) { $0.recovery.jpegQuality = quality }
            #expect(warnings.isEmpty && statistics.isUploadProved == true)
        }
    }

    /// Harm is what the board answers wrongly, whatever is sent; audits see what is sent.
    @Test func ofACertificateOfHarmOnlyTheAuditsDependOnTheUpload() async throws {
        let (warnings, statistics) = try await Self.agent(Self.bundle(.harm, upload: Self.small)) { $0.recovery.jpegQuality = 30 }
        #expect(warnings.count == 1 && warnings[0].contains(": what audits are held against isn't about this upload") && statistics.isUploadProved == false)
    }

    /// Without the certificate, or the cloud, no figure is claimed.
    @Test func whereNoFigureDependsOnTheUploadNothingIsSaid() async throws {
        let cases: [(Bundle, ManualCloud?, (inout AgentSettings) -> Void)] = [
            (Self.bundle(.accuracyLoss, upload: Self.small), nil, { _ in }),
            (Self.bundle(.accuracyLoss, upload: Self.small), ManualCloud(), { $0.gate = .threshold(.topOne, 0.8) }),
            (Self.bundle(.accuracyLoss, upload: Self.small), ManualCloud(), { $0.recovery.isEnabled = false }),
        ]
        for (bundle, cloud, change) in cases {
            let (warnings, statistics) = try await Self.agent(bundle, cloud: cloud) {
                $0.recovery.jpegQuality = 30
                change(&$0)
            }
            #expect(warnings.isEmpty && statistics.isUploadProved == nil)
            #expect(!statistics.json().contains("upload_proved"))
        }
    }
}
