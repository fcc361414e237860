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
        var text = "swiftlet-budget 1\nboot \(boot)\ntime \(time.components.seconds)\nadvance \(advance.messages) \(advance.bytes)\n"
        for window in Budget.Window.allCases {
            text += "\(window)"
            for entry in self[window] { text += " \(entry.age):\(entry.amount.messages):\(entry.amount.bytes)" }
            text += "\n"
        }
        return Array((text + "check \(Self.check(Array(text.utf8)))\n").utf8)
    }

    /// - Returns: `nil` for bytes that aren't exactly what ``bytes`` gives for some record.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.mostBytes else { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count == 9, lines[8].isEmpty else { return nil }
        var words = lines.dropLast().map { $0.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) } }
        guard words[0] == ["swiftlet-budget", "1"], let check = words.popLast(), check == ["check", Self.check(Array(bytes.dropLast(lines[7].count + 1)))] else {
            return nil
        }
        guard words[1].count == 2, words[1][0] == "boot", Self.isBoot(words[1][1]) else { return nil }
        guard words[2].count == 2, words[2][0] == "time", let seconds = Self.number(words[2][1]) else { return nil }
        guard words[3].count == 3, words[3][0] == "advance", let messages = Self.number(words[3][1]), let count = Self.number(words[3][2]) else { return nil }
        var windows: [[Budget.Entry]] = []
        for (window, words) in zip(Budget.Window.allCases, words[4...]) {
            guard words.first == "\(window)" else { return nil }
            var entries: [Budget.Entry] = []
            for word in words.dropFirst() {
                let numbers = word.split(separator: ":", omittingEmptySubsequences: false).map { Self.number(String($0)) }
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

    package static func isBoot(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || (65...90).contains($0) || $0 == 45 }
    }

    /// 0 … 2⁵³ in decimal digits without leading zeros.
    private static func number(_ text: String) -> Int? {
        guard let value = Int(text), (0...Budget.most).contains(value), "\(value)" == text else { return nil }
        return value
    }

    /// FNV-1a of 64 bits (G. Fowler, L. C. Noll, K.-P. Vo), hexadecimal.
    private static func check(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
