// SPDX-License-Identifier: Apache-2.0
import Kernels
import Networks
import Tensors
import TestSupport

/// Draws inputs for the tests of this module.
struct Samples {
    var generator: SeededGenerator
    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    mutating func pick<T>(_ choices: [T]) -> T { choices[int(0...choices.count - 1)] }
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) } }
    mutating func weights(_ count: Int) -> [Int8] { (0..<count).map { _ in Int8.random(in: -127...127, using: &generator) } }
    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &generator) } }
    mutating func scale() -> Float { Float.random(in: 0.004...0.03, using: &generator) }
    mutating func quantization() -> Quantization {
        Quantization(scale: scale(), zeroPoint: Int32(pick([0, 255, 128, int(0...255)])))
    }
}

/// `[n, c, h, w]` with n = 1 to `[h, w, c]`.
func interleaved<T>(_ values: [T], channels: Int) -> [T] {
    let pixels = values.count / max(channels, 1)
    return (0..<values.count).map { values[$0 % channels * pixels + $0 / channels] }
}

/// Rows of `channels` elements, moved apart until they begin at multiples of `step`, with `filler` between them.
func spread<T>(_ values: [T], channels: Int, step: Int, filler: T) -> [T] {
    let rows = values.count / max(channels, 1)
    var result = [T](repeating: filler, count: rows == 0 ? 0 : (rows - 1) * step + channels)
    for row in 0..<rows {
        for channel in 0..<channels { result[row * step + channel] = values[row * channels + channel] }
    }
    return result
}

extension KernelName {
    /// Kernels of these kinds that this processor can run. The others are named in ``skipped``.
    static func runnable(_ kinds: Kind...) -> [KernelName] {
        all.filter { kinds.contains($0.kind) && CPUFeatures.detected.isSuperset(of: $0.features) }
    }
    static var skipped: [KernelName] { all.filter { !CPUFeatures.detected.isSuperset(of: $0.features) } }
}

/// The feature sets under which the vector kernels differ, of those that this processor has.
let vectorFeatures: [CPUFeatures] = KernelName.runnable(.vector).map(\.features)

/// The feature sets under which the float convolutions differ.
let floatFeatures: [CPUFeatures] = KernelName.runnable(.float).map(\.features)
