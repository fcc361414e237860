// SPDX-License-Identifier: Apache-2.0
package import Gating

/// Everything that `swiftletd` is told by its configuration file.
package struct AgentSettings: Hashable, Sendable {
    /// Where frames come from.
    package enum Source: Hashable, Sendable {
        /// The JPEG and PNG files of a folder: those that are there, by name; or, if watched, those that come.
        case folder(path: String, watch: Bool)
        /// A YUV4MPEG2 stream; `-` is standard input.
        case y4m(path: String)
        /// The rendered flight: `frames` of them, or without end.
        case flight(seed: UInt64, framesPerSecond: Double, frames: Int?)
    }

    /// Asking the full model in the cloud about frames that the gate doesn't accept.
    package struct Recovery: Hashable, Sendable {
        package var isEnabled = true
        /// The full model in the cloud that is asked.
        package var model = "default"
        /// 1 … 100; `nil`: as the bundle says that the full model needs it.
        package var jpegQuality: Int?
        package var maximumInFlight = 2
        /// From the moment a frame is taken up; an answer after that is not waited for, nor are its bytes delivered.
        package var expiry = Duration.seconds(2)
        /// What questions may cost.
        package var budget = BudgetSettings()
        /// Whether a frame may be sent before the gate has spoken.
        package var speculativeUpload = SpeculativeUpload.off
        /// What an answer a second sooner is worth, in bytes sent for nothing.
        package var bytesPerSavedSecond = 1_000_000
        /// Images below these aren't asked about: steps of luminance, squared steps of luminance.
        package var leastContrast = 2.0
        package var leastSharpness = 0.75

        package init() {}
    }

    /// Asking about a random share of what the gate accepts, to see whether its certificate holds. Nothing is audited without one.
    package struct Audit: Hashable, Sendable {
        /// Of the accepted frames, 0 … 1.
        package var share = 0.01
        /// The same while audits have tightened the gate.
        package var tightenedShare = 0.05
        /// The same for the first thousand audits after each time.
        package var probationShare = 0.25
        /// From one audit to the next at least.
        package var spacing = Duration.seconds(1)
        /// Audits from one false alarm to the next, in the mean at least.
        package var falseAlarmAfter = 10_000
        /// From any change of the gate until it may relax.
        package var pause = Duration.seconds(60)

        package init() {}
    }

    package enum SpeculativeUpload: String, CaseIterable, Hashable, Sendable {
        case off
        /// Where it is expected to pay.
        case auto
    }

    package struct Output: Hashable, Sendable {
        /// Decisions as JSON lines on standard output.
        package var standardOutput = true
        /// Decisions to the broker.
        package var publishes = false
        /// From one snapshot of the statistics to the next, to the broker, where there is a link; zero: none is sent.
        package var telemetry = Duration.seconds(300)

        package init() {}
    }

    /// Names the device in topics, as MQTT client and in its certificate.
    package var device: String
    /// The path of the bundle with the board's network.
    package var bundle: String
    /// The folder that holds what outlasts a restart; `nil`: nothing does.
    package var state: String?
    /// Threads of one inference.
    package var threads = 1
    /// The processors that these threads are bound to, by the system's numbers, the frame thread's first; threads beyond the list are free.
    package var cores: [Int] = []
    /// How long these threads look out for work before they sleep: longer costs power, shorter time.
    package var patience = Duration.microseconds(200)
    package var source: Source
    /// From the moment a frame is taken up until its decision at the latest.
    package var deadline = Duration.milliseconds(100)
    /// `nil`: the bundle's certified gate, or ``Gating/Gate/standard`` where it has none.
    package var gate: GateSettings?
    /// Frames with a smaller margin are looked at once more, as mirror image; `nil`: none, but where the bundle's gate is certified with it.
    package var secondLook: Double?
    /// `nil`: each frame is judged by itself.
    package var stream: StreamGate.Settings?
    package var recovery = Recovery()
    /// `nil`: the board runs the whole network, and sends the frame where its gate isn't sure.
    package var plan: PlanSettings?
    package var audit = Audit()
    package var broker = BrokerSettings(host: "localhost")
    package var output = Output()

    package init(device: String, bundle: String, source: Source) {
        self.device = device
        self.bundle = bundle
        self.source = source
    }

    init?(_ root: inout Section) {
        let device = root.required("device", .identifier)
        let (bundle, threads) = root.section("model") { section in
            (section.required("bundle", .path(from: section.findings.folder)), section.value("threads", .integer(1...64), default: 1))
        }
        let source = root.section("source") { Source(&$0) }
        self.init(device: device ?? "", bundle: bundle ?? "", source: source ?? .y4m(path: "-"))
        self.threads = threads
        root.section("inference") { section in
            cores = section.values("cores", .integer(0...1023), atMost: 64)
            if cores.count > threads { section.report("cores", "\(cores.count) processors for the \(threads) of model.threads") }
            if Set(cores).count < cores.count { section.report("cores", "a processor is named twice") }
            patience = section.value("patience", .duration(.zero ... .seconds(1)), default: patience)
        }
        state = root.optional("state", .path(from: root.findings.folder))
        deadline = root.value("deadline", .duration(.milliseconds(1) ... .seconds(60)), default: deadline)
        gate = root.optionalSection("gate") { GateSettings(&$0) }
        secondLook = root.optional("second-look", .fraction(0...1))
        stream = root.optionalSection("stream") { StreamGate.Settings(&$0) }
        let deadline = deadline
        recovery = root.section("recovery") { section in
            var recovery = Recovery()
            recovery.isEnabled = section.value("enabled", .boolean, default: recovery.isEnabled)
            recovery.model = section.value("model", .modelName, default: recovery.model)
            recovery.jpegQuality = section.value("jpeg-quality", .automatic(or: .integer(1...100)), default: recovery.jpegQuality)
            recovery.maximumInFlight = section.value("max-in-flight", .integer(1...64), default: recovery.maximumInFlight)
            recovery.expiry = section.value("expiry", .duration(.milliseconds(1) ... .seconds(300)), default: recovery.expiry)
            if recovery.expiry < deadline { section.report("expiry", "shorter than the deadline") }
            recovery.speculativeUpload = section.value("speculative-upload", .choice, default: recovery.speculativeUpload)
            recovery.bytesPerSavedSecond = section.value("bytes-per-saved-second", .bytes(1...1_000_000_000), default: recovery.bytesPerSavedSecond)
            recovery.leastContrast = section.value("least-contrast", .number(0...128), default: recovery.leastContrast)
            recovery.leastSharpness = section.value("least-sharpness", .number(0...10000), default: recovery.leastSharpness)
            recovery.budget = section.section("budget") { BudgetSettings(&$0) }
            return recovery
        }
        plan = root.optionalSection("plan") { PlanSettings(&$0) }?.flatMap(\.self)
        audit = root.section("audit") { section in
            var audit = Audit()
            audit.share = section.value("share", .fraction(0...1), default: audit.share)
            audit.tightenedShare = section.value("tightened-share", .fraction(0...1), default: audit.tightenedShare)
            audit.probationShare = section.value("probation-share", .fraction(0...1), default: audit.probationShare)
            audit.spacing = section.value("spacing", .duration(.zero ... .seconds(3600)), default: audit.spacing)
            audit.falseAlarmAfter = section.value("false-alarm-after", .integer(100...1_000_000_000), default: audit.falseAlarmAfter)
            audit.pause = section.value("pause", .duration(.zero ... .seconds(86_400)), default: audit.pause)
            return audit
        }
        broker = root.section("broker") { BrokerSettings(&$0) }
        output = root.section("output") { section in
            var output = Output()
            output.standardOutput = section.value("standard-output", .boolean, default: output.standardOutput)
            output.publishes = section.value("publish", .boolean, default: output.publishes)
            output.telemetry = section.value("telemetry", .duration(.zero ... .seconds(86_400)), default: output.telemetry)
            if output.telemetry > .zero, output.telemetry < .seconds(1) { section.report("telemetry", "expected 0 s, or 1 s and more") }
            return output
        }
        guard device != nil, bundle != nil, source != nil else { return nil }
    }
}

extension AgentSettings.Source {
    /// Reads exactly one of `folder`, `y4m` and `flight`; `nil` with a problem reported.
    init?(_ section: inout Section) {
        var sources: [Self] = []
        _ = section.optionalSection("folder") { section in
            let path = section.required("path", .path(from: section.findings.folder))
            sources.append(.folder(path: path ?? "", watch: section.value("watch", .boolean, default: false)))
        }
        _ = section.optionalSection("y4m") { section in
            let path = section.value("path", .pathOrStandardInput(from: section.findings.folder), default: "-")
            sources.append(.y4m(path: path))
        }
        _ = section.optionalSection("flight") { section in
            sources.append(
                .flight(
                    seed: section.value("seed", .seed, default: 1),
                    framesPerSecond: section.value("rate", .number(0.1...1000, unit: "fps"), default: 20),
                    frames: section.optional("frames", .integer(1...1_000_000_000))))
        }
        guard sources.count == 1 else {
            let found = ["folder", "y4m", "flight"].filter { section.has($0) != nil }
            section.findings.problems.append(
                Problem(
                    at: section.position, key: section.path,
                    "expected exactly one of folder, y4m, flight, found \(found.isEmpty ? "none" : found.joined(separator: ", "))"))
            return nil
        }
        self = sources[0]
    }
}
