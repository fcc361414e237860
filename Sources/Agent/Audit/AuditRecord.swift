// SPDX-License-Identifier: Apache-2.0
package import Gating

/// What is stored of an ``AuditLadder``, and whose it is.
///
/// As a file, in lines of words divided by single spaces; times in milliseconds, `-` for what never was. There is a line `band`, `holding` and `breaking` for each rung:
///
///     swiftlet-audit 2
///     certificate 9f86d0…
///     boot 5a1c…
///     time 86412000
///     rung 1 probation
///     audits 120 3
///     total 4711 19
///     moves 2 1
///     pause 60000
///     ages 1200 1700 - 300000 -
///     shares 500.0 0.71 0.52
///     band 3.0 0.0 1.0 0.0
///     band 0.0 0.0 0.0 0.0
///     holding 0.0 0.0 0.0 0.0
///     holding 0.0 0.0 0.0 0.0
///     breaking 0.0 0.0 0.0 0.0 0.0
///     breaking 0.0 0.0 0.0 0.0 0.0
///     check 89abcdef01234567
package struct AuditRecord: Hashable, Sendable {
    /// Names what the audits are about: a record of another one says nothing.
    package var certificate: String
    /// Names the boot that `time` counts from: 1 … 64 letters, digits and `-`.
    package var boot: String
    /// When it was made, stored in whole milliseconds, as are all times of the memory.
    package var time: Duration
    package var memory: AuditMemory

    package init(certificate: String, boot: String, time: Duration, memory: AuditMemory) {
        self.certificate = certificate
        self.boot = boot
        self.time = Self.rounded(time)
        self.memory = memory
        self.memory.pause = Self.rounded(memory.pause)
        self.memory.ages = memory.ages.map { $0.map(Self.rounded) }
    }

    /// What is remembered at `now`. A record of another boot was made before this one began, so all that is known to have passed since is `now`.
    package func memory(boot: String, now: Duration) -> AuditMemory {
        memory.aged(by: max(boot == self.boot && time <= now ? now - time : now, .zero))
    }

    /// Longer files are no records.
    package static let mostBytes = 65536

    package var bytes: [UInt8] {
        let ages = memory.ages.map { age in age.map(Self.text) ?? "-" }
        var lines: [[String]] = [["swiftlet-audit", "2"], ["certificate", certificate], ["boot", boot], ["time", Self.text(time)]]
        lines.append(["rung", "\(memory.rung)", memory.isOnProbation ? "probation" : "settled"])
        lines.append(["audits", "\(memory.interval.count)", "\(memory.interval.events)"])
        lines.append(["total", "\(memory.total.count)", "\(memory.total.events)"])
        lines.append(["moves", "\(memory.tightenings)", "\(memory.relaxings)"])
        lines.append(["pause", Self.text(memory.pause)])
        lines.append(["ages"] + ages)
        lines.append(["shares", "\(memory.frames)"] + Self.texts(memory.shares))
        for (key, evidence) in zip(Self.ofRungs, [memory.bands, memory.holding, memory.breaking]) { lines += evidence.map { [key] + Self.texts($0) } }
        return StateText.bytes(lines)
    }

    /// - Returns: `nil` for bytes that aren't exactly what ``bytes`` gives for some record.
    package init?(_ bytes: [UInt8]) {
        guard let lines = StateText.lines(bytes, atMost: Self.mostBytes), lines.count >= Self.keys.count,
            zip(lines, Self.keys).allSatisfy({ $0.first == $1 })
        else { return nil }
        let words = lines.map { $0.dropFirst() }
        // Each key's words, of which there are as many as stated.
        func counts(_ line: Int, _ count: Int) -> [Int]? {
            let numbers = words[line].prefix(count).compactMap(StateText.number)
            return numbers.count == count ? numbers : nil
        }
        func fractions(_ words: ArraySlice<String>) -> [Double]? {
            let numbers = words.compactMap { Double($0) }
            return numbers.count == words.count && numbers.allSatisfy({ $0.isFinite }) ? numbers : nil
        }
        guard let certificate = words[1].first, let boot = words[2].first, StateText.isBoot(boot), let time = counts(3, 1), let rung = counts(4, 1),
            let audits = counts(5, 2), let interval = AuditInterval(count: audits[0], events: audits[1]),
            let all = counts(6, 2), let total = AuditInterval(count: all[0], events: all[1]), let moves = counts(7, 2), let pause = counts(8, 1),
            let shares = fractions(words[10]), let frames = shares.first
        else { return nil }
        let ages = words[9].map { StateText.number($0).map { Duration.milliseconds($0) } }
        let evidence = Self.ofRungs.map { key in lines[Self.keys.count...].filter { $0.first == key }.compactMap { fractions($0.dropFirst()) } }
        self.init(
            certificate: certificate, boot: boot, time: .milliseconds(time[0]),
            memory: AuditMemory(
                rung: rung[0], isOnProbation: words[4].last == "probation", interval: interval, total: total, tightenings: UInt64(moves[0]),
                relaxings: UInt64(moves[1]), pause: .milliseconds(pause[0]), ages: ages, frames: frames, shares: Array(shares.dropFirst()), bands: evidence[0],
                holding: evidence[1], breaking: evidence[2]))
        // Whatever was read in another form than it is written in isn't a record.
        guard self.bytes == bytes else { return nil }
    }

    private static let keys = [
        "swiftlet-audit", "certificate", "boot", "time", "rung", "audits", "total", "moves", "pause", "ages", "shares",
    ]
    private static let ofRungs = ["band", "holding", "breaking"]

    private static func rounded(_ time: Duration) -> Duration { .milliseconds(milliseconds(time)) }

    private static func text(_ time: Duration) -> String { "\(milliseconds(time))" }

    private static func texts(_ numbers: [Double]) -> [String] { numbers.map { "\($0)" } }

    /// 0 … 2⁵³, rounded down.
    private static func milliseconds(_ time: Duration) -> Int64 {
        let (seconds, attoseconds) = time.components
        guard seconds < 1 << 43 else { return 1 << 53 }
        return max(seconds * 1000 + attoseconds / 1_000_000_000_000_000, 0)
    }
}
