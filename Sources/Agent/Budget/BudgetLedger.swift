// SPDX-License-Identifier: Apache-2.0

/// A ``Budget`` that survives restarts and losses of power without ever giving more than its limits, on storage that is written rarely.
///
/// Pure: it says when to write which record, and is told what became of it.
///
/// A record holds what was spent and, ahead of time, an advance that may be spent before the next record. Nothing is spent beyond
/// the advance of what is safely stored, so after a loss of power at most the advance is unknown, and it is counted as spent at the moment of the new start.
/// An advance is a sixteenth of the day's limit but at most half of the hour's, or a quarter of the hour's where days aren't limited. A new record follows when half of it
/// is spent, so there are some thirty a day or eight an hour, besides one in ``restInterval`` while time alone makes a difference. Where only
/// minutes are limited the advance is an hour's worth: unknown, it closes one minute.
///
/// Time counts only while it is known to have passed: within one boot by its clock; across boots what a record says of its own
/// boot, and the time since the present one began. The wall clock isn't looked at.
package struct BudgetLedger: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        case granted
        case refused(Budget.Refusal)
        /// Only once a record is stored whose advance covers it: call ``record(for:now:)``.
        case needsRecord
    }

    package private(set) var budget: Budget
    private let boot: String
    /// What may be spent by the record that is stored for sure; `nil` before the first.
    private var stored: Budget.Amount?
    /// And by the one that is being written: until that is known both may be what a new start finds.
    private var written: Budget.Amount?
    /// When the last record was made, or the ledger.
    private var lastRecord: Duration?
    private var hasSpentSinceRecord = false

    /// Starts anew.
    ///
    /// - Parameter boot: names the present boot; `now` counts from its beginning.
    package init(_ limits: Budget.Limits, boot: String) {
        budget = Budget(limits)
        self.boot = boot
    }

    /// Goes on from what is stored.
    package init(_ limits: Budget.Limits, boot: String, from record: BudgetRecord, now: Duration) {
        self.init(limits, boot: boot)
        lastRecord = now
        // A record of another boot was made before this one began: at its time 0 at the latest.
        let isSameBoot = record.boot == boot && record.time <= now
        for window in Budget.Window.allCases {
            budget.restore(record[window], of: window, recorded: isSameBoot ? record.time : .zero, now: now)
        }
        budget.charge(record.advance, now: now)
    }

    /// Starts where the store is damaged: everything counts as spent.
    package init(frugally limits: Budget.Limits, boot: String, now: Duration) {
        self.init(limits, boot: boot)
        budget.exhaust(now: now)
        lastRecord = now - restInterval
    }

    package mutating func spend(_ amount: Budget.Amount, for purpose: Budget.Purpose, now: Duration) -> Verdict {
        if let refusal = budget.spend(amount, for: purpose, now: now) { return .refused(refusal) }
        guard let stored, covers(stored, amount), written.map({ covers($0, amount) }) ?? true else {
            budget.giveBack(amount, spentAt: now)
            return .needsRecord
        }
        self.stored = rest(stored, amount)
        written = written.map { rest($0, amount) }
        hasSpentSinceRecord = true
        return .granted
    }

    /// Why it would be refused; spends nothing.
    package mutating func refusal(of amount: Budget.Amount, for purpose: Budget.Purpose, now: Duration) -> Budget.Refusal? {
        budget.refusal(of: amount, for: purpose, now: now)
    }

    /// Takes back what was granted at `time` and then not sent. The advance stays spent.
    package mutating func giveBack(_ amount: Budget.Amount, spentAt time: Duration) { budget.giveBack(amount, spentAt: time) }

    /// When a record is due that nobody waits for; `nil`: not before something is spent.
    package mutating func nextRecord(now: Duration) -> Duration? {
        guard written == nil, let lastRecord else { return nil }
        if hasSpentSinceRecord, let stored, isLow(stored) { return now }
        // After a loss of power the time since the last record is unknown, so time is recorded while it frees anything.
        if !hasSpentSinceRecord, stored ?? .zero == .zero, isEmpty(now) { return nil }
        return lastRecord + restInterval
    }

    /// What is to be stored now; tell ``recordStored()`` or ``recordFailed()`` afterwards. One at a time.
    ///
    /// - Parameter amount: what the advance must cover at least; `nil` for a record that time asks for.
    package mutating func record(for amount: Budget.Amount?, now: Duration) -> BudgetRecord {
        let advance = amount == nil && !hasSpentSinceRecord ? .zero : self.advance(atLeast: amount ?? .zero)
        return record(advance: advance, now: now)
    }

    /// The last record, after which nothing is spent.
    package mutating func lastRecord(now: Duration) -> BudgetRecord { record(advance: .zero, now: now) }

    private mutating func record(advance: Budget.Amount, now: Duration) -> BudgetRecord {
        written = advance
        lastRecord = now
        hasSpentSinceRecord = false
        return BudgetRecord(
            boot: boot, time: now, advance: advance, minute: budget.entries(.minute, now: now), hour: budget.entries(.hour, now: now),
            day: budget.entries(.day, now: now))
    }

    /// The record is safely stored.
    package mutating func recordStored() {
        stored = written
        written = nil
    }

    /// It isn't known whether the record is stored: both must hold.
    package mutating func recordFailed() {
        if let stored, let written {
            self.stored = Budget.Amount(messages: min(stored.messages, written.messages), bytes: min(stored.bytes, written.bytes))
        }
        written = nil
        hasSpentSinceRecord = true
    }

    /// How long nothing may be recorded while something is still counted: a 24th of the longest window that is limited, at least ten minutes.
    package var restInterval: Duration {
        let longest = Budget.Window.allCases.last { budget.limits[$0] != Budget.Limit() } ?? .minute
        return max(longest.length / 24, .seconds(600))
    }

    private mutating func isEmpty(_ now: Duration) -> Bool {
        for window in Budget.Window.allCases where budget.limits[window] != Budget.Limit() && budget.spent(window, now: now) != .zero { return false }
        return true
    }

    private func covers(_ advance: Budget.Amount, _ amount: Budget.Amount) -> Bool {
        (!isLimited(\.messages) || amount.messages <= advance.messages) && (!isLimited(\.bytes) || amount.bytes <= advance.bytes)
    }

    private func rest(_ advance: Budget.Amount, _ amount: Budget.Amount) -> Budget.Amount {
        Budget.Amount(messages: max(0, advance.messages - amount.messages), bytes: max(0, advance.bytes - amount.bytes))
    }

    private func isLow(_ rest: Budget.Amount) -> Bool {
        let full = advance(atLeast: .zero)
        return (isLimited(\.messages) && rest.messages < (full.messages + 1) / 2) || (isLimited(\.bytes) && rest.bytes < (full.bytes + 1) / 2)
    }

    private func isLimited(_ unit: KeyPath<Budget.Limit, Int?>) -> Bool {
        Budget.Window.allCases.contains { budget.limits[$0][keyPath: unit] != nil }
    }

    /// 0 for what isn't limited.
    private func advance(atLeast amount: Budget.Amount) -> Budget.Amount {
        func size(_ unit: KeyPath<Budget.Limit, Int?>, _ least: Int) -> Int {
            guard isLimited(unit) else { return 0 }
            let limits = budget.limits
            let size =
                switch (limits.hour[keyPath: unit], limits.day[keyPath: unit]) {
                case (let hour?, let day?): min(day / 16, hour / 2)
                case (nil, let day?): day / 16
                case (let hour?, nil): hour / 4
                case (nil, nil): min(limits.minute[keyPath: unit] ?? 0, Budget.most / 60) * 60
                }
            return max(size, least, 1)
        }
        return Budget.Amount(messages: size(\.messages, amount.messages), bytes: size(\.bytes, amount.bytes))
    }
}
