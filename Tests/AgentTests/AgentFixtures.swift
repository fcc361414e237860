// SPDX-License-Identifier: Apache-2.0
import Agent
import Answers
import Frames
import Gating
import Glibc
import Images
import Logging
import Networks
import Settings
import Synchronization
import Tensors

/// Networks, sources and a cloud that tests hold in their hand.
enum AgentFixtures {
    static let labels = ["red", "green", "blue"]

    /// A network that sees the mean colour: logit of class i = `gain` · mean of channel i, for 8 × 8 pixels.
    static func bundle(gain: Float = 20, labels: [String] = AgentFixtures.labels, kind: BundleDetails.OutputKind = .logits) -> Bundle {
        var graph = Graph(name: "colour")
        let input = graph.add(Value(name: "x", type: .float32, shape: [1, 3, 8, 8]))
        let mean = graph.add(
            .mean(axes: [2, 3], keepsDimensions: false), name: "mean", inputs: [input], output: Value(name: "m", type: .float32, shape: [1, 3]))
        let weights = graph.add(Value(name: "w", constant: Tensor(shape: [3, 3], [gain, 0, 0, 0, gain, 0, 0, 0, gain])))
        let output = graph.add(
            .gemm(Gemm(transposesB: true)), name: "gain", inputs: [mean, weights], output: Value(name: "y", type: .float32, shape: [1, 3]))
        graph.inputs = [input]
        graph.outputs = [output]
        let preprocessing = Preprocessing(width: 8, height: 8, resize: .warp, mean: [0, 0, 0], deviation: [1, 1, 1])
        return Bundle(
            graph: graph,
            details: BundleDetails(name: "colour", precision: .fp32, preprocessing: preprocessing, labels: labels, outputKind: kind))
    }

    /// A network that sees the mean colour of the left half: like ``bundle(gain:labels:kind:)`` there. The rightmost column of each channel is weighed with `lastColumn`.
    static func leftSidedBundle(lastColumn: Float = 0) -> Bundle {
        var bundle = bundle()
        var graph = Graph(name: "left")
        let input = graph.add(Value(name: "x", type: .float32, shape: [1, 3, 8, 8]))
        let flat = graph.add(.reshape, name: "flat", inputs: [input], output: Value(name: "f", type: .float32, shape: [1, 192]))
        let weights = (0..<3).flatMap { row in
            (0..<192).map { index -> Float in
                guard index / 64 == row else { return 0 }
                return index % 8 < 4 ? 20 / 32 : index % 8 == 7 ? lastColumn : 0
            }
        }
        let output = graph.add(
            .gemm(Gemm(transposesB: true)), name: "gain",
            inputs: [flat, graph.add(Value(name: "w", constant: Tensor(shape: [3, 192], weights)))], output: Value(name: "y", type: .float32, shape: [1, 3]))
        graph.inputs = [input]
        graph.outputs = [output]
        bundle.graph = graph
        return bundle
    }

    static func image(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> Image {
        Image(width: 8, height: 8, channels: 3, pixels: (0..<64).flatMap { _ in [red, green, blue] })
    }

    /// Class 0 with a probability of nearly 1.
    static let clear = image(255, 0, 0)
    /// Class 1, but the gate doesn't trust it.
    static let unclear = image(120, 128, 120)

    static func settings(_ change: (inout AgentSettings) -> Void = { _ in }) -> AgentSettings {
        var settings = AgentSettings(device: "d", bundle: "unused", source: .y4m(path: "-"))
        // The images have one colour each.
        (settings.recovery.leastContrast, settings.recovery.leastSharpness) = (0, 0)
        change(&settings)
        return settings
    }

    /// The same network with a certified gate of three rungs: margins of at least 0.5, 0.9 and 0.95.
    static func certifiedBundle() -> Bundle {
        var bundle = bundle()
        let rungs = [(0.5, 0.01, 900, 5), (0.9, 0.005, 700, 2), (0.95, 0.0025, 500, 0)].map { threshold, bound, accepted, disagreements in
            Certificate(
                risk: .harm, bound: bound, confidence: 0.95, measure: .margin, threshold: threshold, samples: 1000, accepted: accepted, loss: disagreements,
                disagreements: disagreements, isLabelled: true)
        }
        bundle.details.certifiedGate = CertifiedGate(rungs: rungs, fullModel: String(repeating: "a", count: 64))
        return bundle
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// A source whose frames the test pushes.
final class ManualSource: Sendable {
    private let events = Mutex<[FrameEvent]>([])
    private let ends: (read: CInt, write: CInt)

    init() {
        var ends: [CInt] = [0, 0]
        unsafe precondition(pipe(&ends) == 0)
        self.ends = (ends[0], ends[1])
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    func push(_ event: FrameEvent) {
        events.withLock { $0.append(event) }
        var byte: UInt8 = 0
        _ = unsafe write(ends.write, &byte, 1)
    }

    func push(_ index: UInt64, _ image: Image) {
        push(.frame(Frame(index: index, captured: .now, image: image, name: "\(index)")))
    }

    /// Its frames wait for each other, so that none is dropped.
    var source: any FrameSource { Source(manual: self) }

    private struct Source: FrameSource {
        let manual: ManualSource
        var isLive: Bool { false }

        func next(_ stop: StopSignal) throws(FrameError) -> FrameEvent {
            guard stop.wait(for: manual.ends.read) == .readable else { return .ended }
            var byte: UInt8 = 0
            _ = unsafe read(manual.ends.read, &byte, 1)
            return manual.events.withLock { $0.removeFirst() }
        }
    }
}

/// A cloud that answers when the test says so.
final class ManualCloud: CloudLink {
    private struct State {
        var events: (@Sendable (CloudEvent) -> Void)?
        var published: [[UInt8]] = []
        var audits: [[UInt8]] = []
        var healths: [[UInt8]] = []
        var cancelled: [UInt64] = []
        var isStopped = false
        var refusal: String?
        var answer: Answer?
        var model: String?
        var strays = CloudStrays()
        var hindrance: String?
    }

    private let state = Mutex(State())
    /// Each question, as it is asked.
    let asked: AsyncStream<CloudQuestion>
    private let askedContinuation: AsyncStream<CloudQuestion>.Continuation
    /// Each plan, as it is published.
    let planned: AsyncStream<[UInt8]>
    private let plannedContinuation: AsyncStream<[UInt8]>.Continuation
    /// Each snapshot of the statistics, as it is published.
    let telemetry: AsyncStream<[UInt8]>
    private let telemetryContinuation: AsyncStream<[UInt8]>.Continuation
    /// While it is locked, `ask` doesn't return.
    let gate = DispatchGate()

    init(refusal: String? = nil, answer: Answer? = nil, model: String? = nil) {
        (asked, askedContinuation) = AsyncStream.makeStream()
        (planned, plannedContinuation) = AsyncStream.makeStream()
        (telemetry, telemetryContinuation) = AsyncStream.makeStream()
        state.withLock {
            $0.refusal = refusal
            $0.answer = answer
            $0.model = model
        }
    }

    /// What comes is kept back, as by a link that knows what it asked.
    func keepBack(_ strays: CloudStrays) { state.withLock { $0.strays = strays } }

    /// From now on every question would be refused, or none.
    func hinder(_ hindrance: String?) { state.withLock { $0.hindrance = hindrance } }

    func hindrance(bytes: Int) -> String? { state.withLock { $0.hindrance } }

    /// From now on another model answers.
    func change(to model: String?) { state.withLock { $0.model = model } }

    func start(events: @escaping @Sendable (CloudEvent) -> Void) throws(AgentError) {
        state.withLock { $0.events = events }
        events(.status(status))
    }

    /// Bytes that each image counts with.
    static let bytes = 1000

    func ask(_ question: CloudQuestion, spending: (Int) -> String?) -> String? {
        if let refusal = spending(Self.bytes) { return refusal }
        askedContinuation.yield(question)
        gate.pass()
        let (refusal, answer, model) = state.withLock { ($0.refusal, $0.answer, $0.model) }
        if let answer, refusal == nil { send(.answered(frame: question.frame, answer, model: model)) }
        return refusal
    }

    func send(_ event: CloudEvent) { state.withLock { $0.events }?(event) }

    func publish(_ json: [UInt8], isRevision: Bool) { state.withLock { $0.published.append(json) } }

    func publish(audit json: [UInt8]) { state.withLock { $0.audits.append(json) } }

    func publish(plan json: [UInt8]) { plannedContinuation.yield(json) }

    func publish(telemetry json: [UInt8]) { telemetryContinuation.yield(json) }

    /// Whoever waits for a snapshot waits no longer.
    func endTelemetry() { telemetryContinuation.finish() }

    func cancel(frame: UInt64) { state.withLock { $0.cancelled.append(frame) } }

    func publish(health json: [UInt8]) { state.withLock { $0.healths.append(json) } }

    func stop() {
        state.withLock { $0.isStopped = true }
        send(.status(CloudStatus(.autonomous, reason: "stopped")))
    }

    var status: CloudStatus { CloudStatus(.connected, reason: "the test says so") }
    var strays: CloudStrays { state.withLock { $0.strays } }
    var published: [[UInt8]] { state.withLock { $0.published } }
    var audits: [[UInt8]] { state.withLock { $0.audits } }
    var healths: [[UInt8]] { state.withLock { $0.healths } }
    var cancelled: [UInt64] { state.withLock { $0.cancelled } }
    var isStopped: Bool { state.withLock { $0.isStopped } }
}

/// A gate that a thread waits at while it is closed.
final class DispatchGate: Sendable {
    private let ends: (read: CInt, write: CInt)
    private let isClosed = Mutex(false)

    init() {
        var ends: [CInt] = [0, 0]
        unsafe precondition(pipe(&ends) == 0)
        self.ends = (ends[0], ends[1])
    }

    deinit {
        Glibc.close(ends.read)
        Glibc.close(ends.write)
    }

    func close() { isClosed.withLock { $0 = true } }

    /// Lets everybody through from now on.
    func open() {
        isClosed.withLock { $0 = false }
        var byte: UInt8 = 0
        _ = unsafe write(ends.write, &byte, 1)
    }

    func pass() {
        guard isClosed.withLock({ $0 }) else { return }
        var request = pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0)
        unsafe poll(&request, 1, -1)
    }
}

/// A clock that stands still until the test moves it.
final class ManualClock: Sendable {
    private let time = Mutex(Duration.seconds(1000))

    var clock: AgentClock {
        AgentClock(now: { self.time.withLock { $0 } }, wall: { .seconds(1_790_000_000) + self.time.withLock { $0 } })
    }

    func advance(_ agent: Agent, by duration: Duration) {
        advance(by: duration)
        agent.clockMoved()
    }

    /// Nobody is woken.
    func advance(by duration: Duration) { time.withLock { $0 += duration } }
}

/// An agent under test with its decisions.
struct AgentBench {
    let agent: Agent
    let source = ManualSource()
    let clock = ManualClock()
    let records: AsyncStream<DecisionRecord>
    private let continuation: AsyncStream<DecisionRecord>.Continuation

    init(
        _ bundle: Bundle = AgentFixtures.bundle(), cloud: ManualCloud? = nil, clock runningClock: AgentClock? = nil, lines: CInt? = nil,
        logger: Logger = AgentFixtures.quiet, assuming: Agent.Assumptions = Agent.Assumptions(), settings change: (inout AgentSettings) -> Void = { _ in }
    ) throws {
        let (records, continuation) = AsyncStream<DecisionRecord>.makeStream()
        (self.records, self.continuation) = (records, continuation)
        agent = try Agent(
            settings: AgentFixtures.settings(change), bundle: bundle, source: source.source, link: cloud, clock: runningClock ?? clock.clock,
            logger: logger, outputs: Agent.Outputs(lines: lines, onDecision: { continuation.yield($0) }), assuming: assuming)
    }

    /// Stops the agent; the remaining decisions.
    func finish(_ iterator: inout AsyncStream<DecisionRecord>.Iterator) async -> [DecisionRecord] {
        agent.stop()
        continuation.finish()
        var rest: [DecisionRecord] = []
        while let record = await iterator.next(isolation: #isolation) { rest.append(record) }
        return rest
    }
}
