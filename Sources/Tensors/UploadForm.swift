// SPDX-License-Identifier: Apache-2.0

/// How an image is sent to the full model: its size and its encoding.
package struct UploadForm: Hashable, Sendable, Codable {
    package enum Encoding: Hashable, Sendable, Codable {
        /// Baseline JPEG of quality 1 … 100, colour at half the resolution along rows and columns, or in full.
        case jpeg(quality: Int, fullColour: Bool)
        /// Lossless.
        case png
    }

    package enum Size: Hashable, Sendable, Codable {
        case original
        /// Reduced until the shorter side is this, as ``Preprocessing/Resize/shorterSide(_:)`` does; never enlarged.
        case shorterSide(Int)
        /// The same, and of the result the square in the middle.
        case square(Int)
        /// Both sides reduced to these, whatever the aspect ratio; as it is where a side is shorter already.
        case exactly(width: Int, height: Int)
    }

    package var size: Size
    package var encoding: Encoding

    package init(size: Size = .original, encoding: Encoding) {
        self.size = size
        self.encoding = encoding
    }

    /// Where nothing says what the full model needs.
    package static let standard = UploadForm(encoding: .jpeg(quality: 90, fullColour: false))

    /// The same size as a JPEG of another quality: with its colour in full where this one's is, and from quality 95 on, where half of it would be what is lost.
    package func jpeg(quality: Int) -> UploadForm {
        var isFull = quality >= 95
        if case .jpeg(_, true) = encoding { isFull = true }
        return UploadForm(size: size, encoding: .jpeg(quality: quality, fullColour: isFull))
    }

    /// The same size, lossless.
    package var lossless: UploadForm { UploadForm(size: size, encoding: .png) }

    /// The first thing that can't be; `nil` when there is none.
    package var contradiction: String? {
        if case .jpeg(let quality, _) = encoding, !(1...100).contains(quality) { return "a JPEG quality of \(quality) is outside 1 … 100" }
        let sides: [Int] =
            switch size {
            case .original: []
            case .shorterSide(let side), .square(let side): [side]
            case .exactly(let width, let height): [width, height]
            }
        return sides.first { !(1...16384).contains($0) }.map { "a side of \($0) pixels is outside 1 … 16384" }
    }
}
