// SPDX-License-Identifier: Apache-2.0

/// What the value of a key may be: how it reads, how it prints, and the words for both the error and the documentation.
package struct ValueKind<Value: Sendable>: Sendable {
    /// What is expected, as in `1 ms … 60 s`.
    package let expectation: String
    /// `nil` for a text that isn't a value of this kind, or one out of range.
    package let parse: @Sendable (String) -> Value?
    /// The text that a configuration file has for the value.
    package let format: @Sendable (Value) -> String

    package init(
        _ expectation: String, parse: @escaping @Sendable (String) -> Value?, format: @escaping @Sendable (Value) -> String
    ) {
        self.expectation = expectation
        self.parse = parse
        self.format = format
    }
}

extension ValueKind where Value == Int {
    package static func integer(_ range: ClosedRange<Int>) -> Self {
        Self("\(range.lowerBound) … \(range.upperBound)") { text in
            guard text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 45 }), let value = Int(text), range.contains(value) else {
                return nil
            }
            return value
        } format: {
            "\($0)"
        }
    }

    /// A number of bytes: B, kB (1000), MB, GB, KiB (1024), MiB or GiB.
    package static func bytes(_ range: ClosedRange<Int>) -> Self {
        let units = [("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("kB", 1000), ("B", 1)]
        let format: @Sendable (Int) -> String = { bytes in
            let (name, factor) = units.first { bytes > 0 && bytes % $0.1 == 0 } ?? ("B", 1)
            return "\(bytes / factor) \(name)"
        }
        return Self("\(format(range.lowerBound)) … \(format(range.upperBound))") { text in
            guard let (number, unit) = Quantity.split(text), let factor = units.first(where: { $0.0 == unit })?.1 else { return nil }
            let bytes = (number * Double(factor)).rounded()
            guard let value = Int(exactly: bytes), range.contains(value) else { return nil }
            return value
        } format: {
            format($0)
        }
    }
}

extension ValueKind {
    /// A value of another kind, or a word, which is `nil`.
    package static func automatic<Wrapped: Sendable>(or kind: ValueKind<Wrapped>, named word: String = "auto") -> Self where Value == Wrapped? {
        Self("\(word) or \(kind.expectation)") { text in
            if text == word { return .some(nil) }
            return kind.parse(text).map { .some($0) }
        } format: {
            $0.map(kind.format) ?? word
        }
    }
}

extension ValueKind where Value == UInt64 {
    package static var seed: Self {
        Self("0 … \(UInt64.max)") { text in
            text.utf8.allSatisfy { (48...57).contains($0) } ? UInt64(text) : nil
        } format: {
            "\($0)"
        }
    }
}

extension ValueKind where Value == Double {
    package static func number(_ range: ClosedRange<Double>, unit: String? = nil) -> Self {
        let suffix = unit.map { " " + $0 } ?? ""
        return Self("\(Quantity.format(range.lowerBound)) … \(Quantity.format(range.upperBound))\(suffix)") { text in
            guard let (value, found) = Quantity.split(text), found == unit ?? "", range.contains(value) else { return nil }
            return value
        } format: {
            Quantity.format($0) + suffix
        }
    }

    /// A rate of a link in Mbit/s: kbit/s, Mbit/s or Gbit/s.
    package static func bitRate(_ range: ClosedRange<Double>) -> Self {
        let units = [("Gbit/s", 1000), ("Mbit/s", 1), ("kbit/s", 0.001)]
        let format: @Sendable (Double) -> String = { rate in
            let (name, factor) = units.first { rate >= $0.1 } ?? ("kbit/s", 0.001)
            return "\(Quantity.format(rate / factor)) \(name)"
        }
        return Self("\(format(range.lowerBound)) … \(format(range.upperBound))") { text in
            guard let (number, unit) = Quantity.split(text), let factor = units.first(where: { $0.0 == unit })?.1 else { return nil }
            return range.contains(number * factor) ? number * factor : nil
        } format: {
            format($0)
        }
    }

    /// A fraction, written in per cent: 0.8 is `80 %`.
    package static func fraction(_ range: ClosedRange<Double>) -> Self {
        Self("\(Quantity.format(range.lowerBound * 100)) … \(Quantity.format(range.upperBound * 100)) %") { text in
            guard let (number, unit) = Quantity.split(text), unit == "%", range.contains(number / 100) else { return nil }
            return number / 100
        } format: {
            Quantity.format($0 * 100) + " %"
        }
    }
}

extension ValueKind where Value == Duration {
    /// A length of time: us, ms, s, min or h.
    package static func duration(_ range: ClosedRange<Duration>) -> Self {
        let units = [("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1)] as [(String, Int64)]
        let format: @Sendable (Duration) -> String = { duration in
            let microseconds = duration / .microseconds(1)
            let (name, factor) = units.first { microseconds >= Double($0.1) && microseconds.truncatingRemainder(dividingBy: Double($0.1)) == 0 } ?? ("us", 1)
            return Quantity.format(microseconds / Double(factor)) + " " + name
        }
        return Self("\(format(range.lowerBound)) … \(format(range.upperBound))") { text in
            guard let (number, unit) = Quantity.split(text), let factor = units.first(where: { $0.0 == unit })?.1 else { return nil }
            let microseconds = (number * Double(factor)).rounded()
            // A century is far below where the conversion could overflow.
            guard microseconds.magnitude < 4e15 else { return nil }
            let value = Duration.microseconds(Int64(microseconds))
            return range.contains(value) ? value : nil
        } format: {
            format($0)
        }
    }
}

extension ValueKind where Value == Bool {
    package static var boolean: Self {
        Self("true or false") { ["true": true, "false": false][$0] } format: { "\($0)" }
    }
}

extension ValueKind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the raw values of an enumeration.
    package static var choice: Self {
        Self(Value.allCases.map(\.rawValue).joined(separator: " | "), parse: { Value(rawValue: $0) }, format: { $0.rawValue })
    }
}

extension ValueKind where Value == String {
    /// Text of which each character satisfies `isAllowed`.
    package static func text(
        _ expectation: String, length: ClosedRange<Int>, where isAllowed: @escaping @Sendable (UInt8) -> Bool
    ) -> Self {
        Self(expectation) { text in
            length.contains(text.utf8.count) && text.utf8.allSatisfy(isAllowed) ? text : nil
        } format: {
            $0
        }
    }

    /// Letters, digits and `-`, as in a host name and in one level of a topic.
    package static var identifier: Self {
        text("1 … 36 of a-z, 0-9 and -", length: 1...36) { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }

    /// The name that a full model is asked for by.
    package static var modelName: Self {
        text("1 … 64 of a-z, 0-9, '.', _ and -", length: 1...64) {
            (97...122).contains($0) || (48...57).contains($0) || [45, 46, 95].contains($0)
        }
    }

    package static var host: Self {
        text("a host name or address", length: 1...253) {
            (97...122).contains($0) || (65...90).contains($0) || (48...57).contains($0) || [45, 46, 58, 95, 37].contains($0)
        }
    }

    /// Anything printable.
    package static var userName: Self {
        text("1 … 256 characters", length: 1...256) { $0 >= 32 && $0 != 127 }
    }
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
}

enum Quantity {
    /// A decimal number and its unit, which one space may divide; `nil` where the text isn't that.
    static func split(_ text: String) -> (number: Double, unit: String)? {
        let number = text.utf8.prefix { (48...57).contains($0) || $0 == 46 || $0 == 45 }
        guard !number.isEmpty, let value = Double(String(decoding: number, as: UTF8.self)), value.isFinite else { return nil }
        var unit = text.utf8.dropFirst(number.count)
        if unit.first == 32, unit.count > 1 { unit = unit.dropFirst() }
        return (value, String(decoding: unit, as: UTF8.self))
    }

    /// The number rounded to six places, without trailing zeros.
    static func format(_ number: Double) -> String {
        let rounded = (number * 1e6).rounded() / 1e6
        return Int(exactly: rounded).map(String.init) ?? "\(rounded)"
    }
}
