// SPDX-License-Identifier: Apache-2.0
import Agent
import Planning
import Testing

struct BoardTimesTests {
    /// What was measured while something slowed the board down isn't slowed down again.
    @Test func whatIsSeenOnASlowBoardIsWhatPlansAreExpectedToTake() throws {
        let table = PlanFixtures.table(uploads: [Upload(cut: 0, payload: .jpeg(quality: 90)), Upload(cut: PlanFixtures.firstCut, payload: PlanFixtures.tensors)])
        let measured = BoardTimes(
            preparing: 0.02, arrivals: [.init(position: 0, seconds: 0), .init(position: 100, seconds: 0.03)], heads: table.exits.map { _ in 0 },
            packing: table.sent.map { _ in 0.004 })
        // Twice as slow all over: 40 ms of preparing, 8 of packing.
        let seen = measured.seen(preparing: 0.04, packing: (2, 2), slowdown: 2, of: table)
        #expect(seen == measured)
        // A frame that is larger than the table's.
        let larger = measured.seen(preparing: 0.08, packing: (4, 2), slowdown: 2, of: table)
        #expect(larger.preparing == 0.04 && larger.arrivals == measured.arrivals)
        for (sent, packing) in zip(table.sent, larger.packing) { #expect(packing == (sent.upload.cut > 0 ? 0.004 : 0.008)) }
        let costs = larger.costs(of: table, server: table.sent.map { _ in 0.001 })
        let space = PlanSpace([Plan()], table: table, costs: costs)
        let figures = Forecast(space, in: Conditions(board: .init(slowdown: 2, power: 1), link: nil, framePeriod: 1), deadline: nil).figures(0)
        #expect(abs(figures[.latency] - (0.08 + 0.06)) < 1e-9)
    }
}
