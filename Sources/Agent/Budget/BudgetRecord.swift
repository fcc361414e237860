// SPDX-License-Identifier: Apache-2.0

/// What is stored of a ``BudgetLedger``.
///
/// As a file, in lines of words divided by single spaces; each entry is `age:messages:bytes`:
///
///     swiftlet-budget 1
///     boot 5a1c…
///     time 86412
///     advance 31 327680
///     minute 0:2:9120 3:1:4480
///     hour 0:3:13600
///     day 0:3:13600
///     check 89abcdef01234567
package struct BudgetRecord: Hashable, Sendable {
    /// Names the boot that `time` counts from: 1 … 64 letters, digits and `-`.
    package var boot: String
    /// When it was made, stored in whole seconds.
    package var time: Duration
    /// What may have been spent since, at most.
    package var advance: Budget.Amount
    package var minute: [Budget.Entry]
    package var hour: [Budget.Entry]
    package var day: [Budget.Entry]

    package init(boot: String, time: Duration, advance: Budget.Amount, minute: [Budget.Entry], hour: [Budget.Entry], day: [Budget.Entry]) {
        self.boot = boot
        self.time = .seconds(time.components.seconds)
        self.advance = advance
        self.minute = minute
        self.hour = hour
        self.day = day
    }

    subscript(window: Budget.Window) -> [Budget.Entry] {
        switch window {
        case .minute: minute
        case .hour: hour
        case .day: day
        }
    }

    /// Longer files are no records.
    package static let mostBytes = 16384

    package var bytes: [UInt8] {
        var lines = [
            ["swiftlet-budget", "1"], ["boot", boot], ["time", "\(time.components.seconds)"], ["advance", "\(advance.messages)", "\(advance.bytes)"],
        ]
        for window in Budget.Window.allCases { lines.append(["\(window)"] + self[window].map { "\($0.age):\($0.amount.messages):\($0.amount.bytes)" }) }
        return StateText.bytes(lines)
    }

    /// - Returns: `nil` for bytes that aren't exactly what ``bytes`` gives for some record.
    package init?(_ bytes: [UInt8]) {
        guard let words = StateText.lines(bytes, atMost: Self.mostBytes), words.count == 7, words[0] == ["swiftlet-budget", "1"] else { return nil }
        guard words[1].count == 2, words[1][0] == "boot", StateText.isBoot(words[1][1]) else { return nil }
        guard words[2].count == 2, words[2][0] == "time", let seconds = StateText.number(words[2][1]) else { return nil }
        guard words[3].count == 3, words[3][0] == "advance", let messages = StateText.number(words[3][1]), let count = StateText.number(words[3][2]) else {
            return nil
        }
        var windows: [[Budget.Entry]] = []
        for (window, words) in zip(Budget.Window.allCases, words[4...]) {
            guard words.first == "\(window)" else { return nil }
            var entries: [Budget.Entry] = []
            for word in words.dropFirst() {
                let numbers = word.split(separator: ":", omittingEmptySubsequences: false).map { StateText.number(String($0)) }
                guard numbers.count == 3, let age = numbers[0], let messages = numbers[1], let bytes = numbers[2], age <= Budget.slots else { return nil }
                if let last = entries.last, last.age <= age { return nil }
                entries.append(Budget.Entry(age: age, amount: Budget.Amount(messages: messages, bytes: bytes)))
            }
            windows.append(entries)
        }
        self.init(
            boot: words[1][1], time: .seconds(seconds), advance: Budget.Amount(messages: messages, bytes: count), minute: windows[0], hour: windows[1],
            day: windows[2])
    }
}
