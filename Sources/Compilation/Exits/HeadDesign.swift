// SPDX-License-Identifier: Apache-2.0

/// The form of an exit's head: convolutions, an average over the cells of a grid, one product to the classes.
///
/// Without convolutions that is the cheap, pooled head. With them it is that of MSDNet (G. Huang et al., "Multi-Scale Dense Networks for Resource Efficient Image
/// Classification", ICLR 2018), which SPINN uses: windows of 3×3, a stride of 2, a border of 1 on all sides, bias and ReLU.
package struct HeadDesign: Hashable, Sendable {
    /// Of the value that the head reads: `[1, channels, height, width]`.
    package var channels: Int
    package var height: Int
    package var width: Int
    package var classes: Int
    /// Output channels of each convolution.
    package var convolutions: [Int]
    /// Cells along each side over which is averaged; a divisor of both sides of what the last convolution gives.
    package var grid: Int

    package init(channels: Int, height: Int, width: Int, classes: Int, convolutions: [Int] = [], grid: Int = 1) {
        (self.channels, self.height, self.width, self.classes) = (channels, height, width, classes)
        (self.convolutions, self.grid) = (convolutions, grid)
        let last = self.stages[convolutions.count]
        precondition(grid > 0 && last.height % grid == 0 && last.width % grid == 0, "a grid of \(grid) on \(last.height) x \(last.width)")
    }

    /// The images between the convolutions: the first is what the head reads, the last is averaged.
    var stages: [Stage] {
        convolutions.reduce(into: [Stage(channels: channels, height: height, width: width)]) { stages, count in
            let last = stages[stages.count - 1]
            stages.append(Stage(channels: count, height: (last.height + 1) / 2, width: (last.width + 1) / 2))
        }
    }

    struct Stage: Hashable {
        var channels: Int
        var height: Int
        var width: Int
        var pixels: Int { height * width }
        var count: Int { pixels * channels }
        /// Elements of a window of 3×3.
        var window: Int { 9 * channels }
    }

    /// The same head for images that are averaged over the cells of its grid already. Its parameters are the same.
    var averaged: HeadDesign { HeadDesign(channels: channels, height: grid, width: grid, classes: classes, grid: grid) }

    /// Numbers that the last product reads.
    var pooled: Int { (convolutions.last ?? channels) * grid * grid }

    package var multiplyAccumulates: Int {
        let stages = stages
        return convolutions.indices.reduce(pooled * classes) { $0 + stages[$1].window * stages[$1 + 1].count }
    }

    /// The cheapest head: one number a channel, or one a channel and cell of a grid where there are few channels.
    package static func pooled(channels: Int, height: Int, width: Int, classes: Int) -> HeadDesign {
        var grid = 1
        while grid < 4, channels * grid * grid < fewestPooled, height % (2 * grid) == 0, width % (2 * grid) == 0 { grid *= 2 }
        return HeadDesign(channels: channels, height: height, width: width, classes: classes, grid: grid)
    }

    /// MSDNet's: two convolutions, one where the image is small.
    ///
    /// - Parameter limit: of its multiply-adds; channels are halved until it keeps it, or 8 are left.
    package static func convolutional(channels: Int, height: Int, width: Int, classes: Int, limit: Int) -> HeadDesign {
        let count = min(height, width) > smallImage ? 2 : 1
        var first = min(2 * channels, mostChannels)
        while true {
            let design = HeadDesign(
                channels: channels, height: height, width: width, classes: classes,
                convolutions: (0..<count).map { min(first << $0, mostChannels) })
            if design.multiplyAccumulates <= limit || first <= 8 { return design }
            first /= 2
        }
    }

    private static let fewestPooled = 128
    private static let smallImage = 8
    private static let mostChannels = 128
}

extension HeadDesign: CustomStringConvertible {
    package var description: String {
        convolutions.isEmpty ? "pooled \(grid)×\(grid)" : "convolutions \(convolutions.map { "\($0)" }.joined(separator: ", "))"
    }
}
