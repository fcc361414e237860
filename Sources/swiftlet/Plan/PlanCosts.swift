// SPDX-License-Identifier: Apache-2.0
internal import Inference
internal import Networks
internal import Packing
internal import Planning
internal import Settings
internal import Tensors

/// What the plans of a bundle are made of: its calibration table, and what running and packing take, measured on this machine, for the board and the server.
struct PlanCosts {
    let table: CalibrationTable
    let costs: CostTable
    /// The 95th percentile of a run's time here, as a factor on the median.
    let variation: Double

    /// - Parameters:
    ///   - path: of the bundle, for messages.
    ///   - full: the full network; without it a server takes as long as this machine for the board's network.
    ///   - profile: the board's; `nil`: this machine is the board.
    init(_ bundle: Bundle, path: String, full: Bundle?, threads: Int, profile: BoardSettings?) throws {
        guard let plans = bundle.details.plans, plans.isTabulated else {
            throw CommandFailure(.badData, "\(path) has no table to make plans of yet: swiftlet tabulate measures one")
        }
        guard let preprocessing = bundle.details.preprocessing else { throw CommandFailure(.badData, "\(path) doesn't say how images become its input") }
        table = try CalibrationTable(decoding: plans.table)
        let cuts = Dictionary(uniqueKeysWithValues: plans.cuts.map { ($0.position, $0) })
        var pixels = (0..<preprocessing.imageShape.elementCount).map { UInt8($0 * 7 % 256) }
        if case .pixels(let tensor)? = bundle.golden?.inputs { pixels = tensor.elements(of: UInt8.self) }
        let board = try NetworkTimes(bundle.graph, preprocessing: preprocessing, pixels: pixels, cuts: plans.cuts.map(\.position), threads: threads)
        try Self.check(table, cuts: Set(cuts.keys), exits: board.exitPositions, path: path)
        variation = board.variation
        let end = table.end
        let whole = try board.rest(from: 0, to: nil)
        let (name, work) = (bundle.details.name, bundle.graph.cost.multiplyAccumulates)
        let ratio = profile.map { $0.time(of: name, multiplyAccumulates: work) / max(whole, 1e-9) } ?? 1
        let packingRatio = profile?.packingSlowdown ?? 1
        var server: NetworkTimes?
        if let full {
            guard full.details.weightsDigest == plans.fullModel else { throw CommandFailure(.badData, "the full model isn't the one that \(path) was tabulated with") }
            server = try NetworkTimes(
                full.graph, preprocessing: full.details.preprocessing ?? preprocessing, pixels: pixels, cuts: plans.cuts.map(\.fullPosition), threads: threads)
        }
        let packing = PackingTimes(board.executor, pixels: pixels, preprocessing: preprocessing)
        var exits: [CostTable.Exit] = []
        for (exit, position) in board.exitPositions.enumerated() {
            exits.append(CostTable.Exit(arrival: ratio * (try board.backbone(0..<position)), head: exit == end ? 0 : ratio * board.head(exit)))
        }
        var sent: [CostTable.Sent] = []
        for upload in table.sent.map(\.upload) {
            let packed = try packing.times(of: upload)
            let rest = try server?.rest(from: cuts[upload.cut]?.fullPosition ?? 0, to: upload.exit) ?? board.rest(from: upload.cut, to: upload.exit)
            sent.append(
                CostTable.Sent(arrival: ratio * (try board.backbone(0..<upload.cut)), packing: packingRatio * packed.packing, server: packed.unpacking + rest))
        }
        costs = CostTable(exits: exits, sent: sent, packsFirst: profile == nil && board.executor.takesAllProcessors)
        try costs.check(for: table)
    }

    private static func check(_ table: CalibrationTable, cuts: Set<Int>, exits: [Int], path: String) throws {
        guard table.exits.map(\.position) == exits else {
            throw CommandFailure(.badData, "\(path): its table has exits at \(table.exits.map(\.position)), its network at \(exits)")
        }
        for upload in table.sent.map(\.upload) {
            guard upload.cut == 0 || cuts.contains(upload.cut) else {
                throw CommandFailure(.badData, "\(path): its table has a cut at \(upload.cut) that the bundle doesn't name")
            }
            guard (upload.payload.packing == nil) == (upload.cut == 0) else { throw CommandFailure(.badData, "\(path): its table has \(upload)") }
        }
    }
}

extension CalibrationTableError: EndingError {
    var exitStatus: ExitStatus { .badData }
}
