// SPDX-License-Identifier: Apache-2.0

/// What calibration learns of one value.
package struct ValueStatistics: Sendable {
    package private(set) var range = RangeStatistics()
    /// Sums over all images and positions, by index of axis 1.
    private var channelSums: [Double] = []
    private var countByChannel = 0

    package init() {}

    /// - Parameter shape: of the value, whose elements are row-major.
    package mutating func observe(_ numbers: Span<Float>, shape: [Int]) {
        range.observe(numbers)
        guard shape.count >= 2, shape[1] > 0 else { return }
        let area = shape[2...].reduce(1, *)
        if channelSums.isEmpty { channelSums = Array(repeating: 0, count: shape[1]) }
        for image in 0..<shape[0] {
            for channel in 0..<shape[1] {
                let first = (image * shape[1] + channel) * area
                var sum: Float = 0
                for position in first..<first + area { sum += numbers[position] }
                channelSums[channel] += Double(sum)
            }
        }
        countByChannel += shape[0] * area
    }

    /// The mean by index of axis 1; `nil` for a value without that axis.
    package var channelMeans: [Float]? {
        countByChannel > 0 ? channelSums.map { Float($0 / Double(countByChannel)) } : nil
    }
}
