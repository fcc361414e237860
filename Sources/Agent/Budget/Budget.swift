// SPDX-License-Identifier: Apache-2.0

/// What questions to the cloud may cost: messages and bytes in any minute, any hour and any day.
///
/// Sliding windows, exact in one direction: no interval of a window's length, wherever it begins, ever holds more than the limit. Time is cut into slots,
/// sixty a window, and what was spent counts until its whole slot is older than the window. So it counts up to 1/60 longer than it must, and
/// a spender that never rests gets at least 60/61 of the limit.
///
/// Pure. Times count from any fixed moment; one that lies before an earlier one is taken for that.
package struct Budget: Hashable, Sendable {
    package enum Window: Int, CaseIterable, Hashable, Sendable {
        case minute, hour, day

        package var length: Duration {
            switch self {
            case .minute: .seconds(60)
            case .hour: .seconds(3600)
            case .day: .seconds(86_400)
            }
        }

        fileprivate var slotSeconds: Int64 { length.components.seconds / Int64(Budget.slots) }
    }

    package struct Amount: Hashable, Sendable {
        package var messages: Int
        package var bytes: Int

        package init(messages: Int = 0, bytes: Int = 0) {
            self.messages = messages
            self.bytes = bytes
        }

        package static let zero = Amount()
    }

    /// The most of one window; `nil`: as many as there are.
    package struct Limit: Hashable, Sendable {
        package var messages: Int?
        package var bytes: Int?

        package init(messages: Int? = nil, bytes: Int? = nil) {
            self.messages = messages
            self.bytes = bytes
        }
    }

    package struct Limits: Hashable, Sendable {
        package var minute: Limit
        package var hour: Limit
        package var day: Limit
        /// The share of every limit that only audits may use, 0 … 1.
        package var auditReserve: Double

        package init(minute: Limit = Limit(), hour: Limit = Limit(), day: Limit = Limit(), auditReserve: Double = 0) {
            self.minute = minute
            self.hour = hour
            self.day = day
            self.auditReserve = auditReserve
        }

        package subscript(window: Window) -> Limit {
            switch window {
            case .minute: minute
            case .hour: hour
            case .day: day
            }
        }

        /// Whether anything is limited.
        package var isLimited: Bool { Window.allCases.contains { self[$0] != Limit() } }
    }

    /// Whom a message is for.
    package enum Purpose: Hashable, Sendable { case recovery, audit }

    /// The limit that a message would break; of several the one of the longest window.
    package struct Refusal: Hashable, Sendable, CustomStringConvertible {
        package enum Unit: Hashable, Sendable { case messages, bytes }

        package var window: Window
        package var unit: Unit
        package var limit: Int

        /// As in `budget: 500 messages an hour`.
        package var description: String {
            let article = window == .hour ? "an" : "a"
            return unit == .messages ? "budget: \(limit) messages \(article) \(window)" : "budget: \(limit) bytes \(article) \(window)"
        }
    }

    /// Slots that a window is cut into; one more is kept, since a window that ends within a slot begins within one.
    package static let slots = 60
    /// No sum goes beyond: far more than any window carries.
    static let most = 1 << 53

    package let limits: Limits
    private var meters: [Meter]

    package init(_ limits: Limits) {
        self.limits = limits
        meters = Window.allCases.map { _ in Meter() }
    }

    /// Takes `amount` from every window, or says why not and takes nothing.
    package mutating func spend(_ amount: Amount, for purpose: Purpose, now: Duration) -> Refusal? {
        if let refusal = refusal(of: amount, for: purpose, now: now) { return refusal }
        add(amount)
        return nil
    }

    /// Why it can't be spent; takes nothing.
    package mutating func refusal(of amount: Amount, for purpose: Purpose, now: Duration) -> Refusal? {
        advance(to: now)
        for window in Window.allCases.reversed() {
            let spent = meters[window.rawValue].total
            let limit = limits[window]
            for (unit, most, sum) in [(Refusal.Unit.messages, limit.messages, spent.messages + amount.messages), (.bytes, limit.bytes, spent.bytes + amount.bytes)] {
                guard let most, sum > open(most, to: purpose) else { continue }
                return Refusal(window: window, unit: unit, limit: most)
            }
        }
        return nil
    }

    /// Counts what was spent whatever the limits say.
    package mutating func charge(_ amount: Amount, now: Duration) {
        advance(to: now)
        add(amount)
    }

    /// Counts every window as spent to its limit at `now`.
    package mutating func exhaust(now: Duration) {
        advance(to: now)
        for window in Window.allCases {
            let spent = meters[window.rawValue].total
            let limit = limits[window]
            meters[window.rawValue].add(
                Amount(messages: max(0, (limit.messages ?? 0) - spent.messages), bytes: max(0, (limit.bytes ?? 0) - spent.bytes)))
        }
    }

    /// Takes back what was spent at `time` and then not sent.
    package mutating func giveBack(_ amount: Amount, spentAt time: Duration) {
        for window in Window.allCases { meters[window.rawValue].remove(amount, slot: Self.slot(time, window)) }
    }

    /// What was spent within the window, by the count that the limit is held against.
    package mutating func spent(_ window: Window, now: Duration) -> Amount {
        advance(to: now)
        return meters[window.rawValue].total
    }

    /// What `purpose` may still spend in the window; `nil` for what isn't limited.
    package mutating func left(_ window: Window, for purpose: Purpose, now: Duration) -> Limit {
        let spent = spent(window, now: now)
        return Limit(
            messages: limits[window].messages.map { max(0, open($0, to: purpose) - spent.messages) },
            bytes: limits[window].bytes.map { max(0, open($0, to: purpose) - spent.bytes) })
    }

    /// The smallest share of a limit that recovery has left, 0 … 1; 1 without limits.
    package mutating func leftShare(now: Duration) -> Double {
        var least = 1.0
        for window in Window.allCases {
            let left = left(window, for: .recovery, now: now)
            for (left, limit) in [(left.messages, limits[window].messages), (left.bytes, limits[window].bytes)] {
                guard let left, let limit, limit > 0 else { continue }
                least = min(least, Double(left) / Double(limit))
            }
        }
        return least
    }

    private func open(_ limit: Int, to purpose: Purpose) -> Int {
        purpose == .audit ? limit : limit - Int(Double(limit) * limits.auditReserve)
    }

    private mutating func add(_ amount: Amount) {
        for index in meters.indices { meters[index].add(amount) }
    }

    private mutating func advance(to now: Duration) {
        for window in Window.allCases { meters[window.rawValue].advance(to: Self.slot(now, window)) }
    }

    private static func slot(_ time: Duration, _ window: Window) -> Int64 {
        let seconds = time.components.seconds - (time.components.attoseconds < 0 ? 1 : 0)
        let quotient = seconds / window.slotSeconds
        return seconds % window.slotSeconds < 0 ? quotient - 1 : quotient
    }
}

extension Budget {
    /// The sums of the slots of one window, and of them all.
    fileprivate struct Meter: Hashable, Sendable {
        private(set) var total = Amount.zero
        /// The slot of the latest time; `nil` before the first.
        private(set) var newest: Int64?
        private var sums = [Amount](repeating: .zero, count: Budget.slots + 1)

        private static func place(_ slot: Int64) -> Int {
            let count = Int64(Budget.slots + 1)
            return Int((slot % count + count) % count)
        }

        func holds(_ slot: Int64) -> Bool {
            guard let newest else { return false }
            return slot <= newest && newest - slot <= Int64(Budget.slots)
        }

        mutating func advance(to slot: Int64) {
            guard let newest else { return self.newest = slot }
            guard slot > newest else { return }
            for step in 1...min(slot - newest, Int64(Budget.slots + 1)) {
                // What is older than the window goes, in the order of its slots.
                let place = Self.place(newest + step)
                total.messages -= sums[place].messages
                total.bytes -= sums[place].bytes
                sums[place] = .zero
            }
            self.newest = slot
        }

        mutating func add(_ amount: Amount) {
            guard let newest else { return }
            add(amount, to: newest)
        }

        mutating func add(_ amount: Amount, to slot: Int64) {
            let kept = Amount(
                messages: min(max(amount.messages, 0), Budget.most - total.messages), bytes: min(max(amount.bytes, 0), Budget.most - total.bytes))
            let place = Self.place(slot)
            sums[place].messages += kept.messages
            sums[place].bytes += kept.bytes
            total.messages += kept.messages
            total.bytes += kept.bytes
        }

        mutating func remove(_ amount: Amount, slot: Int64) {
            guard holds(slot) else { return }
            let place = Self.place(slot)
            let taken = Amount(messages: min(amount.messages, sums[place].messages), bytes: min(amount.bytes, sums[place].bytes))
            sums[place].messages -= taken.messages
            sums[place].bytes -= taken.bytes
            total.messages -= taken.messages
            total.bytes -= taken.bytes
        }

        /// The slots that hold something, oldest first.
        var entries: [Budget.Entry] {
            guard let newest else { return [] }
            return (newest - Int64(Budget.slots)...newest).compactMap { slot in
                let amount = sums[Self.place(slot)]
                return amount == .zero ? nil : Budget.Entry(age: Int(newest - slot), amount: amount)
            }
        }
    }

    /// What was spent in one slot.
    package struct Entry: Hashable, Sendable {
        /// In slots of its window before the latest one, 0 … 60.
        package var age: Int
        package var amount: Amount

        package init(age: Int, amount: Amount) {
            self.age = age
            self.amount = amount
        }
    }

    /// What was spent within the window, by slots, as of `now`.
    package mutating func entries(_ window: Window, now: Duration) -> [Entry] {
        advance(to: now)
        return meters[window.rawValue].entries
    }

    /// Takes up entries that were written at `recorded`, as of a time `now` on the same clock; what is older than the window by now falls away.
    ///
    /// - Precondition: for a budget that hasn't seen a time yet; ages are 0 … 60.
    package mutating func restore(_ entries: [Entry], of window: Window, recorded: Duration, now: Duration) {
        let slot = Self.slot(recorded, window)
        meters[window.rawValue].advance(to: slot)
        for entry in entries { meters[window.rawValue].add(entry.amount, to: slot - Int64(entry.age)) }
        meters[window.rawValue].advance(to: Self.slot(now, window))
    }
}
