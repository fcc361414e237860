// SPDX-License-Identifier: Apache-2.0

/// The weights that resize images of one size and keep a window of the result.
struct ResamplePlan: Sendable {
    let sourceWidth: Int
    let sourceHeight: Int
    let channels: Int
    /// Size of the window, in pixels.
    let width: Int
    let height: Int
    let horizontal: ResampleAxis
    let vertical: ResampleAxis

    /// - Parameters:
    ///   - columns: the part of `0 ..< targetWidth` that is wanted.
    ///   - rows: the part of `0 ..< targetHeight` that is wanted.
    init(
        sourceWidth: Int, sourceHeight: Int, channels: Int, targetWidth: Int, targetHeight: Int, columns: Range<Int>, rows: Range<Int>
    ) {
        precondition(columns.lowerBound >= 0 && columns.upperBound <= targetWidth && !columns.isEmpty, "a window lies inside its image")
        precondition(rows.lowerBound >= 0 && rows.upperBound <= targetHeight && !rows.isEmpty, "a window lies inside its image")
        self.sourceWidth = sourceWidth
        self.sourceHeight = sourceHeight
        self.channels = channels
        width = columns.count
        height = rows.count
        horizontal = ResampleAxis(source: sourceWidth, target: targetWidth, targets: columns)
        vertical = ResampleAxis(source: sourceHeight, target: targetHeight, targets: rows)
    }
}
