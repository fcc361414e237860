// SPDX-License-Identifier: Apache-2.0
import Agent
import TestSupport
import Testing

struct BudgetLedgerTests {
    /// A board in true time: it boots, spends, writes records, loses its power in the middle of anything, stays off, boots again.
    struct Board {
        let limits: Budget.Limits
        var random: SeededGenerator
        /// Counts through all boots.
        var time = Duration.zero
        var booted = Duration.zero
        var boots = 0
        var stored: BudgetRecord?
        var ledger: BudgetLedger
        var spending = BudgetTests.Spending()
        var records: [Duration] = []
        var isDamaged = false

        init(_ limits: Budget.Limits, seed: UInt64) {
            self.limits = limits
            random = SeededGenerator(seed: seed)
            ledger = BudgetLedger(limits, boot: "0")
        }

        var now: Duration { time - booted }

        /// - Returns: whether it was stored, and whether the ledger heard of it.
        mutating func write(for amount: Budget.Amount?) {
            let record = ledger.record(for: amount, now: now)
            records.append(time)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: ledger.recordFailed()
            case 1:
                // It is stored, but the board doesn't know.
                stored = BudgetRecord(record.bytes)
                ledger.recordFailed()
            default:
                stored = BudgetRecord(record.bytes)
                ledger.recordStored()
            }
        }

        mutating func ask() {
            let amount = BudgetTests.amount(&random)
            var verdict = ledger.spend(amount, for: .recovery, now: now)
            if verdict == .needsRecord {
                write(for: amount)
                verdict = ledger.spend(amount, for: .recovery, now: now)
            }
            if verdict == .granted { spending.list.append((time, amount)) }
        }

        /// Also while a record is under way, of which then either version is found.
        mutating func loseConfidence() {
            guard Bool.random(using: &random) else { return }
            let record = ledger.record(for: nil, now: now)
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let amount = BudgetTests.amount(&random)
                if ledger.spend(amount, for: .recovery, now: now) == .granted { spending.list.append((time, amount)) }
            }
            if Bool.random(using: &random) { stored = record }
        }

        mutating func restart(rebooting: Bool) {
            if rebooting {
                time += BudgetTests.step(&random)
                booted = time
                boots += 1
                time += .seconds(Int.random(in: 0...60, using: &random))
            }
            let boot = "\(boots)"
            if isDamaged {
                ledger = BudgetLedger(frugally: limits, boot: boot, now: now)
                isDamaged = false
            } else if let stored {
                ledger = BudgetLedger(limits, boot: boot, from: stored, now: now)
            } else {
                ledger = BudgetLedger(limits, boot: boot)
            }
        }
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func noLossOfPowerAndNoRestartGivesMoreThanTheLimits(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limits = BudgetTests.limits(&random)
        var board = Board(limits, seed: seed)
        for _ in 0..<15_000 {
            switch Int.random(in: 0..<300, using: &board.random) {
            case 0:
                board.loseConfidence()
                board.restart(rebooting: true)
            case 1:
                board.loseConfidence()
                board.restart(rebooting: false)
            case 2:
                board.stored = board.ledger.lastRecord(now: board.now)
                board.restart(rebooting: .random(using: &board.random))
            case 3 where board.stored != nil:
                board.isDamaged = true
                board.restart(rebooting: .random(using: &board.random))
            default:
                board.time += BudgetTests.step(&board.random)
                if let due = board.ledger.nextRecord(now: board.now), due <= board.now { board.write(for: nil) }
                board.ask()
            }
        }
        #expect(board.spending.holds(limits), "seed \(seed): \(limits)")
        #expect(board.boots > 10)
    }

    /// A frame each ninety seconds that asks, a reboot a day and a loss of power a week.
    @Test func twoYearsOfAskingStayWithinTheDayAndWriteRarely() {
        let limits = Budget.Limits(hour: .init(messages: 60), day: .init(messages: 480, bytes: 5_000_000))
        var board = Board(limits, seed: 7)
        let days = 731
        for day in 0..<days {
            for _ in 0..<960 {
                board.time += .seconds(90)
                if let due = board.ledger.nextRecord(now: board.now), due <= board.now { board.write(for: nil) }
                board.ask()
            }
            if day % 7 != 3 { board.stored = board.ledger.lastRecord(now: board.now) }
            board.restart(rebooting: true)
        }
        #expect(board.spending.holds(limits))
        let perDay = Double(board.records.count) / Double(days)
        #expect(perDay < 24 + 33 + 20, "\(perDay) records a day")
        // A loss of power costs one advance at most, and the hours of one reboot a day aren't lost.
        #expect(Double(board.spending.list.count) > 0.9 * 480 * Double(days) * 0.9)
    }

    static let limits = Budget.Limits(hour: .init(messages: 32))

    /// Spends what is granted at one time.
    static func drain(_ ledger: inout BudgetLedger, now: Duration) -> Int {
        var granted = 0
        while true {
            switch ledger.spend(.init(messages: 1, bytes: 100), for: .recovery, now: now) {
            case .granted: granted += 1
            case .refused: return granted
            case .needsRecord:
                _ = ledger.record(for: .init(messages: 1, bytes: 100), now: now)
                ledger.recordStored()
            }
        }
    }

    @Test func nothingIsSpentBeforeARecordIsStored() {
        var ledger = BudgetLedger(Self.limits, boot: "a")
        #expect(ledger.spend(.init(messages: 1), for: .recovery, now: .zero) == .needsRecord)
        let record = ledger.record(for: .init(messages: 1), now: .zero)
        #expect(record.advance == .init(messages: 8) && record.hour.isEmpty)
        #expect(ledger.spend(.init(messages: 1), for: .recovery, now: .zero) == .needsRecord)
        ledger.recordFailed()
        #expect(ledger.spend(.init(messages: 1), for: .recovery, now: .zero) == .needsRecord)
        _ = ledger.record(for: .init(messages: 1), now: .zero)
        ledger.recordStored()
        #expect(ledger.spend(.init(messages: 1), for: .recovery, now: .zero) == .granted)
        #expect(Self.drain(&ledger, now: .zero) == 31)
    }

    @Test func anOrderlyStopLosesNothingAndALossOfPowerTheAdvance() {
        var ledger = BudgetLedger(Self.limits, boot: "a")
        for _ in 0..<3 {
            if ledger.spend(.init(messages: 1), for: .recovery, now: .zero) == .needsRecord {
                _ = ledger.record(for: .init(messages: 1), now: .zero)
                ledger.recordStored()
                #expect(ledger.spend(.init(messages: 1), for: .recovery, now: .zero) == .granted)
            }
        }
        var copy = ledger
        var after = BudgetLedger(Self.limits, boot: "b", from: copy.lastRecord(now: .seconds(10)), now: .seconds(5))
        #expect(Self.drain(&after, now: .seconds(5)) == 32 - 3)
        var other = ledger
        let record = other.record(for: .init(messages: 1), now: .seconds(10))
        after = BudgetLedger(Self.limits, boot: "b", from: record, now: .seconds(5))
        #expect(Self.drain(&after, now: .seconds(5)) == 32 - 3 - 8)
    }

    @Test func timeIsCountedWithinOneBootAndFromTheBeginningOfAnother() {
        var ledger = BudgetLedger(Self.limits, boot: "a")
        #expect(Self.drain(&ledger, now: .seconds(1000)) == 32)
        let record = ledger.lastRecord(now: .seconds(2800))
        // The same boot: the time since is known.
        var same = BudgetLedger(Self.limits, boot: "a", from: record, now: .seconds(1000 + 3660))
        #expect(Self.drain(&same, now: .seconds(1000 + 3660)) == 32)
        // Another boot: half an hour had passed at the record, and then what the new boot counts.
        for (uptime, granted) in [(1700, 0), (1800 + 60, 32)] {
            var next = BudgetLedger(Self.limits, boot: "b", from: record, now: .seconds(uptime))
            #expect(Self.drain(&next, now: .seconds(uptime)) == granted, "\(uptime)")
        }
        // A record from this boot's future isn't from this boot.
        var future = BudgetLedger(Self.limits, boot: "a", from: record, now: .seconds(10))
        #expect(Self.drain(&future, now: .seconds(10)) == 0)
    }

    @Test func aDamagedStoreMeansThatEverythingIsSpentAndTimeGivesItBack() {
        var ledger = BudgetLedger(frugally: Self.limits, boot: "a", now: .seconds(50))
        #expect(ledger.nextRecord(now: .seconds(50)).map { $0 <= .seconds(50) } == true)
        #expect(Self.drain(&ledger, now: .seconds(3600)) == 0)
        #expect(Self.drain(&ledger, now: .seconds(3721)) == 32)
    }

    @Test func recordsAreOnlyDueWhileSomethingIsCounted() {
        var ledger = BudgetLedger(Self.limits, boot: "a")
        #expect(ledger.nextRecord(now: .zero) == nil)
        #expect(Self.drain(&ledger, now: .zero) == 32)
        var records = 0
        var now = Duration.zero
        while let due = ledger.nextRecord(now: now) {
            now = max(now, due)
            _ = ledger.record(for: nil, now: now)
            ledger.recordStored()
            records += 1
        }
        #expect(now >= .seconds(3600) && now <= .seconds(4900) && records <= 8, "\(records) until \(now)")
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func recordsReadBackAsTheyWereWritten(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var ledger = BudgetLedger(BudgetTests.limits(&random), boot: "5a1c-0\(seed)")
        var now = Duration.zero
        for _ in 0..<200 {
            now += .seconds(Int.random(in: 0...2000, using: &random))
            if ledger.spend(BudgetTests.amount(&random), for: .recovery, now: now) == .needsRecord {
                _ = ledger.record(for: .init(messages: 1, bytes: 20_000), now: now)
                ledger.recordStored()
            }
        }
        let record = ledger.record(for: nil, now: now)
        #expect(BudgetRecord(record.bytes) == record)
        #expect(record.bytes.count < BudgetRecord.mostBytes)
    }

    @Test func damageNeverReadsAsARecord() {
        var ledger = BudgetLedger(Self.limits, boot: "a")
        _ = Self.drain(&ledger, now: .seconds(77))
        let bytes = ledger.record(for: nil, now: .seconds(99)).bytes
        #expect(BudgetRecord(bytes) != nil && BudgetRecord([]) == nil)
        for length in 0..<bytes.count { #expect(BudgetRecord(Array(bytes.prefix(length))) == nil) }
        for position in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << bit
                #expect(BudgetRecord(damaged) == nil, "byte \(position), bit \(bit)")
            }
        }
    }
}
