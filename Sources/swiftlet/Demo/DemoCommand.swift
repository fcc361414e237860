// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import ArgumentParser
internal import Demonstration
internal import FoundationEssentials
internal import Frames
internal import Glibc
internal import Images
internal import Logging
internal import Networks
internal import Settings
internal import Tensors
internal import Threads

/// `swiftlet demo`: the main job, with everything that it needs started here.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Fly with a cloud, take it away in three ways, give it back, and show what happened.",
        discussion: """
            Starts a private mosquitto on a free loopback port and a worker as child processes, and flies the agent over a rendered landscape. \
            The worker is killed, then the broker, then the link swallows every byte; each comes back. Needs no network. Ctrl-C ends it.
            """)

    @Option(help: "How long to fly, 14 or more; a seventh for each phase.")
    var seconds = 42.0

    @Option(help: "Frames a second.")
    var rate = 20.0

    @Option(help: "Seconds of flight that pass in a second: fast motion meets more things in the way.")
    var speed = 8.0

    @Option(help: "Another seed is another flight.")
    var seed: UInt64 = 900_000

    @Option(help: ArgumentHelp("The folder of flight-board.onnx and flight-cloud.onnx.", valueName: "folder"))
    var models: String?

    @Option(help: ArgumentHelp("Write one self-contained page with plots.", valueName: "file.html"))
    var report: String?

    @Flag(help: "Print one JSON object instead of lines and table.")
    var json = false

    func validate() throws {
        guard seconds >= 14, seconds <= 86_400 else { throw ValidationError("--seconds must be 14 … 86400") }
        guard rate >= 1, rate <= 200 else { throw ValidationError("--rate must be 1 … 200") }
        guard speed >= 0.1, speed <= 100 else { throw ValidationError("--speed must be 0.1 … 100") }
    }

    func run() throws { try exiting { try fly() } }

    private func fly() throws {
        let signals = StopSignals()
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let labels = try DemoNetworks.compile(models: models ?? DemoNetworks.folder(), into: folder.path)
        if signals.isRaised { throw ExitCode(130) }
        let stage = try Stage(folder: folder.path)
        defer { stage.strike() }
        let settings = try AgentSettings.parse(
            Array(stage.agentSettings(rate: rate, seed: seed).utf8), file: "agent.yaml", folder: folder.path)
        let bundle = try Bundle(contentsOf: settings.bundle)
        let phases = Phase.programme(seconds: seconds)
        let start = ContinuousClock.now
        let logbook = Logbook(start: start, phases: phases)
        let agent = try Agent(
            settings: settings, bundle: bundle,
            source: LoggedFlight(FlightSource(seed: seed, framesPerSecond: rate, speed: speed), logbook: logbook),
            link: try DeviceCloudLink(settings, task: bundle.details.task, form: UploadForm(settings.recovery, bundle.details.recovery), agent: "swiftlet demo"),
            logger: Logger(label: "demo") { _ in SwiftLogNoOpLogHandler() },
            outputs: Agent.Outputs(onTaken: { logbook.take($0) }, onDecision: { logbook.note($0.decision) }))
        try agent.start()
        let finished = try conduct(phases, from: start, stage: stage, agent: agent, logbook: logbook, signals: signals)
        agent.stop()
        guard finished else { throw ExitCode(130) }
        try conclude(
            phases: phases, logbook: logbook, labels: labels, dropped: agent.statistics.replacedFrames, bundle: bundle)
    }

    /// Plays the programme and shows a line a second.
    ///
    /// - Returns: false where a person ended it.
    private func conduct(
        _ phases: [Phase], from start: ContinuousClock.Instant, stage: Stage, agent: Agent, logbook: Logbook, signals: StopSignals
    ) throws -> Bool {
        var line = LiveLine()
        defer { line.finish() }
        for (index, phase) in phases.enumerated() {
            try stage.enter(phase.condition)
            while true {
                let now = (ContinuousClock.now - start).seconds
                let next = min(now.rounded(.down) + 1, phase.end)
                if signals.wait(for: .seconds(max(next - now, 0))) != nil { return false }
                let records = logbook.records
                if !json {
                    let begin = records.firstIndex { $0.phase == index } ?? records.endIndex
                    // What has just been taken up may still wait for its deadline: that is no frame without a decision.
                    let settled = records[begin...].filter { $0.decision != nil || next - $0.time > 0.5 }
                    let cloud = agent.statistics.cloud
                    line.show(
                        second: Int(next), phase: index, condition: phase.condition, records: settled[...], cloud: cloud.mode.rawValue)
                }
                if next >= phase.end { break }
            }
        }
        return true
    }

    private func conclude(phases: [Phase], logbook: Logbook, labels: [String], dropped: UInt64, bundle: Bundle) throws {
        let records = logbook.records
        let summary = Summary(records: records, phases: phases, droppedFrames: dropped)
        if json { try printJSON(DemoSummary(summary)) } else { try printLine("\n" + summary.text, terminator: "") }
        if let report {
            let page = Report(
                summary: summary, phases: phases, records: records, labels: labels, pictures: try pictures(records, logbook),
                subtitle: "A rendered flight of \(fixed(seconds, 0)) s at \(fixed(rate, 0)) frames a second, \(fixed(speed, 0)) times as fast as real, seed \(seed). "
                    + "On the board \(bundle.details.name) in \(bundle.details.precision.rawValue); in the cloud flight-cloud in fp32 over MQTT.")
            try writeText(page.html, to: report)
            if !json { try printLine("report: \(report)") }
        }
        let undecided = summary.total.undecided
        guard undecided == 0 else { throw CommandFailure(.failure, "\(undecided) frames were left without a decision") }
    }

    /// Half of the strip shows frames about which the cloud was needed, half the others; each half spread over the flight.
    private func pictures(_ records: [FrameRecord], _ logbook: Logbook) throws -> [Report.Picture] {
        let asked = records.filter { $0.decision?.source != .local }
        let trusted = records.filter { $0.decision?.source == .local }
        let chosen = [asked, trusted].flatMap { group in
            (0..<min(12, group.count)).map { group[$0 * group.count / min(12, group.count)] }
        }
        return try chosen.sorted { $0.frame < $1.frame }.compactMap { record in
            guard let pixels = logbook.pixels(of: record.frame) else { return nil }
            let png = try PNG.encode(Image(width: Flight.width, height: Flight.height, channels: 3, pixels: pixels))
            return Report.Picture(record: record, png: Data(png).base64EncodedString())
        }
    }
}

/// What `demo --json` prints.
private struct DemoSummary: Encodable {
    struct PhaseForm: Encodable {
        var name: String
        var frames: Int
        var decisions: Int
        var undecided: Int
        var local: Int
        var cloud: Int
        var unconfirmed: Int
        var revisions: Int
        var local_accuracy: Double
        var system_accuracy: Double
        var frame_ms_p50: Double?
        var frame_ms_p99: Double?

        init(_ phase: PhaseSummary) {
            name = phase.condition.rawValue
            frames = phase.frames
            decisions = phase.decisions
            undecided = phase.undecided
            local = phase.local
            cloud = phase.cloud
            unconfirmed = phase.unconfirmed
            revisions = phase.revisions
            local_accuracy = phase.localAccuracy
            system_accuracy = phase.systemAccuracy
            frame_ms_p50 = phase.localTimeP50
            frame_ms_p99 = phase.localTimeP99
        }
    }

    struct Gain: Encodable {
        var mean: Double
        var lower: Double
        var upper: Double
        var encounters: Int
    }

    var phases: [PhaseForm]
    var local_accuracy: Double
    var system_accuracy: Double
    /// System less local while connected, with its 95 % interval.
    var connected_gain: Gain
    var dropped_frames: UInt64

    init(_ summary: Summary) {
        phases = summary.phases.map(PhaseForm.init)
        local_accuracy = summary.total.localAccuracy
        system_accuracy = summary.total.systemAccuracy
        let gain = summary.connectedGain
        connected_gain = Gain(mean: gain.mean, lower: gain.lower, upper: gain.upper, encounters: gain.encounters)
        dropped_frames = summary.droppedFrames
    }
}
