// SPDX-License-Identifier: Apache-2.0
internal import Gating
internal import Inference
internal import Networks
internal import Packing
internal import Planning
internal import Settings
internal import Tensors

/// What a bundle gives a policy to choose plans from, and what it takes to carry them out.
struct PlanMaterial: Sendable {
    let table: CalibrationTable
    let places: Course.Places
    /// One for each exit.
    let calibrations: [Calibration]
    /// What the table's scores are.
    let measure: Measure
    /// By the board's position; those at which all that crosses can be packed.
    let crossings: [Int: CrossingForm]
    /// SHA-256 of the full model's weights, hexadecimal.
    let fullModel: String
    /// Seconds of a server at the assumed speed, for each of the table's uploads.
    let serverSeconds: [Double]
    /// Of an image that is sent.
    let imageSize: UploadForm

    /// The same for a whole network.
    let probeSeconds: Double

    /// Multiplications with addition in a second that a server is taken to do, until its answers say more.
    static let assumedServerSpeed = 1e10

    /// The cuts at which a board's network is to be loaded for plans.
    static func cuts(_ details: PlanDetails, of graph: Graph) -> Set<Int> { Set(details.cuts.map(\.position)).union([0, graph.nodes.count]) }

    /// - Parameter executor: loaded for ``cuts(_:of:)``.
    /// - Throws: where the bundle's table isn't one of its network.
    init(_ details: PlanDetails, graph: Graph, executor: Executor, outputKind: Calibration.Scores, image: UploadForm) throws(AgentError) {
        let operation = "load the plans of \(graph.name)"
        do {
            table = try CalibrationTable(decoding: details.table)
        } catch {
            throw AgentError(.data, operation, "\(error)")
        }
        guard table.exits.count == executor.outputs.count, table.exits.count == details.exits.count, table.samples > 0 else {
            throw AgentError(.data, operation, "a calibration table of \(table.exits.count) exits and \(table.samples) samples for \(executor.outputs.count) outputs")
        }
        guard details.measure.risesWithConfidence else { throw AgentError(.data, operation, "scores of \(details.measure.rawValue), which falls with confidence") }
        measure = details.measure
        fullModel = details.fullModel
        imageSize = image
        var calibrations: [Calibration] = []
        for exit in details.exits {
            guard let temperature = Temperature(exit.temperature) else { throw AgentError(.data, operation, "exit '\(exit.name)' has no temperature") }
            calibrations.append(Calibration(scores: outputKind, temperature: temperature, combination: exit.combination))
        }
        self.calibrations = calibrations
        var crossings: [Int: CrossingForm] = [:]
        do {
            for cut in details.cuts { crossings[cut.position] = CrossingForm(cut, crossing: try executor.crossing(at: cut.position)) }
        } catch {
            throw AgentError(.data, operation, "\(error)")
        }
        self.crossings = crossings
        let ordered = graph.orderedByExits()
        let exits = executor.exitPositions
        places = Course.Places(exits: exits, stops: Set(crossings.keys).union(exits).sorted())
        serverSeconds = Self.serverSeconds(table, ordered, exits)
        probeSeconds = max(Double(graph.cost.multiplyAccumulates) / Self.assumedServerSpeed, 1e-4)
    }

    private static func serverSeconds(_ table: CalibrationTable, _ graph: Graph, _ exits: [Int]) -> [Double] {
        let heads = graph.heads
        let macs = graph.nodes.map { Double(graph.cost(of: $0).multiplyAccumulates) }
        return table.sent.map { sent in
            let end = sent.upload.exit.map { exits[$0] } ?? graph.nodes.count
            var sum = 0.0
            for node in graph.nodes.indices {
                if heads[node] == nil ? (sent.upload.cut..<max(end, sent.upload.cut)).contains(node) : heads[node] == sent.upload.exit { sum += macs[node] }
            }
            return max(sum / assumedServerSpeed, 1e-4)
        }
    }

    /// Whether the agent can do what a plan says.
    func canFly(_ plan: Plan) -> Bool {
        guard let upload = plan.upload else { return true }
        return upload.payload.packing == nil ? upload.cut == 0 && upload.exit == nil : crossings[upload.cut] != nil
    }

    /// The plans of a policy that the agent can carry out.
    ///
    /// - Parameters:
    ///   - sendsTensors: whether the cloud knows the model that the cuts are of.
    ///   - endFloor: what the end answers has at least this score.
    func plans(_ policy: PolicySettings, costs: CostTable, sendsTensors: Bool = true, endFloor: Double) -> [Plan] {
        policy.plans(of: table, costs: costs, endFloor: endFloor).filter { plan in
            guard canFly(plan) else { return false }
            if !sendsTensors, let upload = plan.upload, upload.cut > 0 { return false }
            return true
        }
    }

    /// How the frame itself is sent.
    func imageForm(_ payload: Payload) -> UploadForm {
        switch payload {
        case .jpeg(let quality): imageSize.jpeg(quality: Int(quality))
        case .png: imageSize.lossless
        case .tensors, .floats: imageSize
        }
    }

    /// How a frame is sent for the link's sake: as the least or the most of the table's uploads of it.
    func probeForm(_ size: ProbeSchedule.Size) -> UploadForm {
        let images = table.sent.filter { $0.upload.cut == 0 }.map { (upload: $0.upload, bytes: $0.bytes.reduce(0) { $0 + Int($1) }) }
        let chosen = size == .small ? images.min { $0.bytes < $1.bytes } : images.max { $0.bytes < $1.bytes }
        return chosen.map { imageForm($0.upload.payload) } ?? imageSize
    }

    /// Of the largest crossing.
    var mostCrossingBytes: Int { crossings.values.map(\.bytes).max() ?? 0 }
}
