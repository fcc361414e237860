// SPDX-License-Identifier: Apache-2.0
import Agent
import Gating
import Networks
import TestSupport
import Testing

struct AuditRecordTests {
    static let certificate = String(repeating: "c0", count: 32)

    static func gate() throws -> CertifiedGate { try #require(AgentFixtures.certifiedBundle().details.certifiedGate) }

    /// A ladder that has seen any events in any order.
    static func ladder(_ random: inout SeededGenerator, until now: inout Duration) throws -> AuditLadder {
        var settings = AuditLadder.Settings()
        (settings.share, settings.runLength, settings.spacing, settings.pause) = (0.5, 20, .milliseconds(10), .milliseconds(100))
        var ladder = try #require(AuditLadder(gate(), settings: settings))
        for _ in 0..<Int.random(in: 0...2000, using: &random) {
            now += .microseconds(Int.random(in: 0...200_000, using: &random))
            let score = Double.random(in: 0...1, using: &random)
            let event: AuditLadder.Event =
                switch Int.random(in: 0..<3, using: &random) {
                case 0: .read(score: score, isAccepted: score > 0.5)
                case 1: .audited(score: score, rung: ladder.rung, agrees: Int.random(in: 0..<20, using: &random) > 0)
                default: .escalated(score: score, rung: ladder.rung, agrees: Int.random(in: 0..<40, using: &random) > 0)
                }
            _ = ladder.handle(event, now: now, using: &random)
        }
        return ladder
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func recordsReadBackAsTheyWereWritten(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var now = Duration.seconds(5)
        let ladder = try Self.ladder(&random, until: &now)
        let record = AuditRecord(certificate: Self.certificate, boot: "5a1c-0\(seed)", time: now, memory: ladder.memory(now: now))
        #expect(AuditRecord(record.bytes) == record && record.bytes.count < AuditRecord.mostBytes)
        // The same ladder to the bit, but for parts of milliseconds.
        let again = try #require(AuditLadder(Self.gate(), settings: ladder.settings, from: record.memory, now: now))
        #expect(AuditRecord(certificate: Self.certificate, boot: record.boot, time: now, memory: again.memory(now: now)) == record)
        #expect(again.rung == ladder.rung && again.interval == ladder.interval && again.suspicion == ladder.suspicion && again.coverage == ladder.coverage)
    }

    @Test func damageNeverReadsAsARecord() throws {
        var random = SeededGenerator(seed: 7)
        var now = Duration.seconds(5)
        let ladder = try Self.ladder(&random, until: &now)
        let bytes = AuditRecord(certificate: Self.certificate, boot: "a", time: now, memory: ladder.memory(now: now)).bytes
        #expect(AuditRecord(bytes) != nil && AuditRecord([]) == nil)
        for length in 0..<bytes.count { #expect(AuditRecord(Array(bytes.prefix(length))) == nil) }
        for position in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << bit
                #expect(AuditRecord(damaged) == nil, "byte \(position), bit \(bit)")
            }
        }
    }

    /// Whatever stands in a file with a right checksum either is a record, which reads back, or isn't; and what a ladder goes on from is sound.
    @Test(arguments: 1...400 as ClosedRange<UInt64>)
    func nothingThatStandsInAFileCrashes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var now = Duration.seconds(5)
        let ladder = try Self.ladder(&random, until: &now)
        let bytes = AuditRecord(certificate: Self.certificate, boot: "a", time: now, memory: ladder.memory(now: now)).bytes
        let end = try #require(bytes.dropLast().lastIndex(of: 10)) + 1
        for _ in 0..<20 {
            let damaged = Self.checked(random.damaged(Array(bytes[..<end])))
            guard let record = AuditRecord(damaged) else { continue }
            #expect(record.bytes == damaged)
            guard var other = AuditLadder(try Self.gate(), from: record.memory(boot: "a", now: now), now: now) else { continue }
            for _ in 0..<20 {
                let score = Double.random(in: 0...1, using: &random)
                _ = other.handle(.read(score: score, isAccepted: true), now: now, using: &random)
                _ = other.handle(.audited(score: score, rung: other.rung, agrees: false), now: now, using: &random)
                _ = other.handle(.escalated(score: score, rung: other.rung, agrees: true), now: now, using: &random)
                #expect((0...3).contains(other.rung) && (0...1).contains(other.suspicion))
            }
        }
    }

    /// Words and numbers that no ladder has, each in an otherwise sound record.
    @Test(arguments: [
        ("rung 0 settled", "rung 00 settled"), ("rung 0 settled", "rung 0 other"), ("rung 0 settled", "rung -1 settled"), ("rung 0 settled", "rung 0 settled "),
        ("audits 0 0", "audits 1 2"), ("audits 0 0", "audits 99999999999999999999 0"), ("total 0 0", "total 0"), ("moves 0 0", "moves 0 0 0"),
        ("pause 60000", "pause 6e4"), ("ages - - - - -", "ages - - - - x"), ("shares 50.0", "shares nan"), ("shares 50.0", "shares 0x32"),
        ("shares 50.0", "shares 50"), ("band 0.0", "band inf"), ("holding 0.0", "held 0.0"), ("breaking 0.0", "breaking -0.0x"), ("boot a", "boot ä"),
        ("swiftlet-audit 2", "swiftlet-audit 1"),
    ])
    func aRecordOfAnotherFormIsNone(found: String, replacement: String) throws {
        let ladder = try #require(AuditLadder(Self.gate()))
        let bytes = AuditRecord(certificate: Self.certificate, boot: "a", time: .seconds(9), memory: ladder.memory(now: .seconds(9))).bytes
        let text = String(decoding: bytes, as: UTF8.self)
        let start = try #require(text.firstRange(of: "check ")?.lowerBound)
        func record(_ text: Substring) -> AuditRecord? { AuditRecord(Self.checked(Array(text.utf8))) }
        #expect(record(text[..<start]) != nil)
        let place = try #require(text.firstRange(of: found))
        var changed = text[..<start]
        changed.replaceSubrange(place, with: replacement)
        #expect(record(changed) == nil)
    }

    /// With the checksum that belongs to it.
    static func checked(_ bytes: [UInt8]) -> [UInt8] {
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return bytes + Array("check \(String(repeating: "0", count: 16 - digits.count))\(digits)\n".utf8)
    }

    @Test func agesCountTheTimeThatIsKnownToHavePassed() throws {
        var ladder = try #require(AuditLadder(Self.gate()))
        var random = SeededGenerator(seed: 1)
        _ = ladder.handle(.audited(score: 1, rung: 0, agrees: true), now: .seconds(90), using: &random)
        let record = AuditRecord(certificate: Self.certificate, boot: "a", time: .seconds(100), memory: ladder.memory(now: .seconds(100)))
        func age(_ boot: String, _ now: Duration) -> Duration? { record.memory(boot: boot, now: now).ages[0] }
        #expect(age("a", .seconds(160)) == .seconds(70) && age("a", .seconds(100)) == .seconds(10))
        // Another boot, and a clock that says it is one: at least since it began.
        #expect(age("b", .seconds(40)) == .seconds(50) && age("b", .seconds(400)) == .seconds(410) && age("a", .seconds(99)) == .seconds(109))
    }

    @Test func whatSpeaksAgainstTheCertificateIsStoredSooner() {
        var schedule = AuditSchedule(now: .seconds(1000))
        #expect(schedule.due == nil)
        schedule.note(.agreeing, now: .seconds(1001))
        #expect(schedule.due == .seconds(1600))
        schedule.note(.differing, now: .seconds(1010))
        schedule.note(.agreeing, now: .seconds(1011))
        #expect(schedule.due == .seconds(1060))
        schedule.note(.move, now: .seconds(1012))
        #expect(schedule.due == .seconds(1012))
        schedule.begin(now: .seconds(1012))
        #expect(schedule.due == nil)
        // After a rest at once.
        schedule.note(.differing, now: .seconds(3000))
        #expect(schedule.due == .seconds(3000))
        schedule.begin(now: .seconds(3000))
        schedule.failed(now: .seconds(3001))
        #expect(schedule.due == .seconds(3031))
        schedule.note(.move, now: .seconds(3002))
        #expect(schedule.due == .seconds(3002))
    }
}
