// SPDX-License-Identifier: Apache-2.0
internal import CKernels
internal import Networks

extension pooling_geometry {
    /// - Precondition: two spatial axes, sizes that fit, an output that isn't empty.
    init(inputHeight: Int, inputWidth: Int, channels: Int, pooling: Pooling, inputStep: Int?, outputStep: Int?) {
        let window = pooling.window
        precondition(window.size.count == 2, "pooling over two spatial axes")
        precondition(window.size.allSatisfy { $0 > 0 } && window.strides.allSatisfy { $0 > 0 } && window.dilations.allSatisfy { $0 > 0 })
        precondition(window.padsBefore.allSatisfy { $0 >= 0 } && window.padsAfter.allSatisfy { $0 >= 0 } && channels > 0)
        func outputSize(axis: Int, input: Int) -> Int {
            let room = input + window.padsBefore[axis] + window.padsAfter[axis] - window.extent(axis: axis)
            precondition(room >= 0)
            guard pooling.ceilMode else { return room / window.strides[axis] + 1 }
            let count = (room + window.strides[axis] - 1) / window.strides[axis] + 1
            return (count - 1) * window.strides[axis] >= input + window.padsBefore[axis] ? count - 1 : count
        }
        self.init(
            input_height: inputHeight, input_width: inputWidth, channels: channels, output_height: outputSize(axis: 0, input: inputHeight),
            output_width: outputSize(axis: 1, input: inputWidth), kernel_height: window.size[0], kernel_width: window.size[1],
            stride_y: window.strides[0], stride_x: window.strides[1], dilation_y: window.dilations[0], dilation_x: window.dilations[1],
            pad_top: window.padsBefore[0], pad_left: window.padsBefore[1], pad_bottom: window.padsAfter[0], pad_right: window.padsAfter[1],
            input_step: PixelRows(channels: channels, step: inputStep).step, output_step: PixelRows(channels: channels, step: outputStep).step,
            counts_padding: pooling.countsPadding)
    }
}

extension pooling_geometry {
    /// Whether images of so many elements, from the first element of the first pixel on, hold what a run reads and writes.
    func fits(input: Int, output: Int) -> Bool {
        input >= PixelRows(channels: channels, step: input_step).elements(pixels: input_height * input_width)
            && output >= PixelRows(channels: channels, step: output_step).elements(pixels: output_height * output_width)
    }
}
