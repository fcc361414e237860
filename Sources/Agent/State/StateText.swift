// SPDX-License-Identifier: Apache-2.0

/// What the records in the folder for state have in common: lines of words divided by single spaces, the last of which is `check` with a checksum
/// of the lines before it.
enum StateText {
    /// The file of some lines.
    static func bytes(_ lines: [[String]]) -> [UInt8] {
        let text = lines.map { $0.joined(separator: " ") + "\n" }.joined()
        return Array((text + "check \(check(Array(text.utf8)))\n").utf8)
    }

    /// - Returns: the lines without the last one; `nil` for bytes that ``bytes(_:)`` gives for no lines.
    static func lines(_ bytes: [UInt8], atMost most: Int) -> [[String]]? {
        guard bytes.count <= most else { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count >= 2, lines[lines.count - 1].isEmpty else { return nil }
        var words = lines.dropLast().map { $0.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) } }
        let text = Array(bytes.dropLast(lines[lines.count - 2].count + 1))
        guard let last = words.popLast(), last == ["check", check(text)] else { return nil }
        return words
    }

    /// A name of a boot: 1 … 64 letters, digits and `-`.
    static func isBoot(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || (65...90).contains($0) || $0 == 45 }
    }

    /// 0 … 2⁵³ in decimal digits without leading zeros.
    static func number(_ text: String) -> Int? {
        guard let value = Int(text), (0...(1 << 53)).contains(value), "\(value)" == text else { return nil }
        return value
    }

    /// FNV-1a of 64 bits (G. Fowler, L. C. Noll, K.-P. Vo), hexadecimal.
    private static func check(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
