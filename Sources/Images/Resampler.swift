// SPDX-License-Identifier: Apache-2.0
internal import CPixels

/// Resizes images of one size, keeping its weights and its buffer from one image to the next.
///
/// The result equals that of `Image.resize(…, BILINEAR)` of Pillow up to release 12 bit for bit: rows first, to 8 bits, then columns;
/// each sum starts at one half and is cut to 0 … 255. (Pillow 13 takes the columns first for some tall images: single samples then
/// differ by one.) A window of the target costs only that window.
struct Resampler: Sendable {
    let plan: ResamplePlan
    private var intermediate: [UInt8]
    private var sums: [Int32]

    init(_ plan: ResamplePlan) {
        self.plan = plan
        intermediate = [UInt8](repeating: 0, count: plan.vertical.sources.count * plan.width * plan.channels)
        sums = [Int32](repeating: 0, count: plan.width * plan.channels)
    }

    /// - Parameters:
    ///   - source: `sourceWidth · sourceHeight · channels` samples.
    ///   - target: `width · height · channels` samples: the window.
    mutating func run(_ source: [UInt8], into target: inout [UInt8]) {
        precondition(source.count == plan.sourceWidth * plan.sourceHeight * plan.channels, "an image of the planned size")
        precondition(target.count == plan.width * plan.height * plan.channels, "room for the window")
        Self.reduceRows(plan, source, into: &intermediate)
        Self.reduceColumns(plan, intermediate, sums: &sums, into: &target)
    }

    private static func reduceRows(_ plan: ResamplePlan, _ source: [UInt8], into target: inout [UInt8]) {
        let source = source.span
        var rows = target.mutableSpan
        let axis = plan.horizontal
        for row in 0..<plan.vertical.sources.count {
            let start = (plan.vertical.sources.lowerBound + row) * plan.sourceWidth * plan.channels
            let line = source.extracting(start..<start + plan.sourceWidth * plan.channels)
            let output = row * plan.width * plan.channels
            if axis.isIdentity {
                for index in 0..<plan.width * plan.channels {
                    rows[output + index] = line[axis.sources.lowerBound * plan.channels + index]
                }
            } else if plan.channels == 3 {
                reduceColour(line, axis, into: &rows, at: output)
            } else {
                reduceGrey(line, axis, into: &rows, at: output)
            }
        }
    }

    @_lifetime(target: copy target)
    private static func reduceColour(_ line: Span<UInt8>, _ axis: ResampleAxis, into target: inout MutableSpan<UInt8>, at output: Int) {
        let samples = line.extracting(3 * axis.sources.lowerBound..<3 * axis.sources.upperBound)
        precondition(output + 3 * axis.starts.count <= target.count, "room for the reduction")
        unsafe samples.withUnsafeBufferPointer { line in
            unsafe target.withUnsafeMutableBufferPointer { target in
                unsafe resample_rgb(
                    line.baseAddress!, axis.starts, axis.counts, axis.weights, axis.tapCapacity, ResampleAxis.fractionBits, axis.starts.count,
                    target.baseAddress! + output)
            }
        }
    }

    @_lifetime(target: copy target)
    private static func reduceGrey(_ line: Span<UInt8>, _ axis: ResampleAxis, into target: inout MutableSpan<UInt8>, at output: Int) {
        let weights = axis.weights.span
        for column in axis.starts.indices {
            var sum = ResampleAxis.half
            let first = axis.sources.lowerBound + axis.starts[column]
            for tap in 0..<axis.counts[column] { sum &+= Int32(line[first + tap]) &* weights[column * axis.tapCapacity + tap] }
            target[output + column] = clamped(sum)
        }
    }

    private static func reduceColumns(_ plan: ResamplePlan, _ rows: [UInt8], sums: inout [Int32], into target: inout [UInt8]) {
        let axis = plan.vertical
        let rowCount = plan.width * plan.channels
        let rows = rows.span
        var sums = sums.mutableSpan
        var target = target.mutableSpan
        for row in 0..<plan.height {
            for index in sums.indices { sums[index] = ResampleAxis.half }
            for tap in 0..<axis.counts[row] {
                let weight = axis.weights[row * axis.tapCapacity + tap]
                let start = (axis.starts[row] + tap) * rowCount
                let line = rows.extracting(start..<start + rowCount)
                for index in sums.indices { sums[index] &+= Int32(line[index]) &* weight }
            }
            for index in sums.indices { target[row * rowCount + index] = clamped(sums[index]) }
        }
    }

    private static func clamped(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(sum >> ResampleAxis.fractionBits, 0), 255))
    }
}
