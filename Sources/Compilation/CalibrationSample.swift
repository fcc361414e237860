// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// An image as a network takes it, and what it shows.
package struct CalibrationSample: Sendable {
    /// `[height, width, channels]`, of the size and channel order of the preprocessing.
    package var pixels: [UInt8]
    /// Position in the label list; `nil` where it isn't known.
    package var label: Int?

    package init(pixels: [UInt8], label: Int? = nil) {
        self.pixels = pixels
        self.label = label
    }
}

extension Preprocessing {
    /// The network's input `[1, c, h, w]` for pixels `[h, w, c]` of its size and channel order.
    package func tensor(pixels: [UInt8]) -> Tensor {
        let tables = (0..<channels).map(table)
        let area = width * height
        var floats = [Float](repeating: 0, count: area * channels)
        for channel in 0..<channels {
            let table = tables[channel]
            for position in 0..<area { floats[channel * area + position] = table[Int(pixels[position * channels + channel])] }
        }
        return Tensor(shape: [1, channels, height, width], floats)
    }

    /// The quantisation that represents the 256 possible inputs of each channel with the least squared error: exact where their steps allow it.
    package var quantization: Quantization {
        let numbers = (0..<channels).flatMap(table)
        let low = min(numbers.min() ?? 0, 0)
        let high = max(numbers.max() ?? 0, 0)
        var best = (error: Double.infinity, quantization: Quantization.activations(minimum: low, maximum: high))
        for step in 0...40 {
            let widening = 1 + Float(step) / 1000
            let candidate = Quantization.activations(minimum: low * widening, maximum: high * widening)
            let error = numbers.reduce(0) { sum, number in
                let difference = Double(candidate.dequantize(candidate.quantize(number)) - number)
                return sum + difference * difference
            }
            if error < best.error * 0.999 { best = (error, candidate) }
        }
        return best.quantization
    }
}
