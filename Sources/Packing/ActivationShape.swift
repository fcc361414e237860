// SPDX-License-Identifier: Apache-2.0

/// `[c, h, w]`: the sizes of one activation of one image. A vector has `h = w = 1`.
package struct ActivationShape: Hashable, Sendable, CustomStringConvertible {
    package let channels: Int
    package let height: Int
    package let width: Int

    /// The largest number of elements that is packed or unpacked: 64 MB in float32.
    package static let maximumCount = 1 << 24

    /// `nil` when a size is negative or there are more elements than ``maximumCount``.
    package init?(channels: Int, height: Int, width: Int) {
        let bound = 0...Self.maximumCount
        guard bound.contains(channels), bound.contains(height), bound.contains(width) else { return nil }
        let (plane, planeOverflow) = height.multipliedReportingOverflow(by: width)
        let (count, overflow) = plane.multipliedReportingOverflow(by: channels)
        guard !planeOverflow, !overflow, plane <= Self.maximumCount, count <= Self.maximumCount else { return nil }
        self.channels = channels
        self.height = height
        self.width = width
    }

    package var plane: Int { height * width }
    package var count: Int { channels * plane }

    package var description: String { "[\(channels), \(height), \(width)]" }
}

/// In which order an activation lies in memory.
package enum ActivationLayout: Sendable {
    /// `[c, h, w]`, as graphs say it.
    case channelsFirst
    /// `[h, w, c]`, as the engine keeps it.
    case channelsLast
}
