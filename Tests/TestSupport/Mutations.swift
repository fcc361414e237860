// SPDX-License-Identifier: Apache-2.0

extension SeededGenerator {
    /// A copy of `bytes` damaged in one of the ways that files are: bits flipped, bytes set to extremes, cut short, a part missing or repeated.
    package mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) where !result.isEmpty {
            let position = Int.random(in: 0..<result.count, using: &self)
            switch Int.random(in: 0..<6, using: &self) {
            case 0: result[position] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1: result[position] = [0x00, 0xFF, 0x7F, 0x80].randomElement(using: &self) ?? 0
            case 2: result[position] = UInt8.random(in: 0...255, using: &self)
            case 3: result.removeSubrange(position...)
            case 4: result.removeSubrange(position..<min(position + Int.random(in: 1...16, using: &self), result.count))
            default:
                let end = min(position + Int.random(in: 1...16, using: &self), result.count)
                result.insert(contentsOf: result[position..<end], at: position)
            }
        }
        return result
    }
}
