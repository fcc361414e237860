// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

/// Precisions for each layer of a network, from few bytes to many: those that harm the outputs least for the bytes that they take.
///
/// What a precision of one layer does is measured with all others at 8 bits, and is taken to add up over layers: a walk from 8 bits down takes, again and again, the
/// step with the least additional error a byte saved. What a mixture really does has to be measured on the mixture.
package struct PrecisionSearch: Sendable {
    /// A convolution or product.
    package struct Layer: Sendable {
        package var id: ValueID
        package var weights: Int
        /// Squared error of the network's outputs, over that with 8 bits everywhere, by precision; one that isn't there isn't possible.
        package var harm: [LayerPrecision: Double]

        package init(id: ValueID, weights: Int, harm: [LayerPrecision: Double]) {
            self.id = id
            self.weights = weights
            self.harm = harm
        }
    }

    package var layers: [Layer]

    package init(layers: [Layer]) { self.layers = layers }

    /// The whole walk, from 8 bits everywhere to the fewest bits everywhere.
    package var walk: [[ValueID: LayerPrecision]] {
        var bits = layers.map { _ in 8 }
        var result: [[ValueID: LayerPrecision]] = [choice(bits)]
        while let next = layers.indices.lazy.flatMap({ steps(of: $0, from: bits[$0]) }).min(by: { $0.price < $1.price }) {
            bits[next.layer] = next.bits
            result.append(choice(bits))
        }
        return result
    }

    /// At most `count` choices from the walk, spread evenly over the bytes that they take, without its beginning.
    package func choices(_ count: Int) -> [[ValueID: LayerPrecision]] {
        let walk = walk
        let sizes = walk.map(bitCount)
        guard let largest = sizes.first, let least = sizes.last, largest > least else { return [] }
        var positions: [Int] = []
        for index in 1...count {
            let target = Double(largest) - Double(largest - least) * Double(index) / Double(count)
            if let position = sizes.firstIndex(where: { Double($0) <= target }), position > 0, positions.last != position { positions.append(position) }
        }
        return positions.map { walk[$0] }
    }

    /// 8 bits, but float32 in the layers whose 8 bits do half of what 8 bits do altogether; `nil` where float32 helps nowhere.
    package var repaired: [ValueID: LayerPrecision]? {
        let gains = layers.map { (id: $0.id, gain: -($0.harm[.float32] ?? 0), weights: $0.weights) }.filter { $0.gain > 0 }
        let total = gains.reduce(0) { $0 + $1.gain }
        var result: [ValueID: LayerPrecision] = [:]
        var sum = 0.0
        for layer in gains.sorted(by: { $0.gain / Double($0.weights) > $1.gain / Double($1.weights) }) where sum < total / 2 {
            result[layer.id] = .float32
            sum += layer.gain
        }
        return result.isEmpty ? nil : result
    }

    private struct Step {
        var layer: Int
        var bits: Int
        /// Error a bit saved.
        var price: Double
    }

    private func steps(of layer: Int, from bits: Int) -> [Step] {
        BitPackedWeights.Width.allCases.compactMap { width in
            guard width.rawValue < bits, let harm = layers[layer].harm[.bits(width)] else { return nil }
            let present = BitPackedWeights.Width(rawValue: bits).flatMap { layers[layer].harm[.bits($0)] } ?? 0
            // Fewer bits never help: what looks like it is noise.
            let price = (max(harm, 0) - max(present, 0)) / Double(layers[layer].weights * (bits - width.rawValue))
            return Step(layer: layer, bits: width.rawValue, price: max(price, 0))
        }
    }

    private func choice(_ bits: [Int]) -> [ValueID: LayerPrecision] {
        var result: [ValueID: LayerPrecision] = [:]
        for (layer, bits) in zip(layers, bits) {
            if let width = BitPackedWeights.Width(rawValue: bits) { result[layer.id] = .bits(width) }
        }
        return result
    }

    private func bitCount(_ choice: [ValueID: LayerPrecision]) -> Int {
        layers.reduce(0) { sum, layer in
            guard case .bits(let width)? = choice[layer.id] else { return sum + 8 * layer.weights }
            return sum + width.rawValue * layer.weights
        }
    }
}
