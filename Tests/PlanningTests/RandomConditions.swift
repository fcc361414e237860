// SPDX-License-Identifier: Apache-2.0
import Planning
import TestSupport

extension SeededGenerator {
    /// Evenly over orders of magnitude.
    mutating func magnitude(_ range: ClosedRange<Double>) -> Double {
        var value = Double.random(in: 0...1, using: &self)
        // Squared steps instead of a logarithm: (low + (√high − √low) · u)², near enough.
        let (low, high) = (range.lowerBound.squareRoot(), range.upperBound.squareRoot())
        value = low + (high - low) * value * value
        return value * value
    }
}

func randomCosts(of table: CalibrationTable, using generator: inout SeededGenerator) -> CostTable {
    let node = Double.random(in: 0.0005...0.004, using: &generator)
    let ratio = Double.random(in: 2...20, using: &generator)
    let nodes = Double(table.exits[table.end].position)
    return CostTable(
        exits: table.exits.indices.map { .init(arrival: node * Double(table.exits[$0].position), head: $0 == table.end ? 0 : node / 2) },
        sent: table.sent.map { sent in
            let cut = Double(sent.upload.cut)
            return .init(arrival: node * cut, packing: Double.random(in: 0.1...1, using: &generator) * node, server: node * (nodes - cut) / ratio + node / 20)
        })
}

func randomConditions(varying: Bool = true, using generator: inout SeededGenerator) -> Conditions {
    var radio = [Radio.threeG, .lte, .wifi].randomElement(using: &generator) ?? .lte
    radio.uplink = generator.magnitude(0.05...100)
    radio.roundTrip = generator.magnitude(0.001...0.2)
    let values = (0..<16).map { _ in Double.random(in: 0.5...2, using: &generator) }
    return Conditions(
        board: .init(slowdown: Double.random(in: 0.8...3, using: &generator), highSlowdown: 3, power: 3),
        link: .init(radio: radio, spread: varying ? Octiles(of: values) : Octiles(1)),
        server: .init(slowdown: Double.random(in: 0.5...5, using: &generator), queue: varying ? Octiles(of: values.map { $0 * 0.01 }) : Octiles(0.004)),
        framePeriod: 0.1)
}

func randomSpace(samples: Int = 300, packsFirst: Bool = false, using generator: inout SeededGenerator) -> (space: PlanSpace, table: CalibrationTable, costs: CostTable) {
    let table = randomTable(samples: samples, exits: Int.random(in: 1...4, using: &generator), using: &generator)
    var costs = randomCosts(of: table, using: &generator)
    costs.packsFirst = packsFirst
    let plans = PlanSpace.plans(of: table, costs: costs, levels: [.threshold(0.7), .risk(0.01), .risk(0.05)])
    return (PlanSpace(plans, table: table, costs: costs), table, costs)
}
