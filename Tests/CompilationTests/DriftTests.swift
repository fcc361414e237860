// SPDX-License-Identifier: Apache-2.0
import Certification
import Compilation
import FoundationEssentials
import Gating
import Images
import Inference
import Networks
import ONNXImport
import TestSupport
import Testing

/// A certified pair of real networks under drift: ResNet-8 in int8 on the board, ResNet-56 in the cloud, on CIFAR-10 images that get worse.
///
/// Certified on the first 2,500 test images; streams draw, with replacement, from others, so that the true shares of each stream are known exactly.
struct DriftTests {
    static let bound = 0.01

    /// A network and how its outputs are read.
    struct Network {
        let executor: Executor
        let preprocessor: Preprocessor
        let calibration: Calibration

        init(_ name: String, _ precision: BundleDetails.Precision, samples: [(Image, Int)] = []) throws {
            let path = sharedData("models/\(name)")
            let graph = try ONNXFile(contentsOf: path + ".onnx").graph()
            let json = try [UInt8](Data(contentsOf: URL(filePath: path + ".json")))
            let sidecar = try Sidecar(json: json, path: name, inputShape: graph[graph.inputs[0]].shape)
            var preprocessor = Preprocessor(sidecar.preprocessing)
            let compiler = Compiler(
                preprocessing: sidecar.preprocessing,
                samples: samples.map { image, label in
                    preprocessor.prepare(image)
                    return CalibrationSample(pixels: preprocessor.pixels, label: label)
                })
            let details = BundleDetails(name: name, precision: precision, labels: sidecar.labels, outputKind: sidecar.outputKind ?? .logits)
            let bundle = try compiler.compile(graph, details: details).bundle
            executor = try Executor(bundle.graph, preprocessing: sidecar.preprocessing)
            self.preprocessor = preprocessor
            calibration = Calibration(
                scores: bundle.details.outputKind == .logits ? .logits : .probabilities, temperature: try #require(Temperature(bundle.details.temperature)))
        }

        func confidence(_ image: Image) throws -> Confidence {
            var preprocessor = preprocessor
            preprocessor.prepare(image)
            try executor.run(pixels: preprocessor.pixels.span)
            return try executor.withOutput { output in Result { () throws(Fault) in try calibration.confidence(of: output) } }.get()
        }
    }

    struct Pair {
        let board: Network
        let cloud: Network
        let images: ImageSet

        init() throws {
            let calibration = try ImageSet(path: sharedData("cifar10/calibration.bin"))
            let samples = try (0..<256).map { (try calibration.image(at: $0 * 7), calibration.entries[$0 * 7].label ?? 0) }
            board = try Network("cifar10-resnet8-mlperftiny", .int8, samples: samples)
            cloud = try Network("cifar10-resnet56", .fp32)
            images = try ImageSet(path: sharedData("cifar10/test.bin"))
        }

        func population(_ range: Range<Int>, _ corruption: (Corruption, severity: Int)? = nil) throws -> Population {
            var random = SeededGenerator(seed: 11)
            let samples = try range.map { index in
                var image = try images.image(at: index)
                if let corruption { image = corruption.0.applied(to: image, severity: corruption.severity, using: &random) }
                return PairedSample(
                    confidence: try board.confidence(image), fullClass: try cloud.confidence(image).classIndex, label: images.entries[index].label)
            }
            return Population(samples: samples)
        }
    }

    /// What both networks say of images, each as probable as any other.
    struct Population {
        let samples: [PairedSample]

        private func share(_ from: Double?, _ isCounted: (PairedSample) -> Bool) -> Double {
            guard let from else { return 0 }
            return Double(samples.filter { ($0.confidence?.margin ?? -1) >= from && isCounted($0) }.count) / Double(samples.count)
        }

        func coverage(from threshold: Double?) -> Double { share(threshold) { _ in true } }
        func disagreement(from threshold: Double?) -> Double { share(threshold) { !$0.agrees } }
        func harm(from threshold: Double?) -> Double { share(threshold) { !$0.localIsRight && $0.fullIsRight } }

        /// What the share says of the images that these were drawn from.
        func interval(_ share: Double) -> ClosedRange<Double> {
            Proportion(Int((share * Double(samples.count)).rounded()), of: samples.count).interval(confidence: 0.95)
        }
    }

    /// A stream of frames through gate and ladder.
    struct Stream {
        var ladder: AuditLadder
        let gate: CertifiedGate
        var random: SeededGenerator
        var frames = 0
        var audits = 0
        var moves: [AuditLadder.Move] = []

        init(_ gate: CertifiedGate, seed: UInt64) throws {
            var settings = AuditLadder.Settings()
            // Every frame is an image by itself.
            (settings.spacing, settings.pause) = (.zero, .seconds(60))
            ladder = try #require(AuditLadder(gate, settings: settings))
            self.gate = gate
            random = SeededGenerator(seed: seed)
        }

        /// The present rung's; `nil` where the gate is closed.
        var threshold: Double? { ladder.isClosed ? nil : gate.rungs[ladder.rung].threshold }

        mutating func run(_ population: Population, frames count: Int, until isOver: (Self) -> Bool = { _ in false }) {
            for _ in 0..<count {
                if isOver(self) { return }
                frames += 1
                let sample = population.samples[Int.random(in: 0..<population.samples.count, using: &random)]
                let (score, rung) = (sample.confidence?.margin ?? 0, ladder.rung)
                let isAccepted = threshold.map { score >= $0 } ?? false
                if handle(.read(score: score, isAccepted: isAccepted)) {
                    audits += 1
                    _ = handle(.audited(score: score, rung: rung, agrees: sample.agrees))
                } else if !isAccepted {
                    _ = handle(.escalated(score: score, rung: rung, agrees: sample.agrees))
                }
            }
        }

        private mutating func handle(_ event: AuditLadder.Event) -> Bool {
            let action = ladder.handle(event, now: .milliseconds(50 * frames), using: &random)
            if case .move(let move)? = action { moves.append(move) }
            return action == .audit
        }
    }

    /// Clean images, then a corruption: where its certificate is broken, an audit notices within the stated number, the gate tightens until it holds again, and harm is under
    /// the bound; on clean images it goes all the way back. Then the same with severities that rise in one stream.
    ///
    /// With `SWIFTLET_DRIFT=all`: four corruptions in five severities, twenty streams of each, printed as a table.
    @Test(.needs(sharedData: "cifar10/test.bin"), .needs(sharedData: "models/cifar10-resnet56.onnx"), .timeLimit(.minutes(20)))
    func aDriftThatBreaksTheCertificateIsNoticedAndHarmReturnsUnderTheBound() throws {
        let isWhole = ProcessInfo.processInfo.environment["SWIFTLET_DRIFT"] == "all"
        let pair = try Pair()
        let certifier = try #require(Certifier(risk: .harm, bound: Self.bound, measure: .margin))
        let gate = try #require(CertifiedGate(rungs: try certifier.rungs(try pair.population(0..<2500).samples), fullModel: ""))
        let clean = try pair.population(2500..<3500)
        let drifts: [(Corruption, [Int])] = isWhole ? Corruption.allCases.map { ($0, Array(1...5)) } : [(.noise, [2, 4]), (.blur, [4]), (.contrast, [3])]
        if isWhole {
            print("rungs:", gate.rungs.map { "\($0.bound) from \($0.threshold), \(percent($0.coverage))" })
            print("limit \(percent(gate.rungs[0].disagreementLimit)); clean:", row(clean, at: gate.rungs[0].threshold))
            print("| images | accepted, harm, differing | audits until it is noticed | frames until it rests | then at most: harm, differing | accepted | audits back |")
            print("|---|---|---|---|---|---|---|")
        }
        var (broken, streams, falseAlarms) = (0, 0, 0)
        for (corruption, severities) in drifts {
            let populations = try severities.map { try pair.population(2500..<3500, (corruption, $0)) }
            for (severity, population) in zip(severities, populations) {
                let drift = Drift(name: "\(corruption) \(severity)", population: population, clean: clean, gate: gate)
                let courses = try (0..<(isWhole ? 20 : 4)).map { try follow(drift, seed: 3 + 20 * UInt64(streams) + $0) }
                broken += try judge(drift, courses, prints: isWhole) ? 1 : 0
                falseAlarms += courses.count(where: \.isFalse)
                streams += 1
            }
            var stream = try Stream(gate, seed: 4)
            stream.run(clean, frames: 20_000)
            for (severity, population) in zip(severities, populations) {
                stream.run(population, frames: 60_000)
                #expect(population.harm(from: stream.threshold) <= Self.bound, "rising \(corruption) \(severity): rung \(stream.ladder.rung)")
            }
            stream.run(clean, frames: 1_000_000) { $0.ladder.rung == 0 }
            #expect(stream.ladder.rung == 0, "after \(corruption)")
        }
        #expect(broken >= 3)
        // 130 audits in each, of which one in 10,000 may end in one: five of 400 streams.
        #expect(falseAlarms <= (isWhole ? 12 : 2), "\(falseAlarms) of \(streams) drifts' streams")
        if isWhole { print("false alarms on clean images: \(falseAlarms)") }
    }

    /// Images that a stream changes to.
    private struct Drift {
        var name: String
        var population: Population
        var clean: Population
        var gate: CertifiedGate

        var disagreement: Double { population.disagreement(from: gate.rungs[0].threshold) }
        /// Whether what audits can see exceeds by half what the certificate allows.
        var isBroken: Bool { disagreement > 1.5 * gate.rungs[0].disagreementLimit }
        /// Audits until it is noticed, in the mean at most.
        var promised: Double? {
            let settings = AuditLadder.Settings()
            return DriftDetector(.rise, of: gate.rungs[0].disagreementLimit, runLength: settings.runLength)
                .delay(mean: disagreement, of: population.coverage(from: gate.rungs[0].threshold))
        }
    }

    /// What one stream met.
    private struct Course {
        /// Whether clean images alone moved the gate.
        var isFalse: Bool
        /// Until the alarm; `nil` where there was none.
        var audits: Int?
        /// From the change to the last move within ``resting`` frames of the alarm.
        var frames: Int?
        /// The rung's that the gate is at then; `nil` where it is closed.
        var threshold: Double?
        /// On clean images, until the gate is as certified.
        var auditsBack: Int
    }

    /// So many frames after an alarm the gate is taken to have come to rest.
    private static let resting = 200_000

    private func follow(_ drift: Drift, seed: UInt64) throws -> Course {
        var stream = try Stream(drift.gate, seed: seed)
        stream.run(drift.clean, frames: 20_000)
        let isFalse = !stream.moves.isEmpty
        if isFalse {
            // Of another stream, which no false alarm has moved.
            stream = try Stream(drift.gate, seed: seed + 1000)
            stream.run(drift.clean, frames: 5000)
        }
        let (frames, audits) = (stream.frames, stream.audits)
        stream.run(drift.population, frames: drift.isBroken ? 500_000 : 200_000) { !$0.moves.isEmpty }
        var course = Course(isFalse: isFalse, threshold: stream.threshold, auditsBack: 0)
        if !stream.moves.isEmpty {
            course.audits = stream.audits - audits
            var (last, moves) = (stream.frames, stream.moves.count)
            let end = stream.frames + Self.resting
            while stream.frames < end {
                stream.run(drift.population, frames: end - stream.frames) { $0.moves.count > moves }
                if stream.moves.count > moves { (last, moves) = (stream.frames, stream.moves.count) }
            }
            course.frames = last - frames
            course.threshold = stream.threshold
        }
        let tightened = stream.audits
        stream.run(drift.clean, frames: 2_000_000) { $0.ladder.rung == 0 }
        #expect(stream.ladder.rung == 0, "\(drift.name): rung \(stream.ladder.rung) on clean images")
        course.auditsBack = stream.audits - tightened
        return course
    }

    /// - Returns: whether the certificate is broken by more than half of what it allows.
    private func judge(_ drift: Drift, _ courses: [Course], prints: Bool) throws -> Bool {
        let population = drift.population
        let audits = courses.compactMap(\.audits).sorted()
        let mean = Double(audits.reduce(0, +)) / Double(max(audits.count, 1))
        if drift.isBroken {
            #expect(audits.count == courses.count, "\(drift.name): noticed in \(audits.count) of \(courses.count) streams")
            let promised = try #require(drift.promised)
            #expect(mean <= promised, "\(drift.name): \(audits)")
        }
        for course in courses {
            // Where nothing was noticed, harm may be what differing may.
            let bound = course.audits == nil ? drift.gate.rungs[0].disagreementLimit : Self.bound
            #expect(population.harm(from: course.threshold) <= bound, "\(drift.name): \(course)")
            // What comes near the limit from above takes long to be told from it.
            if drift.isBroken { #expect(population.disagreement(from: course.threshold) <= 1.5 * Self.bound, "\(drift.name): \(course)") }
        }
        guard prints else { return drift.isBroken }
        let first = drift.gate.rungs[0].threshold
        let noticed = courses.filter { $0.audits != nil }
        func median(_ values: [Int]) -> String { values.isEmpty ? "–" : "\(values.sorted()[values.count / 2])" }
        var cells = [drift.name, row(population, at: first)]
        if noticed.isEmpty {
            cells += ["–", "–", "–", "–", "–"]
        } else {
            let harm = noticed.map { population.harm(from: $0.threshold) }.max() ?? 0
            let differing = noticed.map { population.disagreement(from: $0.threshold) }.max() ?? 0
            let coverages = noticed.map { population.coverage(from: $0.threshold) }.sorted()
            let closed = noticed.count { $0.threshold == nil }
            cells += [
                "\(median(audits)) (\(audits[0]) … \(audits[audits.count - 1])), \(Int(mean.rounded())) (\(drift.promised.map { "\(Int($0))" } ?? "–"))"
                    + (audits.count < courses.count ? "; \(audits.count) of \(courses.count) streams" : ""),
                median(noticed.compactMap(\.frames)), "\(percent(harm)) (\(range(population.interval(harm)))), \(percent(differing))",
                "\(percent(coverages[coverages.count / 2]))" + (closed > 0 ? "; \(closed) closed" : ""),
                "\(median(noticed.map(\.auditsBack))) (\(noticed.map(\.auditsBack).min() ?? 0) … \(noticed.map(\.auditsBack).max() ?? 0))",
            ]
        }
        print("| \(cells.joined(separator: " | ")) |")
        return drift.isBroken
    }

    private func row(_ population: Population, at threshold: Double?) -> String {
        let harm = population.harm(from: threshold)
        return "\(percent(population.coverage(from: threshold))), \(percent(harm)) (\(range(population.interval(harm)))), \(percent(population.disagreement(from: threshold)))"
    }

    private func range(_ interval: ClosedRange<Double>) -> String {
        [interval.lowerBound, interval.upperBound].map { "\(($0 * 1000).rounded() / 10)" }.joined(separator: " … ")
    }

    private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}
