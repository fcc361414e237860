// SPDX-License-Identifier: Apache-2.0
import Agent
import TestSupport
import Testing

struct BudgetTests {
    /// What was spent and when, in the order of time.
    struct Spending {
        var list: [(time: Duration, amount: Budget.Amount)] = []

        /// The most that any interval of a window's length holds, half open.
        func most(_ window: Budget.Window) -> Budget.Amount {
            var most = Budget.Amount.zero
            var sum = Budget.Amount.zero
            var first = 0
            for entry in list {
                sum.messages += entry.amount.messages
                sum.bytes += entry.amount.bytes
                while list[first].time <= entry.time - window.length {
                    sum.messages -= list[first].amount.messages
                    sum.bytes -= list[first].amount.bytes
                    first += 1
                }
                most.messages = max(most.messages, sum.messages)
                most.bytes = max(most.bytes, sum.bytes)
            }
            return most
        }

        func holds(_ limits: Budget.Limits) -> Bool {
            Budget.Window.allCases.allSatisfy { window in
                let most = most(window)
                return most.messages <= limits[window].messages ?? .max && most.bytes <= limits[window].bytes ?? .max
            }
        }
    }

    static func limits(_ random: inout SeededGenerator) -> Budget.Limits {
        func limit(_ messages: ClosedRange<Int>) -> Budget.Limit {
            Budget.Limit(
                messages: Bool.random(using: &random) ? Int.random(in: messages, using: &random) : nil,
                bytes: Bool.random(using: &random) ? Int.random(in: messages, using: &random) * 5000 : nil)
        }
        return Budget.Limits(minute: limit(1...20), hour: limit(1...200), day: limit(1...1500))
    }

    static func step(_ random: inout SeededGenerator) -> Duration {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<60: .milliseconds(Int.random(in: 0...4000, using: &random))
        case 60..<95: .seconds(Int.random(in: 0...90, using: &random))
        case 95..<99: .seconds(Int.random(in: 0...9000, using: &random))
        default: .seconds(Int.random(in: 0...200_000, using: &random))
        }
    }

    static func amount(_ random: inout SeededGenerator) -> Budget.Amount {
        Budget.Amount(messages: 1, bytes: Int.random(in: 0...20_000, using: &random))
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func noIntervalEverHoldsMoreThanItsLimit(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limits = Self.limits(&random)
        var budget = Budget(limits)
        var spending = Spending()
        var now = Duration.zero
        for _ in 0..<20_000 {
            now += Self.step(&random)
            let amount = Self.amount(&random)
            if budget.spend(amount, for: .recovery, now: now) == nil { spending.list.append((now, amount)) }
        }
        #expect(now > .seconds(86_400 * 20) && !spending.list.isEmpty || limits.minute.bytes != nil, "seed \(seed)")
        #expect(spending.holds(limits), "seed \(seed): \(limits)")
    }

    @Test func aSpenderThatNeverRestsGetsNearlyAllOfTheLimit() {
        for (limits, window, days) in [
            (Budget.Limits(minute: .init(messages: 12)), Budget.Window.minute, 1), (.init(hour: .init(messages: 100)), .hour, 3), (.init(day: .init(messages: 500)), .day, 60),
        ] {
            var budget = Budget(limits)
            var granted = 0
            let seconds = days * 86_400
            for second in 0..<seconds where budget.spend(.init(messages: 1), for: .recovery, now: .seconds(second)) == nil { granted += 1 }
            let most = (limits[window].messages ?? 0) * seconds / Int(window.length.components.seconds)
            #expect(granted >= most * 60 / 61 && granted <= most, "\(window): \(granted) of \(most)")
        }
    }

    @Test func aRefusalTakesNothingAndNamesTheLongestLimitThatIsReached() {
        var budget = Budget(.init(minute: .init(bytes: 1000), hour: .init(messages: 2), day: .init(messages: 3)))
        #expect(budget.spend(.init(messages: 1, bytes: 1001), for: .recovery, now: .zero)?.description == "budget: 1000 bytes a minute")
        #expect(budget.spent(.minute, now: .zero) == .zero)
        for second in 0..<2 { #expect(budget.spend(.init(messages: 1, bytes: 1), for: .recovery, now: .seconds(second)) == nil) }
        #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(3600))?.description == "budget: 2 messages an hour")
        #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(3661)) == nil)
        #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(3661))?.description == "budget: 3 messages a day")
        #expect(budget.left(.day, for: .recovery, now: .seconds(3661)) == .init(messages: 0, bytes: nil))
        #expect(budget.leftShare(now: .seconds(3661)) == 0)
    }

    @Test func onlyAuditsUseTheirReserve() {
        var budget = Budget(.init(hour: .init(messages: 10), auditReserve: 0.25))
        var granted = 0
        while budget.spend(.init(messages: 1), for: .recovery, now: .zero) == nil { granted += 1 }
        #expect(granted == 8)
        while budget.spend(.init(messages: 1), for: .audit, now: .zero) == nil { granted += 1 }
        #expect(granted == 10)
    }

    @Test func whatWasNotSentIsGivenBackOnce() {
        var budget = Budget(.init(minute: .init(messages: 1)))
        #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(5)) == nil)
        budget.giveBack(.init(messages: 1), spentAt: .seconds(5))
        budget.giveBack(.init(messages: 1), spentAt: .seconds(5))
        #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(5)) == nil)
        #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(6)) != nil)
        // Its slot has gone by: nothing is left to take back.
        budget.giveBack(.init(messages: 1), spentAt: .seconds(-1000))
        #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(7)) != nil)
    }

    @Test func aTimeThatGoesBackFreesNothing() {
        var budget = Budget(.init(minute: .init(messages: 1), day: .init(messages: 2)))
        #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(1000)) == nil)
        for second in [999, 0, -100_000, 1000, 1059] {
            #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(second)) != nil, "\(second)")
        }
        #expect(budget.spend(.init(messages: 1), for: .recovery, now: .seconds(1061)) == nil)
    }

    @Test func hugeNumbersDoNotOverflow() {
        var budget = Budget(.init(day: .init(messages: .max, bytes: .max)))
        for _ in 0..<5 { budget.charge(.init(messages: .max, bytes: .max), now: .seconds(1)) }
        budget.exhaust(now: .seconds(1))
        #expect(budget.spent(.day, now: .seconds(1)).messages <= 1 << 53)
        #expect(budget.spent(.day, now: .seconds(200_000)) == .zero)
    }
}
