// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// Images that heads learn from and are judged by. Each can be seen in several ways: as it is, and shifted by up to an eighth of its sides, every other time mirrored.
package struct ExitImages: Sendable {
    package let preprocessing: Preprocessing
    package let samples: [CalibrationSample]
    /// Ways to see an image that is learnt from: 1 or more. Number 0 is as it is.
    package var views: Int
    package var isMirrored: Bool

    /// - Parameter isMirrored: not for text or traffic signs.
    package init(_ samples: [CalibrationSample], preprocessing: Preprocessing, views: Int = 1, isMirrored: Bool = false) {
        precondition(views > 0)
        (self.samples, self.preprocessing) = (samples, preprocessing)
        (self.views, self.isMirrored) = (views, isMirrored)
    }

    /// One image in five is kept out of learning: of a set by classes about as many of each.
    package var heldOut: [Int] { samples.indices.filter { $0 % 5 == 4 } }
    package var learntFrom: [Int] { samples.indices.filter { $0 % 5 != 4 } }

    /// `[height, width, channels]`; what a shift leaves open is filled with the nearest pixels.
    package func pixels(of image: Int, view: Int) -> [UInt8] {
        let source = samples[image].pixels
        guard view > 0 else { return source }
        let (height, width, channels) = (preprocessing.height, preprocessing.width, preprocessing.channels)
        var random = SeededNumbers(seed: UInt64(image) << 8 | UInt64(view))
        let down = random.index(2 * (height / 8) + 1) - height / 8
        let right = random.index(2 * (width / 8) + 1) - width / 8
        let mirrors = isMirrored && view % 2 == 1
        var result = [UInt8](repeating: 0, count: source.count)
        for row in 0..<height {
            let line = min(max(row - down, 0), height - 1) * width
            for column in 0..<width {
                let place = min(max((mirrors ? width - 1 - column : column) - right, 0), width - 1)
                for channel in 0..<channels { result[(row * width + column) * channels + channel] = source[(line + place) * channels + channel] }
            }
        }
        return result
    }
}
