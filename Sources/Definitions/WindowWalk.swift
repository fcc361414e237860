// SPDX-License-Identifier: Apache-2.0
internal import Networks

/// The positions of a window over the spatial axes of an image `[n, c, spatial…]`.
struct WindowWalk {
    /// One element of a window that lies inside the image: its index in the kernel, and in a plane of the image.
    struct Tap {
        var kernel: Int
        var input: Int
    }

    let window: Window
    let lengths: [Int]
    let positions: [Int]

    init(_ window: Window, over input: [Int], positions output: [Int]) {
        self.window = window
        lengths = Array(input.dropFirst(2))
        positions = Array(output.dropFirst(2))
    }

    /// Elements of one plane of the input, and of the output.
    var inputSize: Int { lengths.reduce(1, *) }
    var outputSize: Int { positions.reduce(1, *) }
    var tapCount: Int { window.size.reduce(1, *) }

    /// Calls `body` with each position, in row-major order, and the taps inside the image there.
    func forEachPosition(_ body: (Int, [Tap]) -> Void) {
        for position in 0..<outputSize { body(position, taps(at: position)) }
    }

    private func taps(at position: Int) -> [Tap] {
        var taps = [Tap(kernel: 0, input: 0)]
        for (axis, start) in starts(of: position).enumerated() {
            taps = taps.flatMap { tap in
                (0..<window.size[axis]).compactMap { k in
                    let index = start + k * window.dilations[axis]
                    guard index >= 0, index < lengths[axis] else { return nil }
                    return Tap(kernel: tap.kernel * window.size[axis] + k, input: tap.input * lengths[axis] + index)
                }
            }
        }
        return taps
    }

    /// Elements of the window at `position` that lie inside the image or its pads.
    func tapCountWithPads(at position: Int) -> Int {
        starts(of: position).enumerated().reduce(1) { count, next in
            let (axis, start) = next
            let padded = -window.padsBefore[axis]..<lengths[axis] + window.padsAfter[axis]
            return count * (0..<window.size[axis]).count { padded.contains(start + $0 * window.dilations[axis]) }
        }
    }

    /// Where the window begins on each axis; negative inside the pad.
    private func starts(of position: Int) -> [Int] {
        var rest = position
        var starts = lengths
        for axis in positions.indices.reversed() {
            starts[axis] = rest % positions[axis] * window.strides[axis] - window.padsBefore[axis]
            rest /= positions[axis]
        }
        return starts
    }
}
