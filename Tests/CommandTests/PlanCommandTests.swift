// SPDX-License-Identifier: Apache-2.0
import Certification
import Foundation
import Gating
import Networks
import Packing
import Planning
import Rehearsal
import TestSupport
import Testing
import swiftlet

/// What `swiftlet plan` says, beside what the planner says.
struct PlanCommandTests {
    private static let samples = 200

    /// Exits and uploads whose later ones are right more often.
    private static func table(exits: [Int], cuts: [Int]) -> CalibrationTable {
        var generator = SeededGenerator(seed: 5)
        let difficulty = (0..<samples).map { _ in Double.random(in: 0..<1, using: &generator) }
        func rights(_ skill: Double) -> SampleSet { SampleSet(of: samples) { difficulty[$0] < skill } }
        func sizes(_ size: Int) -> [UInt32] { (0..<samples).map { _ in UInt32.random(in: UInt32(size - 100)...UInt32(size + 100), using: &generator) } }
        let tableExits = exits.enumerated().map { index, position in
            let right = rights(index == exits.count - 1 ? 0.9 : 0.7)
            return CalibrationTable.Exit(position: position, scores: (0..<samples).map { Float(1 - difficulty[$0]) }, right: right)
        }
        var sent = [CalibrationTable.Sent(Upload(cut: 0, payload: .jpeg(quality: 80)), bytes: sizes(4000), right: rights(0.93))]
        for cut in cuts {
            for bits in [UInt8(4), 8] {
                sent.append(CalibrationTable.Sent(Upload(cut: cut, payload: .tensors(bits: bits, .mixed)), bytes: sizes(500 * Int(bits)), right: rights(0.9 + 0.005 * Double(bits))))
            }
        }
        return CalibrationTable(exits: tableExits, sent: sent, full: rights(0.94))
    }

    private static func toy() -> (space: PlanSpace, names: PlanNames) {
        let table = table(exits: [5, 12], cuts: [3, 8])
        let costs = CostTable(
            exits: [.init(arrival: 0.02, head: 0.002), .init(arrival: 0.05, head: 0)],
            sent: table.sent.map { .init(arrival: 0.004 * Double($0.upload.cut), packing: 0.001, server: 0.0005 * Double(12 - $0.upload.cut)) })
        let plans = PlanSpace.plans(of: table, costs: costs, levels: [.threshold(0.5), .risk(0.02)])
        return (PlanSpace(plans, table: table, costs: costs), PlanNames(exits: ["early", "logits"], cuts: [3: "conv3", 8: "add8"], table: table))
    }

    private static let policy = Policy(
        constraints: [.init(.accuracy, 0.9), .init(.latency, 0.02), .init(.bytes, 2)], targets: [.init(.highLatency, slack: 0.1), .init(.energy)], deadline: 0.2)

    private static func conditions(uplink: Double = 5) -> Conditions {
        var radio = Radio.lte
        radio.uplink = uplink
        return Conditions(board: .init(power: 3), link: .init(radio: radio), framePeriod: 0.1)
    }

    private struct Report: Decodable {
        struct Gate: Decodable {
            var exit: Int
            var name: String
            var threshold: Double
        }

        struct Sending: Decodable {
            var cut: Int
            var name: String
            var payload: String
        }

        struct Entry: Decodable {
            var plan: String
            var description: String
            var gates: [Gate]
            var upload: Sending?
            var insurance: Gate?
            var figures: [String: Double]
            var lost: String?
            var alike: Int
        }

        var plans: Int
        var samples: Int
        var accuracy_interval: [Double]
        var harm_interval: [Double]
        var ranking: [Entry]
        var demoted: [String]
        var violated: [String]
    }

    private struct Sweep: Decodable {
        struct Point: Decodable {
            var uplink_mbps: Double
            var plan: Int
            var figures: [String: Double]
        }

        var plans: [String]
        var points: [Point]
    }

    private struct Timing: Decodable {
        var plans: Int
        var choices: Int
        var median_us: Double
        var p99_us: Double
        var worst_us: Double
    }

    @Test func theReportIsThePlannersChoiceInWords() throws {
        let (space, names) = Self.toy()
        let choice = space.choose(by: Self.policy, in: Self.conditions(), ranked: 48)
        let report = PlanReport(space, by: Self.policy, in: Self.conditions(), names: names, samples: Self.samples, count: 6)
        let read = try JSONDecoder().decode(Report.self, from: JSONEncoder().encode(report))
        #expect(read.plans == space.plans.count && read.ranking.count == 6)
        let ranking = choice.ranking
        var place = 0
        for entry in read.ranking {
            let choice = ranking[place]
            let plan = space.plans[choice.plan]
            #expect(Plan(entry.plan) == plan)
            #expect(entry.description == names.describe(plan) && entry.upload?.cut == plan.upload?.cut && entry.upload?.payload == plan.upload?.payload.description)
            #expect(entry.gates.map(\.threshold) == plan.gates.map(\.threshold) && entry.insurance?.exit == plan.insurance?.exit)
            for (key, figure, scale) in [
                ("latency_ms", Figure.latency, 1000.0), ("p95_latency_ms", .highLatency, 1000), ("deadline_misses", .misses, 1), ("throughput_fps", .throughput, 1),
                ("accuracy", .accuracy, 1), ("harm", .harm, 1), ("energy_mj", .energy, 1000), ("server_time_ms", .serverTime, 1000), ("bytes", .bytes, 1),
            ] { #expect(entry.figures[key] == choice.figures[figure] * scale, "\(key)") }
            #expect((entry.lost == nil) == (choice.lost == nil))
            for other in entry.alike > 0 ? 1...entry.alike : 0...0 { #expect(ranking[place + other].figures == choice.figures) }
            place += 1 + entry.alike
        }
        #expect(read.demoted == choice.demoted.map(\.words) && read.violated.count == choice.violated.count && !read.violated.isEmpty)
        let text = report.text
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 120 })
        for words in ["latency ms", "sent kB", "lost: ", String(names.describe(space.plans[choice.plan]).prefix(20)), "No plan keeps 'latency ≤ 20.0 ms'"] {
            #expect(text.contains(words), "\(text)")
        }
    }

    @Test func theReportSaysOnHowManySamplesItsFiguresRestAndHowFirmTheyAre() throws {
        let (space, names) = Self.toy()
        // Without a link the board answers everything: its shares are counts.
        let conditions = Conditions(board: .init(power: 3), link: nil, framePeriod: 0.1)
        let report = PlanReport(space, by: Policy(targets: [.init(.accuracy)]), in: conditions, names: names, samples: Self.samples, count: 1)
        let read = try JSONDecoder().decode(Report.self, from: JSONEncoder().encode(report))
        let first = try #require(read.ranking.first).figures
        for (share, interval) in [(first["accuracy"], read.accuracy_interval), (first["harm"], read.harm_interval)] {
            let share = try #require(share)
            let expected = Proportion(Int((share * Double(Self.samples)).rounded()), of: Self.samples).interval(confidence: 0.95)
            #expect(interval == [expected.lowerBound, expected.upperBound] && expected.contains(share))
        }
        #expect(read.samples == Self.samples && report.text.contains("Of 200 samples: the first plan right "), "\(report.text)")
        // With a link it depends on when answers arrive, too.
        let late = PlanReport(space, by: Self.policy, in: Self.conditions(uplink: 0.7), names: names, samples: Self.samples, count: 1)
        #expect(late.accuracy_interval.contains(try #require(late.ranking[0].figures["accuracy"])))
        #expect(late.harm_interval.contains(try #require(late.ranking[0].figures["harm"])))
    }

    @Test(arguments: PackingForm.allCases)
    func spinnSendsEightBitsWithLZ4AndNothingElse(form: PackingForm) {
        for bits in UInt8(2)...8 {
            let sends = PlanFamily.spinn.sends(Upload(cut: 3, payload: .tensors(bits: bits, form)))
            #expect(sends == (bits == 8 && (form == .bytesLZ4 || form == .planesLZ4)), "\(bits) bits")
        }
    }

    @Test func plansAreNamedInTheNetworksTerms() {
        let names = Self.toy().names
        let (early, end) = (Plan.Gate(exit: 0, threshold: 0.931), Plan.Gate(exit: 1, threshold: 0.5))
        let cut = Upload(cut: 3, payload: .tensors(bits: 4, .mixed))
        for (plan, words) in [
            (Plan(), "the board alone: the end"), (Plan(gates: [early]), "the board alone: early ≥ 93.1 %, else the end"),
            (Plan(gates: [.init(exit: 0, threshold: 0)]), "the board alone, up to early"),
            (Plan(gates: [early], upload: cut, insurance: end), "early ≥ 93.1 %, else send after conv3, 4 bits: 2.0 kB; meanwhile the end ≥ 50.0 %"),
            (Plan(upload: Upload(cut: 0, payload: .jpeg(quality: 80))), "send the frame, JPEG 80: 4.0 kB"),
            (Plan(upload: Upload(cut: 8, payload: .floats, exit: 0)), "send after add8, floats for early of the cloud"),
        ] { #expect(names.describe(plan) == words) }
    }

    @Test func whyAPlanLostIsSaidInItsFigures() {
        let (space, _) = Self.toy()
        let forecast = Forecast(space, in: Self.conditions(), deadline: 0.2)
        let order = space.plans.indices.sorted { forecast.figures($0)[.latency] < forecast.figures($1)[.latency] }
        let (first, last) = (forecast.figures(order[0]), forecast.figures(order[order.count - 1]))
        func words(_ reason: Choice.Reason) -> String { reason.words(last, first: first, policy: Self.policy) }
        #expect(words(.target(.latency)).hasPrefix("worse in latency: \(Figure.latency.words(last[.latency])), "))
        #expect(words(.constraint(.init(.latency, first[.latency]))) == "doesn't keep latency ≤ \(Figure.latency.words(first[.latency])): \(Figure.latency.words(last[.latency]))")
        #expect(words(.constraint(.init(.latency, 0.001))).hasPrefix("misses latency ≤ 1.00 ms by more: "))
        #expect(words(.hysteresis) == "better by less than 5 %: not worth a change")
        #expect(words(.order) == "just as good in all that the policy asks for")
        #expect(Policy.Constraint(.accuracy, 0.9).words == "accuracy ≥ 90.00 %" && Policy.Constraint(.bytes, 2100).words == "bytes ≤ 2.1 kB")
    }

    @Test func theSweepIsTheChoiceAtEachBandwidth() throws {
        let (space, names) = Self.toy()
        let uplinks = PlanSweep.uplinks(13)
        #expect(uplinks.count == 13 && uplinks[0] == 0.5 && (uplinks[12] - 100).magnitude < 1e-9 && uplinks == uplinks.sorted())
        let policy = Policy(targets: [.init(.latency)])
        let sweep = PlanSweep(space, by: policy, in: Self.conditions(), names: names, uplinks: uplinks)
        let read = try JSONDecoder().decode(Sweep.self, from: JSONEncoder().encode(sweep))
        #expect(read.plans.count > 1)
        for (point, uplink) in zip(read.points, uplinks) {
            let choice = space.choose(by: policy, in: Self.conditions(uplink: uplink))
            #expect(point.uplink_mbps == uplink && read.plans[point.plan] == names.describe(space.plans[choice.plan]))
            #expect(point.figures["latency_ms"] == choice.ranking[0].figures[.latency] * 1000)
        }
        let text = sweep.text(every: 4)
        for plan in read.plans { #expect(text.contains(plan)) }
    }

    /// The demonstration's network with a made-up table.
    private func planned(_ folder: TemporaryFolder) async throws -> (bundle: String, table: CalibrationTable) {
        let bundles = try await FlightBundles.shared
        var bundle = try Bundle(contentsOf: bundles.board)
        let graph = bundle.graph.orderedByExits()
        let cuts = graph.cuts.filter { $0.position > 2 && $0.crossing.count == 1 && graph[$0.crossing[0]].shape.count == 4 }
        let chosen = [cuts[0], cuts[cuts.count / 2]]
        let table = Self.table(exits: graph.exitPositions, cuts: chosen.map(\.position))
        bundle.details.plans = PlanDetails(
            fullModel: try Bundle(contentsOf: bundles.cloud).details.weightsDigest, measure: .topOne, exits: graph.outputs.map { .init(name: graph[$0].name, temperature: 1) },
            cuts: chosen.map { cut in
                PlanDetails.Cut(position: cut.position, fullPosition: 1, crossing: cut.crossing.map { .init(name: graph[$0].name, shape: graph[$0].shape) })
            }, table: table.encoded())
        try bundle.write(to: folder("plans.swiftlet"))
        return (folder("plans.swiftlet"), table)
    }

    private static func policyFile(_ name: String) -> String { FlightBundles.configuration + "/policies/\(name).yaml" }

    @Test func theCommandChoosesForABundle() async throws {
        let folder = TemporaryFolder()
        let (bundle, table) = try await planned(folder)
        func report(_ policy: String) async throws -> Report {
            let outcome = try await tool(["plan", bundle, "--policy", Self.policyFile(policy), "--deadline", "none", "--count", "3", "--json"])
            #expect(outcome.ending == .exited(0), "\(outcome)")
            return try JSONDecoder().decode(Report.self, from: Data(outcome.output.joined().utf8))
        }
        let device = try await report("device-only")
        #expect(device.plans == 1 && device.ranking[0].description == "the board alone: the end")
        #expect(device.ranking[0].figures["accuracy"] == Double(table.exits[table.end].right.count) / Double(Self.samples) && device.ranking[0].figures["bytes"] == 0)
        let words = try await tool(["plan", bundle, "--policy", Self.policyFile("device-only")])
        #expect(words.output.first?.contains(": 1 plan of device-only") == true, "\(words)")
        let cloud = try await report("cloud-only")
        let frame = table.sent[0]
        #expect(cloud.plans == 1 && cloud.ranking[0].upload?.cut == 0 && cloud.ranking[0].upload?.payload == "JPEG 80")
        #expect(try #require(cloud.ranking[0].figures["bytes"]) == Double(frame.bytes.reduce(0) { $0 + Int($1) }) / Double(Self.samples))
        #expect(try #require(cloud.ranking[0].figures["latency_ms"]) > 40, "a round trip of LTE")
        let balanced = try await report("balanced")
        #expect(balanced.plans > 10 && balanced.ranking.count == 3 && balanced.ranking[0].lost == nil && balanced.ranking.dropFirst().allSatisfy { $0.lost != nil })
        let text = try await tool([
            "plan", bundle, "--policy", Self.policyFile("balanced"), "--link", "wifi", "--uplink", "2Mbit/s", "--board", FlightBundles.configuration + "/../Board/assumed-cortex-a53.yaml",
        ])
        #expect(text.ending == .exited(0), "\(text)")
        for words in ["Cortex-A53 at 1.4 GHz, assumed, not measured", "WiFi: 2.00 Mbit/s", "decided within 100 ms", "lost: ", "Of 200 samples"] { #expect(text.text.contains(words), "\(text)") }
        #expect(text.output.allSatisfy { $0.count <= 120 }, "\(text)")
    }

    @Test func theSweepIsPrintedAndDrawn() async throws {
        let folder = TemporaryFolder()
        let bundle = try await planned(folder).bundle
        let outcome = try await tool(["plan", bundle, "--policy", Self.policyFile("lowest-latency"), "--sweep", "bandwidth", "--plot", folder("plan.svg"), "--json"])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        let sweep = try JSONDecoder().decode(Sweep.self, from: Data(outcome.output.joined().utf8))
        #expect(sweep.points.count == 121 && sweep.points.allSatisfy { sweep.plans.indices.contains($0.plan) })
        let drawing = try String(contentsOf: URL(filePath: folder("plan.svg")), encoding: .utf8)
        #expect(drawing.hasPrefix("<svg") && drawing.hasSuffix("</svg>\n"))
        for plan in sweep.plans { #expect(drawing.contains(plan), "\(plan)") }
    }

    @Test func whatCantBeChosenAmongIsAnErrorOfOneLine() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        // Without plans, and with exits that are calibrated but no table yet.
        var calibrated = try Bundle(contentsOf: bundles.board)
        for plans in [nil, PlanDetails(exits: calibrated.graph.outputs.map { .init(name: calibrated.graph[$0].name, temperature: 1) })] {
            calibrated.details.plans = plans
            try calibrated.write(to: folder("bare.swiftlet"))
            let bare = try await tool(["plan", folder("bare.swiftlet"), "--policy", Self.policyFile("balanced")])
            #expect(bare.ending == .exited(65) && bare.text.contains("bare.swiftlet has no table") && bare.text.contains("swiftlet tabulate"), "\(bare)")
        }
        let (bundle, _) = try await planned(folder)
        try Data("targets: [{figure: speed}]\nrisks: [1 %]\n".utf8).write(to: URL(filePath: folder("bad.yaml")))
        let damaged = try await tool(["plan", bundle, "--policy", folder("bad.yaml")])
        #expect(damaged.ending == .exited(78) && damaged.text.contains("bad.yaml:1:20: targets[0].figure: expected latency"), "\(damaged)")
        let other = try await tool(["plan", bundle, "--policy", Self.policyFile("balanced"), "--pair", bundles.board])
        #expect(other.ending == .exited(65) && other.text.contains("isn't the one"), "\(other)")
        let model = FlightBundles.configuration + "/models/flight-cloud.onnx"
        for arguments in [[model], [bundle, "--pair", model]] {
            let outcome = try await tool(["plan"] + arguments + ["--policy", Self.policyFile("balanced")])
            #expect(outcome.ending == .exited(64) && outcome.text.contains("flight-cloud.onnx is no bundle: compile it first"), "\(outcome)")
        }
        let slow = try await tool(["plan", bundle, "--policy", Self.policyFile("balanced"), "--server-slowdown", "1e300"])
        #expect(slow.ending == .exited(64) && slow.text.contains("must be 0.001 … 1000000"), "\(slow)")
        for arguments in [
            ["--sweep", "bandwidth", "--uplink", "3Mbit/s"], ["--plot", "x.svg"], ["--uplink", "6"], ["--sweep", "weather"], ["--deadline", "0ms"], ["--link", "5g"],
            ["--sweep", "bandwidth", "--link", "none"],
        ] {
            let outcome = try await tool(["plan", bundle, "--policy", Self.policyFile("balanced")] + arguments)
            #expect(outcome.ending == .exited(64), "\(arguments): \(outcome)")
        }
    }

    @Test func choicesAmongAllPlansOfABundleAreTimed() async throws {
        let folder = TemporaryFolder()
        let bundle = try await planned(folder).bundle
        let outcome = try await tool(["plan", bundle, "--policy", Self.policyFile("balanced"), "--time", "--json"])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        let timing = try JSONDecoder().decode(Timing.self, from: Data(outcome.output.joined().utf8))
        #expect(timing.choices == 1000 && timing.plans > 1)
        #expect(0 < timing.median_us && timing.median_us <= timing.p99_us && timing.p99_us <= timing.worst_us)
    }
}
