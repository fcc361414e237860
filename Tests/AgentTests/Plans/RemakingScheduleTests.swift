// SPDX-License-Identifier: Apache-2.0
import Agent
import Testing

struct RemakingScheduleTests {
    /// The times of remaking, where one looks at `times` and finds a movement as `isMoved` says.
    static func remakings(_ times: [Double], plans: Int = 2, isMoved: (Double) -> Bool) -> [Double] {
        var schedule = RemakingSchedule()
        return times.filter { now in
            guard schedule.isDue(isMoved: isMoved(now), plans: plans, at: now) else { return false }
            schedule.remade(at: now)
            return true
        }
    }

    /// A look each 1/64 s, which Double has exactly.
    static func looks(_ seconds: Int) -> [Double] { (0..<64 * seconds).map { Double($0) / 64 } }

    @Test func theFirstMovementThatLastsIsFollowedAtOnce() {
        #expect(Self.remakings(Self.looks(5)) { _ in true } == [0.5])
        // Without frames one looks once a second.
        #expect(Self.remakings([10, 11, 12]) { _ in true } == [11])
    }

    @Test func whatOneLookFindsAndTheNextDoesNotIsNoMovement() {
        #expect(Self.remakings(Self.looks(60)) { Int($0 * 64) % 32 != 31 }.isEmpty)
        #expect(Self.remakings(Self.looks(60)) { $0 < 0.5 || $0 > 59.25 } == [59.25 + 1.0 / 64 + 0.5])
    }

    @Test func costsThatMoveAllTheTimeAreFollowedEveryFewSeconds() {
        #expect(Self.remakings(Self.looks(60)) { _ in true } == (0..<12).map { 0.5 + 5 * Double($0) })
    }

    @Test func onePlanIsMadeAnewForItsFiguresOnly() {
        #expect(Self.remakings(Self.looks(200), plans: 1) { _ in true } == [0.5, 60.5, 120.5, 180.5])
    }

    @Test func anotherReasonToMakePlansAnewCountsAsWell() {
        var schedule = RemakingSchedule()
        let isDueAtFirst = schedule.isDue(isMoved: true, plans: 2, at: 0)
        schedule.remade(at: 1)
        let later = [1.5, 3, 5.5, 6].map { schedule.isDue(isMoved: true, plans: 2, at: $0) }
        #expect(!isDueAtFirst && later == [false, false, false, true])
    }
}
