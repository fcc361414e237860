// SPDX-License-Identifier: Apache-2.0
import Packing
import Planning
import TestSupport

/// A table whose later exits and finer packings are right more often, whose scores say something about being right, and whose sizes differ.
func randomTable(samples: Int, exits: Int = 3, cuts: Int = 3, using generator: inout SeededGenerator) -> CalibrationTable {
    let difficulty = (0..<samples).map { _ in Double.random(in: 0..<1, using: &generator) }
    func rights(_ skill: Double) -> SampleSet { SampleSet(of: samples) { difficulty[$0] < skill * Double.random(in: 0.8...1.1, using: &generator) } }
    let tableExits = (0..<exits).map { exit in
        let right = rights(0.5 + 0.4 * Double(exit + 1) / Double(exits))
        let scores = (0..<samples).map { sample in
            // Steps, so that there are equal scores.
            (Float.random(in: right.contains(sample) ? 0.3...1 : 0...0.8, using: &generator) * 50).rounded() / 50
        }
        return CalibrationTable.Exit(position: 10 * (exit + 1), scores: scores, right: right)
    }
    var sent = [(Payload.jpeg(quality: 80), 900), (.png, 2500)].map { payload, size in
        CalibrationTable.Sent(Upload(cut: 0, payload: payload), bytes: sizes(about: size), right: rights(0.95))
    }
    for cut in 0..<cuts {
        for bits in [UInt8(2), 4, 8] {
            let upload = Upload(cut: 10 * exits * (cut + 1) / (cuts + 1), payload: .tensors(bits: bits, .bytesLZ4))
            sent.append(CalibrationTable.Sent(upload, bytes: sizes(about: 4000 * Int(bits) / (cut + 1)), right: rights(0.95 - 0.6 / Double(bits * bits))))
        }
    }
    sent.append(CalibrationTable.Sent(Upload(cut: 1, payload: .tensors(bits: 6, .bytesLZ4), exit: 0), bytes: sizes(about: 3000), right: rights(0.7)))
    func sizes(about size: Int) -> [UInt32] { (0..<samples).map { _ in UInt32.random(in: UInt32(size * 3 / 4)...UInt32(size * 5 / 4), using: &generator) } }
    return CalibrationTable(exits: tableExits, sent: sent, full: rights(0.97))
}
