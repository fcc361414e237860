// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Teaches a head, by Adam with decoupled weight decay (D. Kingma, J. Ba, 2015; I. Loshchilov, F. Hutter, 2019) and a learning rate that falls as a cosine, the
/// cross-entropy against what is to be said about each image. What counts is the state with the least loss on images that it doesn't learn from.
///
/// The same images and seed give the same head on the same machine, bit by bit.
package struct HeadTrainer: Sendable {
    package var learningRate: Float = 0.003
    package var weightDecay: Float = 0.01
    package var batch = 16
    package var mostEpochs = 16
    /// Epochs without a lower loss after which it ends.
    package var patience = 5
    package var seed: UInt64 = 1

    package init() {}

    /// Images that are computed together: windows of so many fit a processor's cache.
    static let pass = 8

    /// - Parameters:
    ///   - learn, judge: positions of images.
    ///   - views: of each image to learn from; one is taken an epoch, in turn.
    ///   - targets: `[images, classes]`, probabilities.
    ///   - read: puts the scaled features of an image and view into an array, from a position on.
    ///   - progress: is told how many epochs are done.
    /// - Returns: what was learnt, and the logits of each image of `judge`.
    package func train(
        _ design: HeadDesign, learn: [Int], judge: [Int], views: Int, targets: [Float],
        read: (_ image: Int, _ view: Int, _ target: inout [Float], _ first: Int) throws -> Void, progress: (Int) -> Void = { _ in }
    ) throws -> (network: HeadNetwork, logits: [[Float]]) {
        var network = HeadNetwork(design, capacity: Self.pass, seed: seed)
        var adam = Adam(count: network.parameters.count)
        var random = SeededNumbers(seed: seed ^ 0x5EED)
        var input = [Float](repeating: 0, count: Self.pass * network.inputCount)
        var slopes = network.logits
        var best = (loss: Double.infinity, parameters: network.parameters, logits: [[Float]](), epoch: 0)
        var order = learn
        let steps = mostEpochs * ((learn.count + batch - 1) / batch)
        for epoch in 0..<mostEpochs {
            random.shuffle(&order)
            var start = 0
            while start < order.count {
                let part = order[start..<min(start + batch, order.count)]
                network.forget()
                for pass in stride(from: part.startIndex, to: part.endIndex, by: Self.pass) {
                    let images = part[pass..<min(pass + Self.pass, part.endIndex)]
                    for (place, image) in images.enumerated() { try read(image, (epoch + image) % views, &input, place * network.inputCount) }
                    network.run(input, count: images.count)
                    _ = Self.loss(network.logits, of: images, targets: targets, classes: design.classes, share: 1 / Float(part.count), slopes: &slopes)
                    network.learn(from: slopes, count: images.count)
                }
                let done = Double(adam.steps) / Double(max(steps, 1))
                let rate = learningRate * Float(0.5 * (1 + cos(Double.pi * done)))
                adam.step(&network.parameters, network.gradients, rate: rate, decay: weightDecay)
                start += batch
            }
            let (loss, logits) = try judged(&network, images: judge, targets: targets, input: &input, read: read)
            guard loss.isFinite else { throw CompilationError("a head of \(design)", "its loss isn't a finite number after \(epoch + 1) epochs") }
            if loss < best.loss { best = (loss, network.parameters, logits, epoch) }
            progress(epoch + 1)
            if epoch - best.epoch >= patience { break }
        }
        network.parameters = best.parameters
        return (network, best.logits)
    }

    /// The mean loss of images as they are, and their logits.
    private func judged(
        _ network: inout HeadNetwork, images: [Int], targets: [Float], input: inout [Float],
        read: (_ image: Int, _ view: Int, _ target: inout [Float], _ first: Int) throws -> Void
    ) throws -> (loss: Double, logits: [[Float]]) {
        var sum = 0.0
        var result: [[Float]] = []
        var slopes = network.logits
        let classes = network.design.classes
        for start in stride(from: 0, to: images.count, by: Self.pass) {
            let part = images[start..<min(start + Self.pass, images.count)]
            for (place, image) in part.enumerated() { try read(image, 0, &input, place * network.inputCount) }
            network.run(input, count: part.count)
            sum += Self.loss(network.logits, of: part, targets: targets, classes: classes, share: 1, slopes: &slopes)
            for place in 0..<part.count { result.append(Array(network.logits[place * classes..<(place + 1) * classes])) }
        }
        return (sum / Double(max(images.count, 1)), result)
    }

    /// `−Σ target · ln softmax(logits)` over images, times `share` in its slopes by each logit: `share · (softmax(logits) − target)`.
    static func loss(_ logits: [Float], of images: ArraySlice<Int>, targets: [Float], classes: Int, share: Float, slopes: inout [Float]) -> Double {
        var loss = 0.0
        for (place, image) in images.enumerated() {
            let (own, target) = (place * classes, image * classes)
            var largest = -Float.infinity
            for label in 0..<classes { largest = max(largest, logits[own + label]) }
            var sum: Float = 0
            for label in 0..<classes {
                let share = expf(logits[own + label] - largest)
                slopes[own + label] = share
                sum += share
            }
            let logarithm = log(Double(sum)) + Double(largest)
            for label in 0..<classes {
                let wanted = targets[target + label]
                if wanted > 0 { loss += Double(wanted) * (logarithm - Double(logits[own + label])) }
                slopes[own + label] = share * (slopes[own + label] / sum - wanted)
            }
        }
        return loss
    }
}

/// The running means of Adam.
private struct Adam {
    private(set) var steps = 0
    private var means: [Float]
    private var squares: [Float]

    init(count: Int) {
        means = Array(repeating: 0, count: count)
        squares = means
    }

    mutating func step(_ parameters: inout [Float], _ gradients: [Float], rate: Float, decay: Float) {
        steps += 1
        let (first, second): (Float, Float) = (0.9, 0.999)
        let firstShare = 1 - powf(first, Float(steps))
        let secondShare = 1 - powf(second, Float(steps))
        for index in parameters.indices {
            let gradient = gradients[index]
            means[index] += (1 - first) * (gradient - means[index])
            squares[index] += (1 - second) * (gradient * gradient - squares[index])
            let direction = means[index] / firstShare / ((squares[index] / secondShare).squareRoot() + 1e-8)
            parameters[index] -= rate * (direction + decay * parameters[index])
        }
    }
}
