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

/// Runs a prepared kernel over units of its output.
struct KernelStep<Input: TensorElement, Output: TensorElement>: Step {
    /// First operand, second operand if there is one, output, scratch area, units of the output.
    typealias Kernel = @Sendable (
        Span<Input>, Span<Input>?, inout MutableSpan<Output>, inout MutableSpan<UInt8>, Range<Int>
    ) -> Void

    var first: Operand
    var second: Operand?
    var output: Operand
    var partition: Partition
    var kernel: Kernel
    /// `nil`: each lane runs by itself.
    var together: Together?

    /// The kernel for several lanes, whose whole operands it finds and leaves one behind the other; and how many elements each has.
    struct Together: Sendable {
        var inputs: Int
        var outputs: Int
        /// How many, first operands, outputs.
        var kernel: @Sendable (Int, Span<Input>, inout MutableSpan<Output>) -> Void

        /// Of a scratch area.
        func bytes(lanes: Int) -> Int { lanes * (inputs * MemoryLayout<Input>.stride + outputs * MemoryLayout<Output>.stride) }
    }

    var parts: Int { partition.parts }
    var nanoseconds: Double { partition.nanoseconds }

    func runTogether(in lanes: [Memory]) -> Bool {
        guard let together else { return false }
        lanes[0].withScratch(of: Input.self, count: lanes.count * together.inputs, of: Output.self, count: lanes.count * together.outputs) { inputs, outputs in
            for (lane, memory) in lanes.enumerated() {
                memory.read(first.slot, of: Input.self) { input in
                    for index in 0..<together.inputs { inputs[lane * together.inputs + index] = input[index] }
                }
            }
            together.kernel(lanes.count, inputs.span, &outputs)
            for (lane, memory) in lanes.enumerated() {
                memory.write(output.slot, of: Output.self) { output in
                    for index in 0..<together.outputs { output[index] = outputs[lane * together.outputs + index] }
                }
            }
        }
        return true
    }

    func run(parts: Range<Int>, in memory: Memory, worker: Int) {
        memory.with(
            reading: first.slot, of: Input.self, writing: output.slot, of: Output.self, scratchOf: worker
        ) { input, output, scratch in
            for image in 0..<partition.images {
                let range = partition.units(parts, image: image)
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
    /// Units are elements.
    var partition: Partition
    var kernel: @Sendable (inout MutableSpan<Element>) -> Void

    var parts: Int { partition.parts }
    var nanoseconds: Double { partition.nanoseconds }

    func run(parts: Range<Int>, in memory: Memory, worker: Int) {
        let range = partition.units(parts, image: 0)
        memory.write(slot, of: Element.self) { $0.withPart(range) { kernel(&$0) } }
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
