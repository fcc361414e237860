// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Inference
package import Networks
internal import Tensors

/// Gives a network exits: proposes depths, trains heads on the network as it is, and keeps those that earn their cost. What the network says at its end doesn't change.
///
/// Source: S. Laskaridis et al., "SPINN", MobiCom 2020, for exits by their share of the work and MSDNet's heads; "HAPI", ICCAD 2020, for heads on a frozen network
/// that are trained for too many depths and pruned afterwards.
package struct ExitBuilder {
    /// What a head learns.
    package enum Lesson: Hashable, Sendable {
        /// The labels of the images.
        case labels
        /// What the network says at its end, softened: softmax of its logits by ``softness``.
        case end
    }

    package var images: ExitImages
    package var lesson: Lesson
    /// Exits at most.
    package var most = 3
    /// Depths at which heads are tried.
    package var depths = 6
    package var trainer = HeadTrainer()
    /// Bytes of features that are kept in memory, of all depths together.
    package var memory = 1 << 30
    package var threads = 1
    /// Is told what is being done, and how much of how much is done.
    package var progress: (String, Int, Int) -> Void = { _, _, _ in }

    /// Of the end's logits, where heads learn from it.
    package static let softness = 2.0
    /// Of the network's multiply-adds, what a head with convolutions may take.
    private static let mostWork = 1.0 / 32

    package init(images: ExitImages, lesson: Lesson) { (self.images, self.lesson) = (images, lesson) }

    /// A head that was trained, kept or not.
    package struct Trial: Hashable, Sendable, Codable {
        /// `nil`: it isn't kept.
        package var name: String?
        /// The node that it comes after.
        package var after: String
        package var head: String
        /// Of the network's multiply-adds, how many are done before the head, and how many are its own.
        package var work: Double
        package var headWork: Double
        /// On held-out images: by labels, or where heads learn from the end by what that says.
        package var accuracy: Double
        /// Of held-out images, how many it would answer at its threshold.
        package var answered: Double
    }

    package struct Result: Sendable {
        /// Outputs: the exits, then the end.
        package var graph: Graph
        package var trials: [Trial]
        /// Of held-out images: right at the end, by exit and at the end the share that leaves there, and what part of the work an image takes.
        package var accuracy: Double
        package var shares: [Double]
        package var work: Double
    }

    /// - Parameter network: with one output, ready to run in float32.
    /// - Throws: ``CompilationError`` where the network has exits already, no place for one, or there are too few images or labels.
    package func build(_ network: Graph) throws -> Result {
        let classes = network[network.end].shape.elementCount
        try check(network, classes: classes)
        let depths = network.exitDepths(depths)
        guard !depths.isEmpty else { throw CompilationError("exits of '\(network.name)'", "there is no place where a single float32 image crosses") }
        let executor = try Executor(
            network, preprocessing: images.preprocessing, options: ExecutorOptions(threads: threads, cuts: Set(depths.map(\.position) + [network.nodes.count])))
        let said = try ends(executor)
        let kind: Calibration.Scores = network.endsInSoftmax ? .probabilities : .logits
        let targets = try targets(said, classes: classes, kind: kind)
        let truth = zip(images.samples, said).map { lesson == .labels ? $0.label ?? $1.largestIndex : $1.largestIndex }
        let heldOut = images.heldOut
        let total = network.cost.multiplyAccumulates
        var (options, heads, trials) = ([ExitOption](), [TrainedHead](), [Trial]())
        let cache = FeatureCache(executor, depths: depths, images: images)
        try cache.fill(items, limit: memory) { progress("features", $0, $1) }
        for (number, depth) in depths.enumerated() {
            let title = "depth \(number + 1) of \(depths.count)"
            for design in designs(depth, classes: classes, total: total) {
                let (head, logits) = try train(design, cache, depth: number, targets: targets) { progress("\(title), \(design)", $0, trainer.mostEpochs) }
                let labels = heldOut.map { truth[$0] }
                let calibration = Calibration(fittedTo: logits, labels: labels) ?? Calibration()
                let option = ExitOption(
                    depth: number, before: depth.multiplyAccumulates, head: design.multiplyAccumulates,
                    scores: logits.map { (try? calibration.confidence(of: $0.span).score) ?? .nan },
                    isRight: zip(logits, labels).map { $0.largestIndex == $1 })
                options.append(option)
                heads.append(head)
                trials.append(
                    Trial(
                        after: network.nodes[depth.position - 1].name, head: "\(design)", work: Double(depth.multiplyAccumulates) / Double(total),
                        headWork: Double(design.multiplyAccumulates) / Double(total),
                        accuracy: Double(option.isRight.count { $0 }) / Double(option.isRight.count), answered: 0))
            }
        }
        let isRight = heldOut.map { said[$0].largestIndex == truth[$0] }
        let choice = ExitChoice(among: options, total: total, end: isRight, most: most)
        for (index, threshold) in choice.thresholds.enumerated() {
            guard let threshold else { continue }
            trials[index].answered = Double(options[index].scores.count { $0 >= threshold }) / Double(heldOut.count)
        }
        var graph = network
        var exits: [ValueID] = []
        for index in choice.kept {
            let name = network.freeName("exit\(exits.count + 1)")
            trials[index].name = name
            exits.append(heads[index].add(to: &graph, reading: depths[options[index].depth].value, name: name, endsInSoftmax: network.endsInSoftmax))
        }
        graph.outputs = exits + network.outputs
        try graph.check()
        return Result(
            graph: graph.orderedByExits(), trials: trials, accuracy: Double(isRight.count { $0 }) / Double(isRight.count), shares: choice.shares, work: choice.cost)
    }

    private func check(_ network: Graph, classes: Int) throws(CompilationError) {
        let subject = "exits of '\(network.name)'"
        guard network.outputs.count == 1 else { throw CompilationError(subject, "it has \(network.outputs.count - 1) already") }
        guard images.samples.count >= Self.fewestImages else {
            throw CompilationError(subject, "\(images.samples.count) images, expected at least \(Self.fewestImages)")
        }
        guard lesson == .labels else { return }
        guard images.samples.allSatisfy({ $0.label != nil }) else {
            throw CompilationError(subject, "\(images.samples.count { $0.label == nil }) of \(images.samples.count) images have no label")
        }
        if let wrong = images.samples.compactMap(\.label).first(where: { !(0..<classes).contains($0) }) {
            throw CompilationError(subject, "label \(wrong) is none of \(classes) classes, counted from 0")
        }
    }

    package static let fewestImages = 50

    /// What the network says of each image.
    private func ends(_ executor: Executor) throws -> [[Float]] {
        try images.samples.enumerated().map { index, sample in
            try executor.run(pixels: sample.pixels.span)
            progress("the end", index + 1, images.samples.count)
            return executor.withOutput { span in span.indices.map { span[$0] } }
        }
    }

    /// `[images, classes]`
    private func targets(_ said: [[Float]], classes: Int, kind: Calibration.Scores) throws -> [Float] {
        guard lesson == .end, let softness = Temperature(Self.softness) else {
            return images.samples.flatMap { sample in (0..<classes).map { $0 == sample.label ? 1 : 0 } }
        }
        let soft = Calibration(scores: kind, temperature: softness)
        return try said.enumerated().flatMap { index, output in
            do {
                return try soft.probabilities(of: output.span).map { Float($0) }
            } catch {
                throw CompilationError("exits", "image \(index): \(error)")
            }
        }
    }

    private func designs(_ depth: ExitDepth, classes: Int, total: Int) -> [HeadDesign] {
        [
            .pooled(channels: depth.channels, height: depth.height, width: depth.width, classes: classes),
            .convolutional(
                channels: depth.channels, height: depth.height, width: depth.width, classes: classes, limit: Int(Double(total) * Self.mostWork)),
        ]
    }

    private func train(
        _ design: HeadDesign, _ cache: FeatureCache, depth: Int, targets: [Float], progress: (Int) -> Void
    ) throws -> (head: TrainedHead, logits: [[Float]]) {
        let learnt = images.learntFrom
        // Without convolutions only means count, which stay the same.
        let averages = design.convolutions.isEmpty ? try averages(design, cache, depth: depth) : [:]
        let taught = design.convolutions.isEmpty ? design.averaged : design
        let count = taught.channels * taught.height * taught.width
        func read(_ image: Int, _ view: Int, into target: inout [Float], from first: Int) throws {
            let item = FeatureCache.Item(image: image, view: view)
            guard let known = averages[item] else { return try cache.read(item, at: depth, into: &target, from: first) }
            for index in 0..<count { target[first + index] = known[index] }
        }
        let some = try learnt.prefix(Self.mostScaled).map { image in
            var features = [Float](repeating: 0, count: count)
            try read(image, 0, into: &features, from: 0)
            return features
        }
        let scaling = ChannelScaling(of: some, channels: design.channels, isCentred: design.convolutions.isEmpty)
        let (network, logits) = try trainer.train(
            taught, learn: learnt, judge: images.heldOut, views: images.views, targets: targets,
            read: { image, view, target, first in
                try read(image, view, into: &target, from: first)
                scaling.apply(to: &target, from: first, count: count)
            }, progress: progress)
        return (TrainedHead(network, design: design, scaling: scaling), logits)
    }

    /// What the pooled head of each image reads.
    private func averages(_ design: HeadDesign, _ cache: FeatureCache, depth: Int) throws -> [FeatureCache.Item: [Float]] {
        var result: [FeatureCache.Item: [Float]] = [:]
        var features = [Float](repeating: 0, count: design.channels * design.height * design.width)
        for item in items {
            try cache.read(item, at: depth, into: &features, from: 0)
            var average = [Float](repeating: 0, count: design.pooled)
            design.average(features, images: 1, into: &average)
            result[item] = average
        }
        return result
    }

    /// Every image to judge by, and every view of one to learn from.
    private var items: [FeatureCache.Item] {
        images.heldOut.map { FeatureCache.Item(image: $0, view: 0) }
            + (0..<images.views).flatMap { view in images.learntFrom.map { FeatureCache.Item(image: $0, view: view) } }
    }

    private static let mostScaled = 256
}

extension Graph {
    /// The name, or the name with primes, so that no value has it.
    fileprivate func freeName(_ name: String) -> String {
        var free = name
        while values.contains(where: { $0.name == free }) { free += "'" }
        return free
    }
}
