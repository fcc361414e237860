// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// Makes any image the pixels of a network's input: resize, take the middle, order the channels.
///
/// Weights and buffers are kept for as long as the images keep their size: then nothing is allocated. Equal to Pillow's
/// `resize(BILINEAR)` followed by torchvision's `CenterCrop`, with only the pixels computed that the network sees.
package struct Preprocessor: Sendable {
    package let preprocessing: Preprocessing
    /// `[height, width, channels]`, interleaved, in the network's channel order; what the last `prepare` made.
    package private(set) var pixels: [UInt8]

    private var plan: Plan?
    /// The source in grey, for a grey network and colour images.
    private var grey: [UInt8] = []
    /// The resized part that the network sees, in the channels of the source.
    private var window: [UInt8] = []
    /// What `pixels` show is not what the last `prepare` made, but its mirror image.
    private var isMirrored = false

    package init(_ preprocessing: Preprocessing) {
        precondition(preprocessing.width > 0 && preprocessing.height > 0, "a network's input has pixels")
        self.preprocessing = preprocessing
        pixels = [UInt8](repeating: 0, count: preprocessing.width * preprocessing.height * preprocessing.channels)
    }

    /// Fills `pixels` from an image of any size, grey or RGB. Where a crop is larger than the resized image the rest is black.
    package mutating func prepare(_ image: Image) {
        let turnsGrey = preprocessing.channelOrder == .gray && image.channels == 3
        if plan?.width != image.width || plan?.height != image.height || plan?.channels != image.channels {
            let made = Plan(preprocessing, image)
            plan = made
            grey = [UInt8](repeating: 0, count: turnsGrey ? image.width * image.height : 0)
            window = [UInt8](repeating: 0, count: made.isDirect ? 0 : made.windowCount)
            clear()
        } else if isMirrored {
            clear()
        }
        isMirrored = false
        if turnsGrey { Image.writeGrey(image.pixels, into: &grey) }
        let source = turnsGrey ? grey : image.pixels
        if plan?.isDirect == true {
            plan?.resampler.run(source, into: &pixels)
        } else {
            plan?.resampler.run(source, into: &window)
            if let plan { Self.place(window, plan, preprocessing, into: &pixels) }
        }
    }

    /// Turns `pixels` into those of the mirror image, left for right. Allocates nothing.
    package mutating func mirror() {
        let preprocessing = preprocessing
        var span = pixels.mutableSpan
        preprocessing.mirror(&span)
        isMirrored.toggle()
    }

    /// The border of a padded crop stays black from one image to the next.
    private mutating func clear() {
        for index in pixels.indices { pixels[index] = 0 }
    }

    /// Copies the window into its place, ordering its channels or repeating its only one.
    private static func place(_ window: [UInt8], _ plan: Plan, _ preprocessing: Preprocessing, into pixels: inout [UInt8]) {
        let resized = plan.resampler.plan
        let stored = resized.channels
        let channels = preprocessing.channels
        let step = stored == 1 ? 0 : preprocessing.channelOrder == .bgr ? -1 : 1
        let first = step < 0 ? 2 : 0
        let from = window.span
        var to = pixels.mutableSpan
        for row in 0..<resized.height {
            var read = row * resized.width * stored + first
            var write = ((plan.top + row) * preprocessing.width + plan.left) * channels
            for _ in 0..<resized.width {
                for channel in 0..<channels { to[write + channel] = from[read + channel * step] }
                read += stored
                write += channels
            }
        }
    }
}

extension Preprocessor {
    /// The work for images of one size and number of channels.
    private struct Plan {
        let width: Int
        let height: Int
        let channels: Int
        var resampler: Resampler
        /// Where the window lies in the network's input.
        let left: Int
        let top: Int
        /// Whether the window is the input, channel for channel.
        let isDirect: Bool

        /// Samples of the window.
        var windowCount: Int { resampler.plan.width * resampler.plan.height * resampler.plan.channels }

        init(_ preprocessing: Preprocessing, _ image: Image) {
            width = image.width
            height = image.height
            channels = image.channels
            let kept = preprocessing.channelOrder == .gray ? 1 : image.channels
            let resized = Self.size(preprocessing, image)
            let columns = CentredWindow(length: preprocessing.width, of: resized.width)
            let rows = CentredWindow(length: preprocessing.height, of: resized.height)
            resampler = Resampler(
                ResamplePlan(
                    sourceWidth: width, sourceHeight: height, channels: kept, targetWidth: resized.width, targetHeight: resized.height,
                    columns: columns.source, rows: rows.source))
            left = columns.offset
            top = rows.offset
            isDirect =
                columns.source.count == preprocessing.width && rows.source.count == preprocessing.height
                && kept == preprocessing.channels && preprocessing.channelOrder != .bgr
        }

        /// Of the whole resized image. With `shorterSide` the longer side is cut off to an integer, as torchvision's `Resize` does.
        private static func size(_ preprocessing: Preprocessing, _ image: Image) -> (width: Int, height: Int) {
            switch preprocessing.resize {
            case .none, .warp: (preprocessing.width, preprocessing.height)
            case .shorterSide(let size):
                image.width <= image.height
                    ? (size, size * image.height / image.width)
                    : (size * image.width / image.height, size)
            }
        }
    }
}
