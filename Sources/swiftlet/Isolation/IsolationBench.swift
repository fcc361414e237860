// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import Demonstration
internal import Frames
internal import Glibc
internal import Images
internal import Logging
internal import Networks
internal import Rehearsal
internal import Settings
internal import Tensors
internal import Threads

/// Runs the agent in short blocks, each under one condition of the cloud, in turns.
struct IsolationBench {
    struct Block {
        var computing: [Double]
        var whole: [Double]
        /// Questions that were put to the link, and frames that were decided, in the whole block.
        var asked: UInt64
        var answered: UInt64
        var decided: UInt64
        var replaced: UInt64
    }

    private let stage: Stage
    private let settings: AgentSettings
    private let bundle: Bundle
    private let images: [Image]
    private let rate: Double
    private let seconds: Double
    private let signals: StopSignals
    /// Frames before these seconds are over don't count.
    private static let settling = 0.5

    /// - Parameter threshold: the gate's, of the highest probability, 0 … 1.
    init(stage: Stage, rate: Double, seconds: Double, threshold: String, seed: UInt64, folder: String, signals: StopSignals) throws {
        self.stage = stage
        self.rate = rate
        self.seconds = seconds
        self.signals = signals
        let text = stage.agentSettings(rate: rate, seed: seed, threshold: threshold)
        settings = try AgentSettings.parse(Array(text.utf8), file: "agent.yaml", folder: folder)
        bundle = try Bundle(contentsOf: settings.bundle)
        images = SteadyFlight.render(seed: seed, frames: 512)
    }

    /// - Returns: `nil` where a person ended it.
    func run(_ condition: IsolationCondition) throws -> Block? {
        var settings = settings
        settings.recovery.isEnabled = condition.link != nil
        stage.setLink(.open)
        let times = BlockTimes(capacity: Int(rate * (seconds + 10)))
        let agent = try Agent(
            settings: settings, bundle: bundle,
            source: SteadyFlight(images, framesPerSecond: rate) { times.handOver($0, at: $1) },
            link: try condition.link == nil ? nil : DeviceCloudLink(settings, task: bundle.details.task, form: UploadForm(settings.recovery, bundle.details.recovery), agent: "swiftlet bench-isolation"),
            logger: Logger(label: "isolation") { _ in SwiftLogNoOpLogHandler() },
            outputs: Agent.Outputs(
                onTaken: { times.take($0, at: ContinuousClock.now) }, onDecision: { times.note($0.decision) }))
        try agent.start()
        defer { agent.stop() }
        if let link = condition.link {
            // Each block begins with a cloud and loses it, as in life.
            let end = ContinuousClock.now + .seconds(5)
            while agent.statistics.cloud.mode != .connected {
                guard ContinuousClock.now < end else { throw CommandFailure(.unavailable, "the agent didn't reach its cloud in 5 s") }
                if signals.wait(for: .milliseconds(20)) != nil { return nil }
            }
            stage.setLink(link)
        }
        if signals.wait(for: .seconds(Self.settling)) != nil { return nil }
        times.count(true)
        if signals.wait(for: .seconds(seconds)) != nil { return nil }
        times.count(false)
        agent.stop()
        let (computing, whole) = times.frames
        let statistics = agent.statistics
        return Block(
            computing: computing, whole: whole, asked: statistics.decisions.asked, answered: statistics.decisions.cloud,
            decided: statistics.decisions.decided, replaced: statistics.replacedFrames + statistics.skippedFrames)
    }
}

/// Which cores are whose, where there are two: one for the cloud, one for the board.
enum Cores {
    case cloud, board

    /// From now on all that is started goes to these cores: for the cloud by any thread, for the board by this one.
    ///
    /// - Returns: false where the cores stay shared: there is one only, or taskset(1) is missing.
    func keep() throws -> Bool {
        guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) >= 2, let taskset = ChildProcess.find("taskset") else { return false }
        let options = self == .board ? ["-cp", "0"] : ["-acp", "1"]
        let child = try ChildProcess(taskset, options + ["\(getpid())"], output: .discarded, errors: .discarded)
        return child.wait() == .exited(0)
    }
}
