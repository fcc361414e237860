// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Images
internal import Inference
internal import Networks
internal import Settings
internal import Tensors

/// A bundle's network, loaded and checked against the settings.
struct AgentNetwork {
    let executor: Executor
    let classes: Int
    /// Where `gate` is its first rung.
    let certifiedGate: CertifiedGate?
    /// Names what was proved of it.
    let certificate: String?
    /// `nil` where nothing is proved.
    let uploadProof: UploadProof?
    let preprocessor: Preprocessor
    let calibration: Calibration
    let gate: Gate
    /// The settings' own gate, or the certified one: under a plan it's asked at the end as well. `nil` where there is neither.
    let endGate: Gate?
    let secondLook: SecondLook?
    /// `nil` where the bundle holds no plans, or the settings name no policy.
    let material: PlanMaterial?
    /// One for each output, where there are plans.
    let exitReaders: [ExitReader]

    init(_ bundle: Bundle, settings: AgentSettings) throws(AgentError) {
        let details = bundle.details
        let operation = "load \(details.name)"
        guard let preprocessing = details.preprocessing else {
            throw AgentError(.data, operation, "the network doesn't take images: its bundle has no preprocessing")
        }
        guard let calibration = details.calibration else {
            throw AgentError(.data, operation, "a temperature of \(details.temperature)")
        }
        let plans = settings.plan == nil || details.plans?.isTabulated != true ? nil : details.plans
        let executor: Executor
        do {
            let cuts = plans.map { PlanMaterial.cuts($0, of: bundle.graph) } ?? []
            let options = ExecutorOptions(threads: settings.threads, cores: settings.cores, patience: settings.patience, cuts: cuts)
            executor = try Executor(bundle.graph, isChecked: bundle.isGraphChecked, preprocessing: preprocessing, options: options)
        } catch {
            // Threads are what the configuration asks for.
            throw AgentError(error.code == .threads ? .configuration : .data, operation, "\(error)")
        }
        let classes = executor.outputs.last?.shape.elementCount ?? 0
        guard classes > 0, executor.outputs.allSatisfy({ $0.shape.elementCount == classes }) else {
            throw AgentError(.data, operation, "the network has \(executor.outputs.count) outputs, expected one with a score a class, and exits with as many")
        }
        guard details.labels.isEmpty || details.labels.count == classes else {
            throw AgentError(.data, operation, "\(details.labels.count) labels for \(classes) classes")
        }
        do {
            try executor.verify(bundle)
        } catch {
            throw AgentError(.data, operation, "\(error)")
        }
        if settings.recovery.isEnabled, details.labels.isEmpty {
            throw AgentError(
                .configuration, operation, "a network without labels can't ask the cloud: nobody knows that its classes are the same; set recovery.enabled to false")
        }
        let certified = settings.gate == nil ? details.certifiedGate : nil
        do {
            endGate = try settings.gate?.gate(labels: details.labels, classes: classes) ?? certified?.gate
        } catch {
            throw AgentError(.configuration, operation, "\(error)")
        }
        let gate = endGate ?? .standard
        if let certified, let bound = settings.secondLook, certified.secondLook != bound {
            throw AgentError(
                .configuration, operation,
                "second-look: the bundle's gate is certified with \(certified.secondLook.map { "\($0 * 100) %" } ?? "none"); leave it out, or write a gate of your own")
        }
        if details.outputKind == .probabilities, gate.uses(.energy) {
            throw AgentError(.configuration, operation, "gate.measure: the network ends in a softmax, so its energy is always about 0")
        }
        self.executor = executor
        self.classes = classes
        certifiedGate = certified
        certificate = certified == nil ? nil : details.certificateDigest
        uploadProof = certified.map { UploadProof($0, settings.recovery, details.recovery) }
        self.gate = gate
        let margin = FrameDecisions.Settings(deadline: settings.deadline, expiry: settings.recovery.expiry).margin
        if let bound = settings.secondLook ?? certified?.secondLook, let mean = details.secondLookCalibration {
            secondLook = SecondLook(
                bound: bound, budget: settings.deadline - margin, isRequired: certified?.secondLook != nil, calibration: mean, classes: classes, scores: calibration.scores)
        } else {
            secondLook = nil
        }
        preprocessor = Preprocessor(preprocessing)
        self.calibration = calibration
        let material: PlanMaterial? =
            if let plans {
                try PlanMaterial(
                    plans, graph: bundle.graph, executor: executor, outputKind: calibration.scores, image: UploadForm(settings.recovery, details.recovery))
            } else {
                nil
            }
        self.material = material
        if let material {
            if settings.stream != nil { throw AgentError(.configuration, operation, "stream: a plan judges each frame by itself; leave one of both out") }
            if settings.secondLook != nil { throw AgentError(.configuration, operation, "second-look: there is none under a plan; leave one of both out") }
            exitReaders = material.calibrations.enumerated().map { exit, own in
                let isEnd = exit == executor.end
                return ExitReader(
                    calibration: own, measure: material.measure, own: isEnd && own != calibration ? calibration : nil,
                    secondLook: isEnd ? certified?.secondLook : nil)
            }
        } else {
            exitReaders = []
        }
    }

    /// What the end answers under a plan has at least this score of the plans' table: infinite where it answers nothing, `nil` where the gate asks for what the table doesn't hold.
    func endFloor(_ gate: Gate?) -> Double? {
        guard let gate, let material, let end = exitReaders.last else { return 0 }
        guard end.own == nil, let floor = gate.floor(of: material.measure) else { return nil }
        guard let bound = end.secondLook else { return max(floor, 0) }
        return material.measure == .margin ? max(floor, bound, 0) : nil
    }
}

extension Gate {
    fileprivate func uses(_ measure: Measure) -> Bool {
        switch self {
        case .threshold(let used, _), .perClass(let used, _, _): used == measure
        case .all(let gates), .any(let gates): gates.contains { $0.uses(measure) }
        case .not(let gate): gate.uses(measure)
        }
    }
}
