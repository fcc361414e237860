// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Packing
import Planning
import Settings
import TestSupport
import Testing

struct PolicySettingsTests {
    static let head = "risks: [1 %]\ntargets: [{figure: latency}]\n"

    static func parse(_ text: String) throws(SettingsError) -> PolicySettings {
        try PolicySettings.parse(Array(text.utf8), file: "policy.yaml")
    }

    static func problems(_ text: String) -> [String] {
        do {
            _ = try parse(text)
            return []
        } catch {
            return error.lines
        }
    }

    @Test func everyKeyArrives() throws {
        let policy = try Self.parse(
            """
            family: spinn
            thresholds: [60 %, 90 %]
            risks: [0.5 %]
            insurance: always
            constraints:
              - latency: deadline
              - p95-latency: 80 ms
              - deadline-misses: 1 %
              - throughput: 12.5 fps
              - accuracy: 90 %
              - accuracy-loss: 1 %
              - harm: 0.5 %
              - energy: 200 mJ
              - server-time: 500 us
              - bytes: 10 kB
            targets:
              - {figure: server-time, slack: 5 %}
              - {figure: accuracy}
            hysteresis: 10 %
            step: 2 %
            max-in-flight: 8
            probes-per-hour: 0
            """)
        let expected = PolicySettings(
            family: .spinn, levels: [.threshold(0.6), .threshold(0.9), .risk(0.005)], insurance: .always,
            constraints: [
                .deadline(.latency), .value(.highLatency, 0.08), .value(.misses, 0.01), .value(.throughput, 12.5), .value(.accuracy, 0.9), .accuracyLoss(0.01),
                .value(.harm, 0.005), .value(.energy, 0.2), .value(.serverTime, 0.0005), .value(.bytes, 10_000),
            ], targets: [.init(.serverTime, slack: 0.05), .init(.accuracy)], hysteresis: 0.1, step: 0.02, maximumInFlight: 8, probesPerHour: 0)
        #expect(policy == expected)
    }

    @Test func aPolicyMayNameItsOnlyPlan() throws {
        let policy = try Self.parse("only: \"exit 0 ≥ 0.93, send cut 17 as 4 bits, planesLZ4\"\ntargets: [{figure: latency}]\n")
        let plan = Plan(gates: [.init(exit: 0, threshold: 0.93)], upload: Upload(cut: 17, payload: .tensors(bits: 4, .planesLZ4)))
        #expect(policy == PolicySettings(only: plan, targets: [.init(.latency)]))
        #expect(Self.problems("only: send it\ntargets: [{figure: latency}]\n").count == 1)
    }

    @Test func whatAFileLeavesOutHasItsDefault() throws {
        #expect(try Self.parse(Self.head) == PolicySettings(levels: [.risk(0.01)], targets: [.init(.latency)]))
    }

    @Test func everyMistakeIsNamedWithItsLine() {
        #expect(
            Self.problems(
                """
                famly: spinn
                thresholds: [0.8]
                insurance: sometimes
                constraints:
                  - latencey: 50 ms
                  - latency: 50
                    harm: 1 %
                  - {harm: 1 %, bytes: 5 kB}
                  - {}
                  - energy
                  - energy: 2 J
                targets:
                  - figure: speed
                  - {figure: energy, slak: 5 %}
                  - {slack: 5 %}
                hysteresis: 0.05
                probes-per-hour: 9999
                """) == [
                    "policy.yaml:1:1: famly: unknown key, did you mean 'family'?",
                    "policy.yaml:2:14: thresholds[0]: expected 0 … 100 %, found '0.8'",
                    "policy.yaml:3:12: insurance: expected auto | always | never, found 'sometimes'",
                    "policy.yaml:5:5: constraints[0].latencey: unknown key, did you mean 'latency'?",
                    "policy.yaml:6:14: constraints[1].latency: expected deadline or 100 us … 1 h, found '50'",
                    "policy.yaml:8:5: constraints[2]: expected one figure with its bound, found 2",
                    "policy.yaml:9:5: constraints[3]: expected one figure with its bound, found none",
                    "policy.yaml:10:5: constraints[4]: expected keys, found 'energy'",
                    "policy.yaml:11:13: constraints[5].energy: expected 0 … 1000000 mJ, found '2 J'",
                    "policy.yaml:13:13: targets[0].figure: expected latency | p95-latency | deadline-misses | throughput | accuracy | harm | energy | server-time | bytes, found 'speed'",
                    "policy.yaml:14:22: targets[1].slak: unknown key, did you mean 'slack'?",
                    "policy.yaml:15:5: targets[2].figure: missing: expected latency | p95-latency | deadline-misses | throughput | accuracy | harm | energy | server-time | bytes",
                    "policy.yaml:16:13: hysteresis: expected 0 … 100 %, found '0.05'",
                    "policy.yaml:17:18: probes-per-hour: expected 0 … 3600, found '9999'",
                ])
    }

    @Test func aPolicyThatSaysTooLittleOrWhatItsFamilyCantIsAProblem() {
        #expect(
            Self.problems("") == [
                "policy.yaml:1:1: family: the exits of all need thresholds or risks",
                "policy.yaml:1:1: targets: expected at least one figure to be as good as it can",
            ])
        for family in PlanFamily.allCases {
            let text = "family: \(family.rawValue)\ntargets: [{figure: bytes}]\n"
            let needs = ["policy.yaml:1:9: family: the exits of \(family.rawValue) need thresholds or risks"]
            #expect(Self.problems(text) == (family.asksExits ? needs : []))
            let problems = Self.problems(text + "risks: [1 %]\ninsurance: always\n")
            #expect(problems == (family.insures ? [] : ["policy.yaml:4:12: insurance: no plan of the family \(family.rawValue) has one"]))
        }
    }

    /// Four samples, of which the full model is right on three, one exit before the end, and a cut between them.
    private static let table: CalibrationTable = {
        func set(_ samples: [Int]) -> SampleSet { SampleSet(of: 4) { samples.contains($0) } }
        let sent = [Upload(cut: 0, payload: .png), Upload(cut: 3, payload: .tensors(bits: 8, .bytesLZ4))].map {
            CalibrationTable.Sent($0, bytes: [100, 200, 300, 400], right: set([0, 1, 2]))
        }
        return CalibrationTable(
            exits: [.init(position: 2, scores: [0.9, 0.8, 0.3, 0.2], right: set([0, 1])), .init(position: 5, scores: [0.9, 0.9, 0.6, 0.5], right: set([0, 1, 2]))],
            sent: sent, full: set([0, 1, 2]))
    }()
    private static let costs = CostTable(
        exits: [.init(arrival: 0.02, head: 0.001), .init(arrival: 0.05, head: 0)],
        sent: [.init(arrival: 0, packing: 0.001, server: 0.01), .init(arrival: 0.03, packing: 0.001, server: 0.004)])

    @Test func boundsThatDependOnTheAgentOrTheFullModelArePutIn() throws {
        let settings = try Self.parse(Self.head + "constraints: [{latency: deadline}, {accuracy-loss: 25 %}, {bytes: 1 kB}]\nhysteresis: 1 %\nstep: 2 %\n")
        let policy = settings.policy(for: Self.table, deadline: 0.1)
        #expect(policy.constraints.map(\.figure) == [.latency, .accuracy, .bytes])
        #expect(policy.constraints[0].bound == 0.1 && (0.5 - policy.constraints[1].bound).magnitude < 1e-8 && policy.constraints[2].bound == 1000)
        #expect(policy.constraints[1].bound < 0.5, "what loses exactly so much keeps it")
        #expect(policy.targets == [.init(.latency)] && policy.deadline == 0.1 && policy.hysteresis == 0.01 && policy.step == 0.02)
        let patient = settings.policy(for: Self.table, deadline: nil)
        #expect(patient.constraints.map(\.figure) == [.accuracy, .bytes] && patient.deadline == nil)
    }

    @Test func aPlanAsAccurateAsTheFullModelLosesNothing() throws {
        let settings = try Self.parse("family: cloud-only\nconstraints: [{accuracy-loss: 0 %}]\ntargets: [{figure: bytes}]\n")
        let space = PlanSpace(settings.plans(of: Self.table, costs: Self.costs), table: Self.table, costs: Self.costs)
        let conditions = Conditions(board: .init(power: 1), link: .init(radio: .wifi), framePeriod: 0.1)
        #expect(space.choose(by: settings.policy(for: Self.table, deadline: nil), in: conditions).demoted == [])
    }

    @Test func insuranceIsTakenLeftOrRequired() throws {
        func plans(_ insurance: String) throws -> [Plan] {
            try Self.parse(Self.head + "insurance: \(insurance)\n").plans(of: Self.table, costs: Self.costs)
        }
        let all = try plans("auto")
        #expect(try plans("never") == all.filter { $0.insurance == nil })
        #expect(try plans("always") == all.filter { $0.upload == nil || $0.insurance != nil })
        #expect(all.contains { $0.insurance != nil } && all.contains { $0.upload != nil && $0.insurance == nil })
    }

    @Test func theOnlyPlanIsAllThereIsWhereItFitsTheNetwork() throws {
        let any = try Self.parse(Self.head).plans(of: Self.table, costs: Self.costs)
        let plan = try #require(any.first { $0.insurance != nil })
        let policy = PolicySettings(only: plan, targets: [.init(.latency)])
        #expect(policy.plans(of: Self.table, costs: Self.costs) == [plan])
        let foreign = PolicySettings(only: Plan(upload: Upload(cut: 9999, payload: .png)), targets: [.init(.latency)])
        #expect(foreign.plans(of: Self.table, costs: Self.costs).isEmpty)
        // A gate that is asked at the end as well raises that one's thresholds; what comes to the same is one plan.
        let (floor, end) = (0.97, Self.table.end)
        let raised = any.map { $0.raising(end, to: floor) }
        #expect(try Self.parse(Self.head).plans(of: Self.table, costs: Self.costs, endFloor: floor) == raised.indices.filter { raised.firstIndex(of: raised[$0]) == $0 }.map { raised[$0] })
        #expect(raised != any && raised.allSatisfy { ($0.gates + [$0.insurance].compactMap(\.self)).allSatisfy { $0.exit != end || $0.threshold >= floor } })
    }

    @Test func theAgentsFileNamesAPolicyWhoseMistakesAreItsOwn() throws {
        let folder = TemporaryFolder()
        for (file, text) in [("plan.yaml", Self.head), ("bad.yaml", Self.head + "famly: spinn\n")] {
            try Data(text.utf8).write(to: URL(filePath: folder(file)))
        }
        func settings(_ file: String) throws(SettingsError) -> AgentSettings {
            try AgentSettings.parse(Array((AgentSettingsTests.head + "plan: {policy: \(file)}\n").utf8), file: "agent.yaml", folder: folder.path)
        }
        #expect(try settings("plan.yaml").plan == PlanSettings(policyFile: "\(folder.path)/plan.yaml", policy: Self.parse(Self.head)))
        #expect(throws: SettingsError(file: "agent.yaml", problems: [
            Problem(at: Position(line: 4, column: 16), key: "plan.policy", "\(folder.path)/bad.yaml:3:1: famly: unknown key, did you mean 'family'?"),
        ])) { try settings("bad.yaml") }
        #expect(throws: SettingsError(file: "agent.yaml", problems: [
            Problem(at: Position(line: 4, column: 16), key: "plan.policy", "\(folder.path)/none.yaml:1:1: No such file or directory"),
        ])) { try settings("none.yaml") }
        var other = PlanSettings(policyFile: "\(folder.path)/plan.yaml", policy: try Self.parse(Self.head))
        for (text, radio, power) in [("auto", .auto, 3), ("lte", .lte, 1.5), ("3g", .threeG, 0), ("wifi", .wifi, 1000), ("wired", .wired, 2)] as [(String, PlanSettings.RadioKind, Double)] {
            (other.radio, other.power) = (radio, power)
            #expect(try settings("plan.yaml, radio: \(text), power: \(power) W").plan == other)
        }
        #expect(AgentSettingsTests.problems(AgentSettingsTests.head + "plan: {}\n") == ["agent.yaml:4:7: plan.policy: missing: expected a path"])
        #expect(try AgentSettingsTests.parse(AgentSettingsTests.head).plan == nil)
    }

    @Test func damagedFilesAreRefusedOrReadAndNeverCrash() throws {
        let text = Array(try ConfigFolderTests.text("policies/balanced.yaml").utf8)
        for seed in 0..<500 {
            var generator = SeededGenerator(seed: UInt64(seed))
            do {
                _ = try PolicySettings.parse(generator.damaged(text), file: "policy.yaml")
            } catch {
                #expect(!error.problems.isEmpty, "seed \(seed)")
            }
        }
    }
}
