// SPDX-License-Identifier: Apache-2.0

extension Image {
    /// Bilinear, widened by the factor of reduction: equal to Pillow's `Image.resize((width, height), BILINEAR)`.
    package func resized(width newWidth: Int, height newHeight: Int) -> Image {
        precondition(newWidth > 0 && newHeight > 0, "an image has pixels")
        if newWidth == width, newHeight == height { return self }
        var resampler = Resampler(
            ResamplePlan(
                sourceWidth: width, sourceHeight: height, channels: channels, targetWidth: newWidth, targetHeight: newHeight,
                columns: 0..<newWidth, rows: 0..<newHeight))
        var result = [UInt8](repeating: 0, count: newWidth * newHeight * channels)
        resampler.run(pixels, into: &result)
        return Image(width: newWidth, height: newHeight, channels: channels, pixels: result)
    }

    /// The rectangle of `width` × `height` whose top left pixel is (x, y); it lies inside the image.
    package func cropped(x left: Int, y top: Int, width newWidth: Int, height newHeight: Int) -> Image {
        precondition(left >= 0 && top >= 0 && newWidth > 0 && newHeight > 0, "a crop lies inside its image")
        precondition(newWidth <= width - left && newHeight <= height - top, "a crop lies inside its image")
        var result: [UInt8] = []
        result.reserveCapacity(newWidth * newHeight * channels)
        for row in top..<top + newHeight {
            let start = (row * width + left) * channels
            result += pixels[start..<start + newWidth * channels]
        }
        return Image(width: newWidth, height: newHeight, channels: channels, pixels: result)
    }

    /// The middle of the image, as torchvision's `CenterCrop`: offsets round half to even, and what lies outside is black.
    package func centreCropped(width newWidth: Int, height newHeight: Int) -> Image {
        let columns = CentredWindow(length: newWidth, of: width)
        let rows = CentredWindow(length: newHeight, of: height)
        let middle = cropped(x: columns.source.lowerBound, y: rows.source.lowerBound, width: columns.source.count, height: rows.source.count)
        return middle.placed(atX: columns.offset, y: rows.offset, width: newWidth, height: newHeight, filledWith: 0)
    }

    /// The whole image, as large as fits, in the middle of a canvas of one grey.
    package func letterboxed(width newWidth: Int, height newHeight: Int, filledWith fill: UInt8 = 114) -> Image {
        let scale = min(Double(newWidth) / Double(width), Double(newHeight) / Double(height))
        let fittedWidth = min(max(Int((Double(width) * scale).rounded()), 1), newWidth)
        let fittedHeight = min(max(Int((Double(height) * scale).rounded()), 1), newHeight)
        return resized(width: fittedWidth, height: fittedHeight).placed(
            atX: (newWidth - fittedWidth) / 2, y: (newHeight - fittedHeight) / 2, width: newWidth, height: newHeight, filledWith: fill)
    }

    private func placed(atX left: Int, y top: Int, width newWidth: Int, height newHeight: Int, filledWith fill: UInt8) -> Image {
        if newWidth == width, newHeight == height { return self }
        var result = [UInt8](repeating: fill, count: newWidth * newHeight * channels)
        for row in 0..<height {
            let start = ((top + row) * newWidth + left) * channels
            result.replaceSubrange(start..<start + width * channels, with: pixels[row * width * channels..<(row + 1) * width * channels])
        }
        return Image(width: newWidth, height: newHeight, channels: channels, pixels: result)
    }
}

/// Where the middle `length` samples of an axis come from, and where they go when the axis is shorter than that.
struct CentredWindow: Hashable, Sendable {
    /// The samples of the axis that are kept.
    let source: Range<Int>
    /// Position of the first of them in the window.
    let offset: Int

    init(length: Int, of available: Int) {
        if length <= available {
            let start = Int((Double(available - length) / 2).rounded(.toNearestOrEven))
            source = start..<start + length
            offset = 0
        } else {
            source = 0..<available
            offset = (length - available) / 2
        }
    }
}
