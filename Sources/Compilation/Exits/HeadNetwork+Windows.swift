// SPDX-License-Identifier: Apache-2.0

extension HeadDesign.Stage {
    /// Rows of the windows of 3×3, two pixels apart, with a border of zeros: `[images · positions, 3, 3, channels]` of `[images, height, width, channels]`.
    func layOut(_ image: [Float], images: Int, into windows: inout [Float]) {
        precondition(image.count >= images * count && windows.count >= images * positions * window)
        unsafe image.withUnsafeBufferPointer { image in
            unsafe windows.withUnsafeMutableBufferPointer { windows in
                forEachPiece(images: images) { window, pixels in
                    guard let pixels else {
                        for index in window { unsafe windows[index] = 0 }
                        return
                    }
                    for index in 0..<window.count { unsafe windows[window.lowerBound + index] = image[pixels + index] }
                }
            }
        }
    }

    /// Adds up for each element what stands in the windows in its place: the transpose of ``layOut(_:images:into:)``.
    func gather(_ windows: [Float], images: Int, into image: inout [Float]) {
        precondition(image.count >= images * count && windows.count >= images * positions * window)
        unsafe image.withUnsafeMutableBufferPointer { image in
            for index in 0..<images * count { unsafe image[index] = 0 }
            unsafe windows.withUnsafeBufferPointer { windows in
                forEachPiece(images: images) { window, pixels in
                    guard let pixels else { return }
                    for index in 0..<window.count { unsafe image[pixels + index] += windows[window.lowerBound + index] }
                }
            }
        }
    }

    /// Positions of a window along both sides.
    private var positions: Int { (height + 1) / 2 * ((width + 1) / 2) }

    /// Walks through the rows of three pixels that windows consist of.
    ///
    /// - Parameter body: is given where elements stand among the windows, and where the first of them stands in the images; `nil`: they are border.
    private func forEachPiece(images: Int, _ body: (_ window: Range<Int>, _ pixels: Int?) -> Void) {
        var position = 0
        for image in 0..<images {
            for row in 0..<(height + 1) / 2 {
                for column in 0..<(width + 1) / 2 {
                    for line in 2 * row - 1...2 * row + 1 {
                        guard (0..<height).contains(line) else {
                            body(position..<position + 3 * channels, nil)
                            position += 3 * channels
                            continue
                        }
                        let first = 2 * column - 1
                        let start = (image * height + line) * width * channels
                        if first < 0 { body(position..<position + channels, nil) }
                        let inside = max(first, 0)..<min(first + 3, width)
                        let begin = position + (inside.lowerBound - first) * channels
                        let end = begin + inside.count * channels
                        body(begin..<end, start + inside.lowerBound * channels)
                        if first + 3 > width { body(end..<position + 3 * channels, nil) }
                        position += 3 * channels
                    }
                }
            }
        }
    }
}

extension HeadDesign {
    /// Means over the cells of the grid: `[images, grid, grid, channels]`.
    func average(_ image: [Float], images: Int, into pooled: inout [Float]) {
        precondition(image.count >= images * stages[convolutions.count].count && pooled.count >= images * self.pooled)
        let share = cellShare
        unsafe image.withUnsafeBufferPointer { image in
            unsafe pooled.withUnsafeMutableBufferPointer { pooled in
                for index in 0..<images * self.pooled { unsafe pooled[index] = 0 }
                forEachPixel(images: images) { pixel, cell, channels in
                    for channel in 0..<channels { unsafe pooled[cell + channel] += share * image[pixel + channel] }
                }
            }
        }
    }

    /// What each pixel has of its cell: the transpose of ``average(_:images:into:)``.
    func spread(_ pooled: [Float], images: Int, into image: inout [Float]) {
        precondition(image.count >= images * stages[convolutions.count].count && pooled.count >= images * self.pooled)
        let share = cellShare
        unsafe image.withUnsafeMutableBufferPointer { image in
            unsafe pooled.withUnsafeBufferPointer { pooled in
                forEachPixel(images: images) { pixel, cell, channels in
                    for channel in 0..<channels { unsafe image[pixel + channel] = share * pooled[cell + channel] }
                }
            }
        }
    }

    private var cellShare: Float { Float(grid * grid) / Float(stages[convolutions.count].pixels) }

    /// - Parameter body: is given where the channels of a pixel begin, where those of its cell do, and how many they are.
    private func forEachPixel(images: Int, _ body: (_ pixel: Int, _ cell: Int, _ channels: Int) -> Void) {
        let stage = stages[convolutions.count]
        let (cellHeight, cellWidth) = (stage.height / grid, stage.width / grid)
        var pixel = 0
        for image in 0..<images {
            for row in 0..<stage.height {
                for column in 0..<stage.width {
                    body(pixel, ((image * grid + row / cellHeight) * grid + column / cellWidth) * stage.channels, stage.channels)
                    pixel += stage.channels
                }
            }
        }
    }
}
