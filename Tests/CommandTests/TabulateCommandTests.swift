// SPDX-License-Identifier: Apache-2.0
import Foundation
import Gating
import Images
import Networks
import Packing
import Planning
import Rehearsal
import TestSupport
import Testing

/// The table that plans are replayed from, measured by the tool, and held against board and cloud going through the images themselves.
struct TabulateCommandTests {
    private struct Report: Decodable {
        struct Share: Decodable {
            var value: Double
            var count: Int
        }

        struct Exit: Decodable {
            var name: String
            var position: Int
            var accuracy: Share
            var accepted: Share
        }

        struct Choice: Decodable {
            var payload: String
            var bits: Int?
            var form: String?
            var exit: Int?
            var bytes: Double
            var accuracy: Share
        }

        struct Place: Decodable {
            var position: Int
            var full_position: Int
            var shapes: [[Int]]
            var multiply_adds_before: Int
            var uploads: [Choice]
        }

        var samples: Int
        var labelled: Bool
        var full_model: String
        var full_accuracy: Share
        var measure: String
        var exits: [Exit]
        var cuts: [Place]
        var shared_cuts: Int
        var unlike_cuts: Int
    }

    private func report(_ arguments: [String]) async throws -> Report {
        let outcome = try await tool(["tabulate"] + arguments + ["--json"])
        #expect(outcome.ending == .exited(0), "\(outcome)")
        return try JSONDecoder().decode(Report.self, from: Data(outcome.output.joined().utf8))
    }

    private func table(_ path: String) throws -> (bundle: Networks.Bundle, plans: PlanDetails, table: CalibrationTable) {
        let bundle = try Networks.Bundle(contentsOf: path, isThorough: true)
        let plans = try #require(bundle.details.plans)
        return (bundle, plans, try CalibrationTable(decoding: plans.table))
    }

    private func images(_ path: String, limit: Int) throws -> [(image: Image, label: Int)] {
        let set = try ImageSet(path: path)
        let count = min(limit, set.count)
        return try (0..<count).map { place in
            let index = place * set.count / count
            return (try set.image(at: index), try #require(set.entries[index].label))
        }
    }

    @Test func ofANetworkWithAnExitEveryPlansReplayIsWhatItsImagesGive() async throws {
        let toy = try ToyNetworks()
        let path = toy.folder("tabulated.swiftlet")
        let report = try await report([toy.board, "--pair", toy.cloud, "--images", toy.images, "-o", path])
        #expect(report.samples == 60 && report.labelled && report.exits.map(\.name) == ["early", "end"] && report.unlike_cuts == 0)
        let (bundle, plans, table) = try table(path)
        let cloud = try Networks.Bundle(contentsOf: toy.cloud)
        #expect(plans.fullModel == cloud.details.weightsDigest && report.full_model == plans.fullModel)
        #expect(table.exits.map(\.position) == bundle.graph.orderedByExits().exitPositions)
        // A cut before the exit and one behind it, whatever they send: an exit before a cut is a reason for it.
        let (before, behind) = (plans.cuts.filter { $0.position < table.exits[0].position }, plans.cuts.filter { $0.position >= table.exits[0].position })
        #expect(behind.count >= 2 && before.count <= 1)
        let flight = try DividedFlight(board: bundle, full: cloud)
        let images = try images(toy.images, limit: 60)
        let middle = table.exits.map { exit in Double(exit.scores.sorted()[30]) }
        let (first, last) = (try #require(behind.first).position, try #require(behind.last).position)
        let uploads = [
            nil, Upload(cut: 0, payload: .jpeg(quality: 75)), Upload(cut: 0, payload: .png), Upload(cut: first, payload: .tensors(bits: 8, .planesLZ4)),
            Upload(cut: first, payload: .tensors(bits: 3, .symbols)), Upload(cut: last, payload: .floats),
        ]
        for upload in uploads {
            var kinds = [Plan(upload: upload), Plan(gates: [.init(exit: 0, threshold: middle[0])], upload: upload)]
            if upload?.cut == 0 || upload == nil { kinds.append(Plan(gates: [.init(exit: 1, threshold: middle[1])], upload: upload)) }
            if let cut = upload?.cut, cut > 0 {
                kinds.append(Plan(gates: [.init(exit: 0, threshold: middle[0])], upload: upload, insurance: .init(exit: 1, threshold: middle[1])))
            }
            for plan in kinds {
                let replay = table.replay(plan)
                let measured = try flight.replay(plan, images: images)
                #expect(measured == replay, "\(plan)")
                if plan.gates.first?.exit == 0 { #expect(replay.answered[0].samples == 30) }
            }
        }
        // Edgent's: the cloud stops at an exit that it has, too, and that isn't behind it.
        for sent in table.sent where sent.upload.exit != nil { #expect(sent.upload.exit == 0 && (1...table.exits[0].position).contains(sent.upload.cut)) }
        #expect(table.sent.contains { $0.upload == Upload(cut: table.exits[0].position, payload: .floats, exit: 0) })
    }

    @Test func theTableDoesntDependOnThreadsAndIsWrittenOnlyWhereItIsAskedFor() async throws {
        let toy = try ToyNetworks(outputs: ["end"])
        let before = try Data(contentsOf: URL(filePath: toy.board))
        let base = [toy.board, "--pair", toy.cloud, "--images", toy.images, "--limit", "20"]
        _ = try await report(base)
        #expect(try Data(contentsOf: URL(filePath: toy.board)) == before)
        var tables: [CalibrationTable] = []
        for threads in ["1", "3"] {
            let path = toy.folder("tabulated-\(threads).swiftlet")
            let outcome = try await tool(["tabulate"] + base + ["--threads", threads, "-o", path])
            #expect(outcome.ending == .exited(0) && outcome.text.contains("20 images") && outcome.text.contains("JPEG 75"), "\(outcome)")
            #expect(outcome.errors.contains { $0.hasPrefix("swiftlet: warning: 20 images") }, "\(outcome)")
            tables.append(try table(path).table)
        }
        #expect(tables[0] == tables[1] && tables[0].samples == 20 && tables[0].exits.count == 1)
        let inspected = try await tool(["inspect", toy.folder("tabulated-1.swiftlet")])
        #expect(inspected.ending == .exited(0) && inspected.text.contains("plans          20 images, 1 exit,"), "\(inspected)")
        let bare = try await tool(["inspect", toy.board])
        #expect(bare.ending == .exited(0) && bare.text.contains("plans          no table"), "\(bare)")
        // Exits that are calibrated, and no table yet.
        var calibrated = try Networks.Bundle(contentsOf: toy.board)
        calibrated.details.plans = PlanDetails(
            fullModel: "", measure: .margin, exits: [PlanDetails.Exit(name: "end", temperature: 1.5)], cuts: [], table: [])
        try calibrated.write(to: toy.folder("calibrated.swiftlet"))
        let inspectedEarly = try await tool(["inspect", toy.folder("calibrated.swiftlet")])
        #expect(inspectedEarly.ending == .exited(0) && inspectedEarly.text.contains("plans          no table"), "\(inspectedEarly)")
        let measured = toy.folder("measured.swiftlet")
        _ = try await report([toy.folder("calibrated.swiftlet")] + base.dropFirst() + ["-o", measured])
        #expect(try table(measured).plans.exits == [PlanDetails.Exit(name: "end", temperature: 1.5)])
        // Again, on top of the table that is there.
        let again = toy.folder("again.swiftlet")
        _ = try await report([toy.folder("tabulated-1.swiftlet")] + base.dropFirst() + ["-o", again])
        #expect(try table(again).table == tables[0])
    }

    @Test func everyNumberOfTheReportIsTheTables() async throws {
        let toy = try ToyNetworks()
        let path = toy.folder("tabulated.swiftlet")
        let report = try await report([toy.board, "--pair", toy.cloud, "--images", toy.images, "-o", path])
        let (bundle, plans, table) = try table(path)
        #expect(report.cuts.map(\.position) == [0] + plans.cuts.map(\.position) && report.cuts.map(\.full_position) == [0] + plans.cuts.map(\.fullPosition))
        #expect(report.cuts.reduce(0) { $0 + $1.uploads.count } == table.sent.count)
        #expect(report.full_accuracy.count == table.full.count && report.exits.map(\.accuracy.count) == table.exits.map(\.right.count))
        for (exit, row) in report.exits.enumerated() {
            let accepted = table.accepted(Plan.Gate(exit: exit, threshold: 0.8))
            #expect(row.accepted.count == accepted.count)
        }
        let graph = bundle.graph.orderedByExits()
        for (earlier, cut) in zip(report.cuts, report.cuts.dropFirst()) { #expect(earlier.multiply_adds_before <= cut.multiply_adds_before) }
        for cut in report.cuts.dropFirst() {
            let numbers = graph.cuts[cut.position].crossing.reduce(0) { $0 + graph[$1].shape.reduce(1, *) }
            #expect(cut.shapes.reduce(0) { $0 + $1.reduce(1, *) } == numbers)
            let floats = try #require(cut.uploads.first { $0.form == "floats" })
            #expect(floats.bytes >= Double(4 * numbers) && floats.bytes < Double(4 * numbers + 40) && floats.bits == 32)
            for form in ["symbols", "planesLZ4"] { #expect(cut.uploads.filter { $0.form == form }.map(\.bits) == Array(2...8)) }
        }
        let png = try #require(report.cuts[0].uploads.first { $0.payload == "PNG" && $0.exit == nil })
        #expect(png.accuracy.count == report.full_accuracy.count)
    }

    @Test func withoutLabelsTheFullModelCountsAsRight() async throws {
        let bundles = try await FlightBundles.shared
        let folder = TemporaryFolder()
        let names = try FileManager.default.contentsOfDirectory(atPath: bundles.frames).filter { !$0.hasSuffix(".tsv") }.sorted().prefix(20)
        for name in names { try FileManager.default.copyItem(atPath: bundles.frames + "/" + name, toPath: folder(name)) }
        let report = try await report([bundles.board, "--pair", bundles.cloud, "--images", folder.path])
        #expect(report.samples == 20 && !report.labelled && report.full_accuracy.value == 1)
        #expect(report.cuts[0].uploads.contains { $0.payload == "PNG" && $0.accuracy.value == 1 })
    }

    /// Names alone don't make two networks one.
    @Test func twoNetworksThatAreNotOneHaveOnlyTheirFramesToSend() async throws {
        let toy = try ToyNetworks(cloudSeed: 2)
        let report = try await report([toy.board, "--pair", toy.cloud, "--images", toy.images, "--limit", "20"])
        #expect(report.shared_cuts > 2 && report.unlike_cuts == report.shared_cuts && report.cuts.count == 1)
        #expect(!report.cuts[0].uploads.isEmpty && report.exits.count == 2)
    }

    @Test func whatIsNoPairIsAnErrorOfOneLine() async throws {
        let bundles = try await FlightBundles.shared
        let toy = try ToyNetworks(outputs: ["end"])
        let output = toy.folder("none.swiftlet")
        let few = try toy.folder.write("few.bin", Data(contentsOf: URL(filePath: toy.images)).prefix(19 * (1 + 32 * 32 * 3)))
        let cases: [(arguments: [String], status: Int32, says: String)] = [
            ([toy.board, "--pair", toy.board, "--images", toy.images], 64, "the cloud goes on in float32"),
            ([toy.board, "--pair", FlightBundles.configuration + "/models/flight-cloud.onnx", "--images", toy.images], 64, "is no bundle"),
            ([FlightBundles.configuration + "/models/flight-board.onnx", "--pair", toy.cloud, "--images", toy.images], 64, "compile it first"),
            ([toy.board, "--pair", bundles.cloud, "--images", toy.images], 65, "classes"),
            ([toy.board, "--pair", toy.cloud, "--images", toy.folder("none")], 66, "none"),
            ([toy.board, "--pair", toy.cloud, "--images", toy.images, "--limit", "19"], 64, "--limit must be at least 20"),
            ([toy.board, "--pair", toy.cloud, "--images", few], 65, "has 19 images, expected at least 20"),
            ([toy.board, "--pair", toy.cloud, "--images", bundles.frames], 65, "label"),
        ]
        for (arguments, status, says) in cases {
            let outcome = try await tool(["tabulate"] + arguments + ["-o", output])
            #expect(outcome.ending == .exited(status) && outcome.text.contains(says), "\(arguments) \(outcome)")
            #expect(!FileManager.default.fileExists(atPath: output))
        }
    }

    /// Three published systems on a trained network, one hundred images each.
    @Test(.needs(sharedData: "cifar10/test.bin")) func onARealNetworkReplayEqualsMeasurement() async throws {
        let folder = TemporaryFolder()
        let (board, cloud, output) = (folder("board.swiftlet"), folder("cloud.swiftlet"), folder("tabulated.swiftlet"))
        let (model, test) = (sharedData("models/cifar10-resnet8-mlperftiny.onnx"), sharedData("cifar10/test.bin"))
        for arguments in [
            ["compile", model, "--calibration", sharedData("cifar10/calibration.bin"), "--limit", "128", "-o", board], ["compile", model, "--precision", "fp32", "-o", cloud],
            ["tabulate", board, "--pair", cloud, "--images", test, "--limit", "100", "-o", output],
        ] {
            let outcome = try await tool(arguments)
            try #require(outcome.ending == .exited(0), "\(outcome)")
        }
        let (bundle, plans, table) = try table(output)
        #expect(plans.cuts.count > 1 && table.samples == 100)
        let (first, last) = (try #require(plans.cuts.first).position, try #require(plans.cuts.last).position)
        let sieve = Plan(gates: [.init(exit: 0, threshold: 0.8)], upload: Upload(cut: 0, payload: .jpeg(quality: 75)))
        let dyno = Plan(upload: Upload(cut: first, payload: .tensors(bits: 3, .planesLZ4)))
        let ours = Plan(upload: Upload(cut: last, payload: .tensors(bits: 4, .symbols)), insurance: .init(exit: 0, threshold: 0.9))
        let flight = try DividedFlight(board: bundle, full: Networks.Bundle(contentsOf: cloud))
        let scored = try images(test, limit: 100)
        for plan in [sieve, dyno, ours] {
            let replay = table.replay(plan)
            let measured = try flight.replay(plan, images: scored)
            #expect(replay.accuracy == measured.accuracy && replay.answered == measured.answered, "\(plan)")
            #expect(replay.sentBytes == measured.sentBytes && replay.sent == measured.sent, "\(plan)")
            #expect(replay == measured, "\(plan)")
        }
    }
}
