// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Demonstration
internal import Networks
internal import Planning
internal import Settings

/// `swiftlet plan BUNDLE --policy FILE`: what an agent would run where, what that costs, and why.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show which plan a policy chooses on a board and a link, and why not another.",
        discussion: """
            A plan says which exits the board asks and how sure they must be, where the network is divided, how what crosses is packed, and what the board does meanwhile. \
            What plans are right about comes from the bundle's calibration table, sample by sample. What the network and packing take is measured here; --board says how much \
            slower a board is and what it draws, --pair has the full network measured for the server.

            Figures are those of a frame: latency and energy are means, p95 is what 95 of 100 frames keep, frames/s is what the slowest of board, packing, link and server takes, or the places \
            in flight, each held until its answer comes; \
            harm is a wrong answer where the full model has the right one. A policy's bounds are kept on the table's images as they are; nothing is proved for new ones. What is \
            proved is the certified gate: swiftlet compile --pair.
            """)

    @Argument(help: ArgumentHelp("The board's network, with a table of plans.", valueName: "bundle"))
    var bundle: String

    @Option(help: ArgumentHelp("What to choose by: a file of Config/policies, or your own.", valueName: "file.yaml"))
    var policy: String

    @Option(help: ArgumentHelp("A file of Board; without it the board is this machine.", valueName: "file.yaml"))
    var board: String?

    @Option(help: ArgumentHelp("Without --board: what computing draws.", valueName: "W"))
    var power = 3.0

    @Option(help: ArgumentHelp("The full network, which the server runs; without it the server takes as long as this machine for the board's.", valueName: "bundle"))
    var pair: String?

    @OptionGroup var situation: PlanConditions

    @Option(help: ArgumentHelp("When each frame must be decided, or none.", valueName: "time"))
    var deadline = OptionalTime(seconds: 0.1)

    @Option(help: "Plans to show.")
    var count = 5

    @Option(help: ArgumentHelp("Show what is chosen at 0.5 … 100 Mbit/s instead: bandwidth.", valueName: "estimate"))
    var sweep: SweptEstimate?

    @Option(help: ArgumentHelp("With --sweep: a picture of it.", valueName: "file.svg"))
    var plot: String?

    @Flag(help: "Measure how long a choice takes instead: among 5000 plans, at more levels of the exits than the policy has, or among as many as there are.")
    var time = false

    @Option(help: "Threads to run networks with.")
    var threads = 1

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (1...100_000).contains(count) else { throw ValidationError("--count must be 1 … 100000") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be 1 … 64") }
        guard (0...1000).contains(power) else { throw ValidationError("--power must be 0 … 1000") }
        if plot != nil, sweep == nil { throw ValidationError("--plot needs --sweep") }
        if let plot, !plot.lowercased().hasSuffix(".svg") { throw ValidationError("--plot writes SVG: give it a name that ends in .svg") }
        if sweep != nil, situation.link == .none { throw ValidationError("--sweep needs a link") }
        if sweep != nil, situation.uplink != nil { throw ValidationError("--sweep goes through all uplinks: it excludes --uplink") }
        if sweep != nil, time { throw ValidationError("--sweep and --time exclude each other") }
    }

    func run() throws { try exiting { try plan() } }

    private func plan() throws {
        let settings = try PolicySettings.load(policy)
        let profile = try board.map { try BoardSettings.load($0) }
        if ModelFile.isONNX(bundle) { throw CommandFailure(.usage, "\(bundle) is no bundle: compile it first") }
        if let pair, ModelFile.isONNX(pair) { throw CommandFailure(.usage, "\(pair) is no bundle: compile it first, with --precision fp32") }
        let content = try Bundle(contentsOf: bundle)
        let full = try pair.map { try Bundle(contentsOf: $0) }
        let name = content.details.name
        let measured = try PlanCosts(content, path: bundle, full: full, threads: threads, profile: profile)
        guard let details = content.details.plans else { return }
        let (table, costs) = (measured.table, measured.costs)
        let names = PlanNames(details, of: content.graph, table: table)
        let wanted = settings.policy(for: table, deadline: deadline.seconds)
        let conditions = situation.conditions(power: profile?.power ?? power, variation: profile?.variation ?? measured.variation)
        let plans = settings.plans(of: table, costs: costs, endFloor: content.details.endFloor)
        guard !plans.isEmpty else {
            let wanted = settings.only.map { "the plan '\($0.exactText)'" } ?? "a plan of the family \(settings.family.rawValue)"
            throw CommandFailure(.badData, "\(bundle) doesn't have \(wanted)")
        }
        if time {
            let timing = ChoiceTiming(settings, table: table, costs: costs, endFloor: content.details.endFloor, policy: wanted, in: conditions)
            if json { try printJSON(timing) } else { try printLine(timing.text) }
            return
        }
        let space = PlanSpace(plans, table: table, costs: costs, endFloor: content.details.endFloor)
        let header = PlanHeader(
            network: name, plans: plans.count, board: boardText(profile), link: situation.radio, server: serverText(measured, full), policyFile: policy, settings: settings, policy: wanted,
            period: situation.period.seconds)
        if sweep != nil {
            let sweep = PlanSweep(space, by: wanted, in: conditions, names: names, uplinks: PlanSweep.uplinks(121))
            if let plot { try writeText(PlanPlot(sweep, policy: wanted, title: "\(name), \(header.policyName): what is chosen at which bandwidth").svg, to: plot) }
            if json { try printJSON(sweep) } else { try printLine(header.text(withUplink: false) + "\n\n" + sweep.text()) }
        } else {
            let report = PlanReport(space, by: wanted, in: conditions, names: names, samples: table.samples, count: count)
            if json { try printJSON(report) } else { try printLine(header.text() + "\n\n" + report.text) }
        }
    }

    private func boardText(_ profile: BoardSettings?) -> String {
        let cores = "\(threads) thread\(threads == 1 ? "" : "s")"
        guard let profile else { return "this machine, \(cores), as measured now; \(fixed(power, 1)) W assumed" }
        let source = profile.measured.map { "measured by \($0.by) on \($0.on)" } ?? "assumed, not measured"
        return "\(profile.name), \(source); \(fixed(profile.power, 1)) W"
    }

    private func serverText(_ measured: PlanCosts, _ full: Bundle?) -> String {
        let kind = full == nil ? "this machine with the board's network" : "this machine with the full network"
        let factor = situation.serverSlowdown == 1 ? "" : ", \(situation.serverSlowdown.threeDigits) times slower"
        let whole = measured.table.sent.indices.filter { measured.table.sent[$0].upload.cut == 0 }.map { measured.costs.sent[$0].server }.max()
        let time = whole.map { ": \(Figure.serverTime.words($0 * situation.serverSlowdown)) for a frame" } ?? ""
        return kind + factor + time + (situation.queue.seconds > 0 ? ", after \(Figure.latency.words(situation.queue.seconds)) in its queue" : "")
    }
}
