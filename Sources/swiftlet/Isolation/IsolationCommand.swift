// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Threads

/// `swiftlet bench-isolation`: whether what the cloud is like shows in the time of the board's own answers.
struct IsolationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-isolation", abstract: "Measure frame times with the cloud off, there, refused, black-holed and slow.",
        discussion: """
            The agent runs in blocks of some seconds, one condition each, in an order drawn anew every round; each block begins connected. Times \
            are compared with the blocks without a cloud, as ratios of quantiles with intervals over rounds; "off, again" is the same condition \
            twice and shows what the machine's own noise does. With two cores or more the whole agent has one and the private cloud another.
            """)

    @Option(help: "Rounds of one block each, 2 or more.")
    var rounds = 20

    @Option(help: "Seconds that are measured in a block.")
    var seconds = 2.0

    @Option(help: "Frames a second.")
    var rate = 300.0

    @Option(help: "Frames whose highest probability is below this ask the cloud.")
    var threshold = "99 %"

    @Option(help: "Another seed is another flight and another order.")
    var seed: UInt64 = 910_000

    @Option(help: ArgumentHelp("The folder of flight-board.onnx and flight-cloud.onnx.", valueName: "folder"))
    var models: String?

    @Flag(help: "Let agent and cloud share all cores.")
    var unpinned = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard rounds >= 2, rounds <= 10_000 else { throw ValidationError("--rounds must be 2 … 10000") }
        guard seconds >= 0.1, seconds <= 60 else { throw ValidationError("--seconds must be 0.1 … 60") }
        guard rate >= 1, rate <= 1000 else { throw ValidationError("--rate must be 1 … 1000") }
    }

    func run() throws { try exiting { try measure() } }

    private func measure() throws {
        let signals = StopSignals()
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        _ = try DemoNetworks.compile(models: models ?? DemoNetworks.folder(), into: folder.path)
        var isPinned = try !unpinned && Cores.cloud.keep()
        let stage = try Stage(folder: folder.path)
        defer { stage.strike() }
        if isPinned { isPinned = try Cores.board.keep() }
        let bench = try IsolationBench(
            stage: stage, rate: rate, seconds: seconds, threshold: threshold, seed: seed, folder: folder.path, signals: signals)
        var blocks: [IsolationCondition: [IsolationBench.Block]] = [:]
        var bar = ProgressBar("bench-isolation", total: rounds)
        var order = DrawnOrder(seed: seed)
        for round in 0..<rounds {
            for condition in IsolationCondition.allCases.shuffled(using: &order) {
                guard let block = try bench.run(condition) else { throw ExitCode(130) }
                blocks[condition, default: []].append(block)
            }
            bar.update(round + 1)
        }
        _ = consume bar
        let report = IsolationReport(rounds: rounds, isPinned: isPinned, blocks: blocks)
        if json { try printJSON(report) } else { try printLine(report) }
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
private struct DrawnOrder: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
