// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Networks
internal import Tensors

extension Compiler {
    /// Fits temperatures and scores, of one look and of two, on the compiled network's own outputs; without labelled samples it changes nothing.
    func calibrate(_ details: inout BundleDetails, by graph: Graph) throws {
        let classes = graph[graph.end].shape.elementCount
        let labelled = labelled(classes: classes)
        guard labelled.count >= Self.fewestLabelled else { return }
        let labels = labelled.compactMap(\.label)
        let kind: Calibration.Scores = details.outputKind == .logits ? .logits : .probabilities
        let first = try outputs(of: graph, labelled, "temperature")
        guard let one = Calibration(fittedTo: first, labels: labels, scores: kind) else { return }
        details.temperature = one.temperature.value
        details.combination = one.combination
        let mirrored = labelled.map { sample in
            var sample = sample
            var pixels = sample.pixels.mutableSpan
            preprocessing.mirror(&pixels)
            return sample
        }
        let second = try outputs(of: graph, mirrored, "second look")
        var mean = LogitMean(classes: classes, scores: kind)
        var means: [[Float]] = []
        var labelsOfMeans: [Int] = []
        for ((a, b), label) in zip(zip(first, second), labels) {
            mean.look(at: a.span)
            guard (try? mean.lookAgain(at: b.span)) != nil else { continue }
            means.append(mean.logits)
            labelsOfMeans.append(label)
        }
        details.secondLook = Calibration(fittedTo: means, labels: labelsOfMeans).map { .init(temperature: $0.temperature.value, combination: $0.combination) }
    }

    private func labelled(classes: Int) -> [CalibrationSample] {
        Array(samples.filter { $0.label.map { $0 < classes } ?? false }.prefix(Self.mostLabelled))
    }

    /// Fits a temperature and a score for each exit, on the compiled network's own outputs: to the labels, or where there are too few to what the end says of all
    /// samples; then confidence is that of saying the same as the end. With too few samples it changes nothing.
    func calibrateExits(_ details: inout BundleDetails, _ report: inout Report, by graph: Graph) throws {
        let known = details.plans?.exits ?? []
        details.plans = nil
        guard graph.outputs.count > 1 else { return }
        var exits = graph.outputs.map { output in
            known.first { $0.name == graph[output].name } ?? PlanDetails.Exit(name: graph[output].name, temperature: 1)
        }
        exits[exits.count - 1].temperature = details.temperature
        exits[exits.count - 1].combination = details.combination
        defer { details.plans = PlanDetails(exits: exits) }
        if report.exits.isEmpty { report.exits = graph.outputs.dropLast().map { Report.Exit(name: graph[$0].name) } }
        for index in report.exits.indices { report.exits[index].temperature = exits[index].temperature }
        var seen = labelled(classes: graph[graph.end].shape.elementCount)
        let hasLabels = seen.count >= Self.fewestLabelled
        if !hasLabels { seen = Array(samples.prefix(Self.mostLabelled)) }
        guard seen.count >= Self.fewestLabelled else { return }
        let results = try allOutputs(of: graph, seen, "temperatures of exits")
        let labels = hasLabels ? seen.compactMap(\.label) : results[results.count - 1].map(\.largestIndex)
        let kind: Calibration.Scores = details.outputKind == .logits ? .logits : .probabilities
        for index in report.exits.indices {
            guard let calibration = Calibration(fittedTo: results[index], labels: labels, scores: kind) else { continue }
            exits[index].temperature = calibration.temperature.value
            exits[index].combination = calibration.combination
            report.exits[index].temperature = calibration.temperature.value
        }
    }

    private static let fewestLabelled = 50
    private static let mostLabelled = 4000
}
