// SPDX-License-Identifier: Apache-2.0

/// How the pixels of an NHWC image lie in memory: `channels` elements each, `step` elements from one to the next. A step that is larger
/// than the number of channels makes some channels of a wider image an image of their own.
struct PixelRows: Hashable, Sendable {
    let channels: Int
    let step: Int

    /// - Parameter step: without it, pixels follow one another.
    /// - Precondition: `channels <= step`.
    init(channels: Int, step: Int?) {
        precondition(channels >= 0 && channels <= step ?? channels, "pixels that overlap")
        self.channels = channels
        self.step = step ?? channels
    }

    /// From the first element of the first pixel to the last of the last.
    func elements(pixels: Int) -> Int { pixels == 0 ? 0 : (pixels - 1) * step + channels }
}
