// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// Where an image lies that a channels-last kernel reads or writes: its pixels follow each other `step` elements apart.
struct ImagePlace {
    let slot: Slot
    let geometry: Geometry
    let step: Int

    /// `nil` where the elements lie in another order.
    init?(_ slot: Slot, _ geometry: Geometry) {
        guard let step = geometry.pixelStep else { return nil }
        self.slot = slot
        self.geometry = geometry
        self.step = step
    }

    /// A slot that holds an image and nothing else, channels-last.
    init(whole slot: Slot, shape: [Int]) {
        self.slot = slot
        geometry = Geometry(shape: shape, layout: .channelsLast)
        step = shape[1]
    }

    var channels: Int { geometry.shape[1] }
    /// Of one image.
    var pixels: Int { geometry.shape[2...].reduce(1, *) }

    /// Its images, one after another.
    var operand: Operand {
        Operand(slot, start: geometry.offset, count: (pixels - 1) * step + channels, stride: pixels * step)
    }

    /// All images as one.
    var wholeOperand: Operand {
        Operand(slot, start: geometry.offset, count: (geometry.shape[0] * pixels - 1) * step + channels, stride: 0)
    }
}
