// SPDX-License-Identifier: Apache-2.0

/// A file of records as in the binary form of CIFAR-10: one byte of label, then `width · height` bytes each of red, green and blue, rows first.
package struct ImageRecords: Sendable {
    package let width: Int
    package let height: Int
    package let count: Int
    private let file: ReadableFile

    /// Opens a path, or `PATH:WIDTHxHEIGHT`.
    ///
    /// Without a size behind it the file's length decides: a multiple of 3,073 bytes means 32×32, else a multiple of 27,649 bytes means
    /// 96×96 (the rendered flight). Throws where the file can't be read, is empty, or its length is no multiple of a record's.
    package init(path: String) throws(ImageError) {
        let named = Self.size(behind: path)
        let operation = "open \(path)"
        let file = try ReadableFile(named?.path ?? path)
        self.file = file
        guard file.count > 0 else { throw ImageError(.empty, operation, "the file is empty") }
        if let named {
            try ImageLimits.standard.check(width: named.width, height: named.height, operation: operation)
            (width, height) = (named.width, named.height)
        } else if let side = [32, 96].first(where: { file.count % Self.recordCount($0, $0) == 0 }) {
            (width, height) = (side, side)
        } else {
            throw ImageError(
                .unknownFormat, operation,
                "neither JPEG nor PNG, and \(file.count) bytes are no whole number of 32×32 records (3073 bytes) or 96×96 records (27649 bytes); "
                    + "write PATH:WIDTHxHEIGHT for another size")
        }
        count = file.count / Self.recordCount(width, height)
        guard file.count == count * Self.recordCount(width, height) else {
            throw ImageError(
                .truncated, operation, "\(file.count) bytes are no whole number of records of \(Self.recordCount(width, height)) bytes")
        }
    }

    /// Bytes of a record.
    package static func recordCount(_ width: Int, _ height: Int) -> Int { 1 + 3 * width * height }

    /// The record of an image: what this type reads back.
    package static func record(label: UInt8, _ image: Image) -> [UInt8] {
        let colour = image.colour
        return (0..<3).reduce(into: [label]) { record, channel in
            record += stride(from: channel, to: colour.pixels.count, by: 3).map { colour.pixels[$0] }
        }
    }

    package func image(at index: Int) throws(ImageError) -> Image {
        precondition((0..<count).contains(index), "a record of the file")
        let record = try file.bytes(at: index * Self.recordCount(width, height), count: Self.recordCount(width, height))
        let plane = width * height
        var pixels = [UInt8](repeating: 0, count: 3 * plane)
        for pixel in 0..<plane {
            for channel in 0..<3 { pixels[3 * pixel + channel] = record[1 + channel * plane + pixel] }
        }
        return Image(width: width, height: height, channels: 3, pixels: pixels)
    }

    /// The label of every record.
    package func labels() throws(ImageError) -> [Int] {
        var labels: [Int] = []
        labels.reserveCapacity(count)
        for index in 0..<count { labels.append(Int(try file.bytes(at: index * Self.recordCount(width, height), count: 1)[0])) }
        return labels
    }

    /// Takes `:WIDTHxHEIGHT` off a path, where it stands.
    private static func size(behind path: String) -> (path: String, width: Int, height: Int)? {
        guard let colon = path.lastIndex(of: ":"), colon != path.startIndex else { return nil }
        let sides = path[path.index(after: colon)...].split(separator: "x", omittingEmptySubsequences: false)
        guard sides.count == 2, let width = Int(sides[0]), let height = Int(sides[1]), width > 0, height > 0 else { return nil }
        return (String(path[..<colon]), width, height)
    }
}
