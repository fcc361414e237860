// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import Settings
internal import Threads

/// The shell around ``BudgetLedger``: its lock, its clock, its file and the thread that writes it.
final class BudgetKeeper: Sendable {
    private struct State {
        var ledger: BudgetLedger
        /// Somebody waits for a record whose advance covers it.
        var wish: Budget.Amount?
        /// A write failed: the next one isn't tried before.
        var pausedUntil: Duration?
        var isWriting = false
        var isClosing = false
        /// Of the last question for recovery, where it was refused; else 0.
        var refusedBytes = 0
    }

    private let state: Monitor<State>
    private let store: StateFile?
    private let clock: AgentClock
    private let log: AgentLog
    private let thread: WorkerThread?

    /// What a question carries besides its image, at most: header, topic and packet, in bytes.
    static let overhead = 512
    /// How long, and how often, a question waits for a record.
    private static let patience = Duration.milliseconds(100)
    private static let mostWaits = 5
    private static let pause = Duration.seconds(30)
    private static let unstored = "budget: its state can't be stored"

    /// Takes up what the folder holds of the budget.
    ///
    /// - Parameters:
    ///   - folder: `nil`: nothing outlasts a restart.
    ///   - boot: names the present boot, which `clock` counts from.
    init(_ limits: Budget.Limits, folder: String?, boot: String = StateFile.boot(), clock: AgentClock, log: AgentLog) throws(AgentError) {
        self.clock = clock
        self.log = log
        let store: StateFile? = if let folder { try StateFile("budget", in: folder, of: "the budget") } else { nil }
        self.store = store
        let now = clock.now()
        let ledger: BudgetLedger
        switch store?.read(atMost: BudgetRecord.mostBytes, BudgetRecord.init) {
        case nil:
            ledger = BudgetLedger(limits, boot: boot)
            log.write(.notice, "the budget begins anew with each start: the settings name no folder for its state")
        case .nothing?: ledger = BudgetLedger(limits, boot: boot)
        case .record(let record)?: ledger = BudgetLedger(limits, boot: boot, from: record, now: now)
        case .damaged(let reason)?:
            ledger = BudgetLedger(frugally: limits, boot: boot, now: now)
            log.write(.warning, "\(reason): every budget counts as spent just now")
        }
        let state = Monitor(State(ledger: ledger))
        self.state = state
        thread = if let store { try WorkerThread.ofAgent("swiftlet-budget") { Self.keep(state, in: store, clock, log) } } else { nil }
    }

    /// Whether a question of this many bytes may be sent; then it is counted. Waits half a second at most, for the storage.
    ///
    /// - Parameter bytes: of the image.
    /// - Returns: why not.
    func spend(bytes: Int, for purpose: Budget.Purpose) -> (refusal: String?, receipt: Receipt?) {
        let amount = Budget.Amount(messages: 1, bytes: bytes + Self.overhead)
        let now = clock.now()
        var waits = 0
        let verdict: BudgetLedger.Verdict = state.wait { state in
            let verdict = state.ledger.spend(amount, for: purpose, now: now)
            if purpose == .recovery { state.refusedBytes = if case .refused = verdict { bytes } else { 0 } }
            guard verdict == .needsRecord else { return .done(verdict) }
            guard store != nil else {
                _ = state.ledger.record(for: amount, now: now)
                state.ledger.recordStored()
                return .done(state.ledger.spend(amount, for: purpose, now: now))
            }
            if state.isClosing || state.pausedUntil != nil || waits == Self.mostWaits { return .done(verdict) }
            waits += 1
            if !state.isWriting, state.wish == nil {
                state.wish = amount
                wake()
            }
            return .wait(Self.patience)
        }
        return outcome(verdict, amount, now)
    }

    private func outcome(_ verdict: BudgetLedger.Verdict, _ amount: Budget.Amount, _ now: Duration) -> (refusal: String?, receipt: Receipt?) {
        switch verdict {
        case .granted: (nil, Receipt(amount: amount, time: now))
        case .refused(let refusal): (refusal.description, nil)
        case .needsRecord: (Self.unstored, nil)
        }
    }

    /// What was counted, to give it back.
    struct Receipt {
        fileprivate var amount: Budget.Amount
        fileprivate var time: Duration
    }

    /// The question wasn't sent after all.
    func giveBack(_ receipt: Receipt) { state.withLock { $0.ledger.giveBack(receipt.amount, spentAt: receipt.time) } }

    /// Why no question can be sent now, whatever its size; spends nothing. Waits for nothing.
    func refusal(for purpose: Budget.Purpose) -> String? {
        let now = clock.now()
        return state.withLock { Self.refusal(of: 0, for: purpose, now, &$0) }
    }

    /// Why a question for recovery of this many bytes, or one as large as the last that was refused, would be refused now; spends nothing. Waits for nothing.
    ///
    /// While its state can't be stored, any would.
    func hindrance(bytes: Int) -> String? {
        let now = clock.now()
        return state.withLock { state in
            Self.refusal(of: max(bytes, state.refusedBytes), for: .recovery, now, &state) ?? (state.pausedUntil == nil ? nil : Self.unstored)
        }
    }

    private static func refusal(of bytes: Int, for purpose: Budget.Purpose, _ now: Duration, _ state: inout State) -> String? {
        state.ledger.refusal(of: Budget.Amount(messages: 1, bytes: bytes + overhead), for: purpose, now: now)?.description
    }

    /// The smallest share that is left, 0 … 1.
    var leftShare: Double {
        let now = clock.now()
        return state.withLock { state in
            var budget = state.ledger.budget
            return budget.leftShare(now: now)
        }
    }

    /// What recovery has left, by limited window.
    var left: [Budget.Window: Budget.Limit] {
        let now = clock.now()
        return state.withLock { state in
            var budget = state.ledger.budget
            var result: [Budget.Window: Budget.Limit] = [:]
            for window in Budget.Window.allCases where budget.limits[window] != Budget.Limit() {
                result[window] = budget.left(window, for: .recovery, now: now)
            }
            return result
        }
    }

    /// Lets the thread look at the clock again: for clocks that are moved by hand.
    func wake() { state.wakeAll() }

    /// Writes the last record. Nothing is spent after it.
    func close(timeout: Duration) {
        state.change { $0.isClosing = true }
        thread?.join(timeout: timeout)
    }

    private static func keep(_ state: Monitor<State>, in store: StateFile, _ clock: AgentClock, _ log: AgentLog) {
        while true {
            let (record, isLast): (BudgetRecord, Bool) = state.wait { state in
                let now = clock.now()
                if state.isClosing {
                    state.isWriting = true
                    return .done((state.ledger.lastRecord(now: now), true))
                }
                if let until = state.pausedUntil {
                    guard until <= now else { return .wait(until - now) }
                    state.pausedUntil = nil
                }
                let due = state.ledger.nextRecord(now: now)
                guard state.wish != nil || due.map({ $0 <= now }) ?? false else { return .wait(due.map { $0 - now }) }
                state.isWriting = true
                let wish = state.wish
                state.wish = nil
                return .done((state.ledger.record(for: wish, now: now), false))
            }
            let failure = store.write(record.bytes)
            state.change { state in
                state.isWriting = false
                if failure == nil {
                    state.ledger.recordStored()
                } else {
                    state.ledger.recordFailed()
                    state.pausedUntil = clock.now() + pause
                }
            }
            if let failure { log.write(.warning, kind: "budget", "\(failure): no questions until the budget's state can be stored") }
            if isLast { return }
        }
    }
}

extension Budget.Limits {
    /// `nil` where nothing is limited.
    ///
    /// - Parameter audits: whether there are any; else nothing is reserved for them.
    init?(_ settings: BudgetSettings, audits: Bool) {
        self.init(
            minute: Budget.Limit(messages: settings.messagesPerMinute, bytes: settings.bytesPerMinute),
            hour: Budget.Limit(messages: settings.messagesPerHour, bytes: settings.bytesPerHour),
            day: Budget.Limit(messages: settings.messagesPerDay, bytes: settings.bytesPerDay), auditReserve: audits ? settings.auditReserve : 0)
        if !isLimited { return nil }
    }
}
