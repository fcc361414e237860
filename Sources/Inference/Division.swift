// SPDX-License-Identifier: Apache-2.0
internal import Networks

/// How a product is divided among threads: by rows of the output, or by its channels.
struct Division: Sendable {
    enum Axis: Sendable { case rows, channels }

    let axis: Axis
    /// Its units are rows, or channels.
    let partition: Partition
    private let allRows: Range<Int>
    private let allChannels: Range<Int>

    init(_ axis: Axis, _ partition: Partition, rows: Int, channels: Int) {
        self.axis = axis
        self.partition = partition
        allRows = 0..<rows
        allChannels = 0..<channels
    }

    /// What a range of units stands for.
    @inline(__always)
    func rows(_ units: Range<Int>) -> Range<Int> { axis == .rows ? units : allRows }

    @inline(__always)
    func channels(_ units: Range<Int>) -> Range<Int> { axis == .channels ? units : allChannels }
}

extension Lowering {
    /// Of weights in one part where there are several lanes: a share of a processor's own cache.
    private static let lentWeightBytes = 256 << 10

    /// Parts of rows each read all weights, parts of channels each read (and, for windows, copy) the whole image: the smaller of the two is what is
    /// read again.
    ///
    /// - Parameters:
    ///   - alignment, channelAlignment: as of the prepared convolution; without the latter channels aren't divided.
    ///   - inputBytes: of all images.
    ///   - copies: the kernel copies what windows overlap.
    func division(
        images: Int, rows: Int, alignment: Int, channels: Int, channelAlignment: Int?, macs: Int, weightBytes: Int, inputBytes: Int, copies: Bool,
        isFloat: Bool
    ) -> Division {
        let bytes = weightBytes + 2 * inputBytes
        let byRows = partition(images: images, rows, alignment: alignment, macs: macs, isFloat: isFloat, bytes: bytes)
        guard let channelAlignment, channels > channelAlignment else { return Division(.rows, byRows, rows: rows, channels: channels) }
        let readAgain = (copies ? 2 : 1) * inputBytes / images
        guard weightBytes >= readAgain else { return Division(.rows, byRows, rows: rows, channels: channels) }
        // What lanes read one after another is to stay near meanwhile.
        let most = options.lanes > 1 && !copies ? max(channels * Self.lentWeightBytes / weightBytes, 1) : channels
        let byChannels = partition(images: images, channels, alignment: channelAlignment, most: most, macs: macs, isFloat: isFloat, bytes: bytes)
        return Division(.channels, byChannels, rows: rows, channels: channels)
    }

    /// The same for the product of a matrix with constant weights.
    func matrixDivision(
        rows: Int, alignment: Int, columns: Int, columnAlignment: Int?, macs: Int, weightBytes: Int, isFloat: Bool
    ) -> Division {
        division(
            images: 1, rows: rows, alignment: alignment, channels: columns, channelAlignment: columnAlignment, macs: macs, weightBytes: weightBytes,
            inputBytes: rows * (weightBytes / columns), copies: false, isFloat: isFloat)
    }
}

extension Window {
    /// A pixel is its own window.
    var isPixel: Bool { size.allSatisfy { $0 == 1 } && strides.allSatisfy { $0 == 1 } && (padsBefore + padsAfter).allSatisfy { $0 == 0 } }
}
