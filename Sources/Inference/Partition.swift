// SPDX-License-Identifier: Apache-2.0
internal import Kernels

/// How the work of a step is divided into parts: ranges of units, which are rows of an image, output channels or elements.
///
/// Each unit is computed in the same way whatever part it is in, so that results don't depend on the number of threads, though parts do.
package struct Partition: Hashable, Sendable {
    package let images: Int
    /// Of one image.
    package let units: Int
    package let unitsPerPart: Int
    /// About how long one thread takes for all parts.
    package let nanoseconds: Double

    /// What is worth a part of its own where there are several to a thread.
    private static let nanosecondsPerPart = 300.0
    /// So many that a thread that is done early finds something left to take.
    private static let mostPartsPerThread = 4
    /// Where units are single elements, parts begin at multiples of so many, so that vectors cover the same elements however they are cut.
    static let elementAlignment = 64

    /// One unit: work that doesn't divide.
    static let whole = Partition(units: 1, nanoseconds: 0, threads: 1)

    /// - Parameters:
    ///   - alignment: parts begin at multiples of so many units.
    ///   - most: units of a part, as far as the alignment allows.
    ///   - nanoseconds: of all images.
    package init(images: Int = 1, units: Int, alignment: Int = 1, most: Int = .max, nanoseconds: Double, threads: Int) {
        self.images = images
        self.units = units
        self.nanoseconds = nanoseconds
        let blocks = (units + alignment - 1) / alignment
        let perThread = min(max(Int(nanoseconds / Double(threads) / Self.nanosecondsPerPart), 1), Self.mostPartsPerThread)
        let wanted = (threads * perThread + images - 1) / images
        let blocksPerPart = min(Self.blocksPerPart(blocks, wanted: wanted, threads: threads), max(most / alignment, 1))
        unitsPerPart = max(blocksPerPart * alignment, 1)
    }

    /// About `blocks / wanted`, so that the thread that has the most parts has as few blocks as can be.
    private static func blocksPerPart(_ blocks: Int, wanted: Int, threads: Int) -> Int {
        guard threads > 1 else { return blocks }
        let aim = max((blocks + wanted - 1) / wanted, 1)
        func most(_ size: Int) -> Int { ((blocks + size - 1) / size + threads - 1) / threads * size }
        return (max(aim / 2, 1)...2 * aim).min { (most($0), abs($0 - aim)) < (most($1), abs($1 - aim)) } ?? aim
    }

    private var partsPerImage: Int { max((units + unitsPerPart - 1) / unitsPerPart, 1) }

    package var parts: Int { images * partsPerImage }

    /// The units of one image that belong to consecutive parts.
    package func units(_ parts: Range<Int>, image: Int) -> Range<Int> {
        let mine = parts.clamped(to: image * partsPerImage..<(image + 1) * partsPerImage)
        let first = (mine.lowerBound - image * partsPerImage) * unitsPerPart
        let last = (mine.upperBound - image * partsPerImage) * unitsPerPart
        return min(first, units)..<min(last, units)
    }
}

extension Lowering {
    /// - Parameters:
    ///   - macs, bytes: multiplications, and bytes that are read and written, of all images.
    ///   - isFloat: what is multiplied.
    func partition(images: Int = 1, _ units: Int, alignment: Int = 1, most: Int = .max, macs: Int = 0, isFloat: Bool = false, bytes: Int) -> Partition {
        let multiplying = Double(macs) / (isFloat ? speed.floatMACs : speed.quantizedMACs)
        return Partition(
            images: images, units: units, alignment: alignment, most: most, nanoseconds: multiplying + Double(bytes) / speed.bytes, threads: options.threads)
    }
}
