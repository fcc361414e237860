// SPDX-License-Identifier: Apache-2.0
internal import Kernels

/// A head that learns: what it gives for a batch, and how that changes with its parameters. In float32, images channels last.
///
/// Products are those of ``Kernels/ComputedProduct``; convolutions are products of their windows, laid out row by row.
package struct HeadNetwork {
    package let design: HeadDesign
    /// Images of a batch at most.
    package let capacity: Int
    /// Of each convolution weights `[o, 3, 3, i]` and bias `[o]`, then of the product weights `[classes, grid, grid, i]` and bias `[classes]`.
    package var parameters: [Float]
    /// Sums over what ``learn(from:count:)`` was given since ``forget()``, one for each parameter.
    package private(set) var gradients: [Float]
    /// What the last ``run(_:count:)`` gave: `[count, classes]`.
    package private(set) var logits: [Float]

    private let stages: [HeadDesign.Stage]
    /// By layer, where its weights and its biases are; the last layer is the product.
    private let weights: [Range<Int>]
    private let biases: [Range<Int>]
    /// By convolution: windows of its input, and its result.
    private var windows: [[Float]]
    private var images: [[Float]]
    private var imageGradients: [[Float]]
    private var windowGradients: [Float]
    private var pooled: [Float]
    private var pooledGradients: [Float]

    /// With random weights (uniform, of variance 2 / inputs: K. He et al., 2015) and no bias.
    package init(_ design: HeadDesign, capacity: Int, seed: UInt64) {
        self.design = design
        self.capacity = capacity
        let stages = design.stages
        self.stages = stages
        var (weights, biases, position) = ([Range<Int>](), [Range<Int>](), 0)
        var random = SeededNumbers(seed: seed)
        var parameters: [Float] = []
        let layers = design.convolutions.indices.map { (stages[$0].window, stages[$0 + 1].channels) } + [(design.pooled, design.classes)]
        for (inputs, outputs) in layers {
            weights.append(position..<position + inputs * outputs)
            biases.append(position + inputs * outputs..<position + (inputs + 1) * outputs)
            position += (inputs + 1) * outputs
            let limit = (6 / Float(inputs)).squareRoot()
            parameters += (0..<inputs * outputs).map { _ in (2 * random.unit() - 1) * limit }
            parameters += Array(repeating: 0, count: outputs)
        }
        // The last layer starts with little to say.
        for index in weights[layers.count - 1] { parameters[index] *= 0.1 }
        (self.weights, self.biases, self.parameters) = (weights, biases, parameters)
        gradients = Array(repeating: 0, count: position)
        logits = Array(repeating: 0, count: capacity * design.classes)
        windows = design.convolutions.indices.map { Array(repeating: 0, count: capacity * stages[$0 + 1].pixels * stages[$0].window) }
        images = stages.dropFirst().map { Array(repeating: 0, count: capacity * $0.count) }
        imageGradients = images
        windowGradients = Array(repeating: 0, count: windows.dropFirst().map(\.count).max() ?? 0)
        pooled = Array(repeating: 0, count: capacity * design.pooled)
        pooledGradients = pooled
    }

    /// Numbers of one image that the head reads.
    package var inputCount: Int { stages[0].count }

    /// Where the weights of a layer are among the parameters, and where its biases are; the last layer is the product.
    func parameters(ofLayer layer: Int) -> (weights: Range<Int>, biases: Range<Int>) { (weights[layer], biases[layer]) }

    package mutating func forget() {
        for index in gradients.indices { gradients[index] = 0 }
    }

    /// Computes ``logits`` of the first `count` images.
    ///
    /// - Parameter input: `[count, h, w, c]`.
    package mutating func run(_ input: [Float], count: Int) {
        precondition(count <= capacity && input.count >= count * stages[0].count)
        for layer in images.indices {
            let (from, to) = (stages[layer], stages[layer + 1])
            layer == 0 ? from.layOut(input, images: count, into: &windows[0]) : from.layOut(images[layer - 1], images: count, into: &windows[layer])
            let rows = count * to.pixels
            ComputedProduct(rows: rows, columns: to.channels, depth: from.window, transposesB: true)
                .run(a: windows[layer], b: parameters, from: weights[layer].lowerBound, c: &images[layer])
            images[layer].addRows(parameters[biases[layer]], rows: rows, rectifies: true)
        }
        if let last = images.last { design.average(last, images: count, into: &pooled) } else { design.average(input, images: count, into: &pooled) }
        let layer = weights.count - 1
        ComputedProduct(rows: count, columns: design.classes, depth: design.pooled, transposesB: true)
            .run(a: pooled, b: parameters, from: weights[layer].lowerBound, c: &logits)
        logits.addRows(parameters[biases[layer]], rows: count, rectifies: false)
    }

    /// Adds to ``gradients`` how a loss of the images of the last run changes with each parameter.
    ///
    /// - Parameter slopes: of the loss by each logit, `[count, classes]`.
    package mutating func learn(from slopes: [Float], count: Int) {
        let last = weights.count - 1
        addGradients(layer: last, slopes: slopes, inputs: pooled, rows: count, outputs: design.classes, depth: design.pooled)
        guard !images.isEmpty else { return }
        ComputedProduct(rows: count, columns: design.pooled, depth: design.classes)
            .run(a: slopes, b: parameters, from: weights[last].lowerBound, c: &pooledGradients)
        design.spread(pooledGradients, images: count, into: &imageGradients[images.count - 1])
        for layer in images.indices.reversed() {
            let (from, to) = (stages[layer], stages[layer + 1])
            let rows = count * to.pixels
            imageGradients[layer].clear(where: images[layer], count: rows * to.channels)
            addGradients(layer: layer, slopes: imageGradients[layer], inputs: windows[layer], rows: rows, outputs: to.channels, depth: from.window)
            guard layer > 0 else { break }
            ComputedProduct(rows: rows, columns: from.window, depth: to.channels)
                .run(a: imageGradients[layer], b: parameters, from: weights[layer].lowerBound, c: &windowGradients)
            from.gather(windowGradients, images: count, into: &imageGradients[layer - 1])
        }
    }

    private mutating func addGradients(layer: Int, slopes: [Float], inputs: [Float], rows: Int, outputs: Int, depth: Int) {
        ComputedProduct(rows: outputs, columns: depth, depth: rows, transposesA: true, adds: true)
            .run(a: slopes, b: inputs, c: &gradients, at: weights[layer].lowerBound)
        for row in 0..<rows {
            for output in 0..<outputs { gradients[biases[layer].lowerBound + output] += slopes[row * outputs + output] }
        }
    }
}

extension [Float] {
    /// Adds the same numbers to each row, and replaces what is below 0 afterwards by 0.
    fileprivate mutating func addRows(_ numbers: ArraySlice<Float>, rows: Int, rectifies: Bool) {
        let least: Float = rectifies ? 0 : -.infinity
        let columns = numbers.count
        precondition(rows * columns <= count)
        unsafe withUnsafeMutableBufferPointer { target in
            unsafe numbers.withUnsafeBufferPointer { numbers in
                for row in 0..<rows {
                    for column in 0..<columns {
                        let sum = unsafe target[row * columns + column] + numbers[column]
                        unsafe target[row * columns + column] = sum < least ? least : sum
                    }
                }
            }
        }
    }

    /// 0 where `other` isn't above 0.
    fileprivate mutating func clear(where other: [Float], count: Int) {
        precondition(count <= self.count && count <= other.count)
        unsafe withUnsafeMutableBufferPointer { target in
            unsafe other.withUnsafeBufferPointer { other in
                for index in 0..<count where unsafe !(other[index] > 0) { unsafe target[index] = 0 }
            }
        }
    }
}
