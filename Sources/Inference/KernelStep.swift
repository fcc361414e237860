// SPDX-License-Identifier: Apache-2.0
internal import Tensors

/// What a kernel reads or writes of a slot: for each image the same range of elements, one image a stride behind the other.
struct Operand: Hashable, Sendable {
    var slot: Slot
    var start = 0
    /// `nil`: up to the end of the slot.
    var count: Int?
    var stride = 0

    /// The whole slot.
    init(_ slot: Slot) { self.slot = slot }

    init(_ slot: Slot, start: Int, count: Int, stride: Int) {
        self.slot = slot
        self.start = start
        self.count = count
        self.stride = stride
    }

    /// The elements of one image in a slot of so many.
    @inline(__always)
    func range(image: Int, of size: Int) -> Range<Int> {
        precondition(count != nil || image == 0, "several images in an operand that isn't divided")
        let first = start + image * stride
        return first..<(count.map { first + $0 } ?? size)
    }
}

/// Runs a prepared kernel over rows of its output.
struct KernelStep<Input: TensorElement, Output: TensorElement>: Step {
    /// First operand, second operand if there is one, output, scratch area, rows of the output.
    typealias Kernel = @Sendable (
        Span<Input>, Span<Input>?, inout MutableSpan<Output>, inout MutableSpan<UInt8>, Range<Int>
    ) -> Void

    var first: Operand
    var second: Operand?
    var output: Operand
    var rows: RowPartition
    var kernel: Kernel

    var parts: Int { rows.parts }

    func run(parts: Range<Int>, in memory: Memory, worker: Int) {
        memory.with(
            reading: first.slot, of: Input.self, writing: output.slot, of: Output.self, scratchOf: worker
        ) { input, output, scratch in
            for image in 0..<rows.images {
                let range = rows.rows(parts, image: image)
                guard !range.isEmpty else { continue }
                let input = input.extracting(first.range(image: image, of: input.count))
                output.withPart(self.output.range(image: image, of: output.count)) { output in
                    if let second {
                        memory.read(second.slot, of: Input.self) {
                            kernel(input, $0.extracting(second.range(image: image, of: $0.count)), &output, &scratch, range)
                        }
                    } else {
                        kernel(input, nil, &output, &scratch, range)
                    }
                }
            }
        }
    }
}

/// Runs a prepared kernel that replaces each element.
struct InPlaceStep<Element: TensorElement>: Step {
    var slot: Slot
    var kernel: @Sendable (inout MutableSpan<Element>) -> Void

    func run(parts: Range<Int>, in memory: Memory, worker: Int) {
        memory.write(slot, of: Element.self) { kernel(&$0) }
    }
}

/// How the output rows of a step are divided into parts: the same way for every number of threads.
struct RowPartition: Hashable, Sendable {
    let images: Int
    let rows: Int
    let rowsPerPart: Int

    /// Below this many multiplications, another thread costs more than it gains.
    private static let smallestPart = 250_000
    private static let mostParts = 16
    /// Where rows are single elements, parts begin at multiples of so many, so that vectors cover the same elements however they are cut.
    static let elementAlignment = 64

    /// Rows that don't divide.
    static let whole = RowPartition(images: 1, rows: 1)

    private init(images: Int, rows: Int) {
        self.images = images
        self.rows = rows
        rowsPerPart = max(rows, 1)
    }

    /// - Parameters:
    ///   - macs: of all images.
    ///   - alignment: parts begin at multiples of so many rows.
    init(images: Int = 1, rows: Int, alignment: Int = 1, macs: Int) {
        self.images = images
        self.rows = rows
        let parts = min(max(macs / Self.smallestPart / max(images, 1), 1), Self.mostParts)
        let least = (rows + parts - 1) / parts
        rowsPerPart = max((least + alignment - 1) / alignment * alignment, 1)
    }

    private var partsPerImage: Int { max((rows + rowsPerPart - 1) / rowsPerPart, 1) }

    var parts: Int { images * partsPerImage }

    /// The rows of one image that belong to consecutive parts.
    func rows(_ parts: Range<Int>, image: Int) -> Range<Int> {
        let mine = parts.clamped(to: image * partsPerImage..<(image + 1) * partsPerImage)
        let first = (mine.lowerBound - image * partsPerImage) * rowsPerPart
        let last = (mine.upperBound - image * partsPerImage) * rowsPerPart
        return min(first, rows)..<min(last, rows)
    }
}

extension MutableSpan where Element: BitwiseCopyable {
    /// Lends some of the elements.
    @_lifetime(self: copy self)
    mutating func withPart(_ range: Range<Int>, _ body: (inout MutableSpan<Element>) -> Void) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a part beyond the span")
        unsafe withUnsafeMutableBufferPointer { elements in
            var part = unsafe MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(rebasing: elements[range]))
            body(&part)
        }
    }
}
