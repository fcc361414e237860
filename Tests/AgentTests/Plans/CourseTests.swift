// SPDX-License-Identifier: Apache-2.0
import Agent
import Packing
import Planning
import Testing

struct CourseTests {
    /// Three exits, the last being the end.
    static let places = Course.Places(exits: [10, 20, 40], stops: [5, 15, 30])
    static let tensors = Payload.tensors(bits: 4, .mixed)

    @Test func whatSendsNothingGoesToTheEnd() {
        let course = Course(Plan(), in: Self.places)
        #expect(course.steps == [.run(0..<5), .run(5..<15), .run(15..<30), .run(30..<40), .look(exit: 2, threshold: 0)])
        #expect(course.unsent.isEmpty && !course.isInsured)
    }

    @Test func gatesThenTheCutThenTheInsurance() {
        let plan = Plan(
            gates: [.init(exit: 0, threshold: 0.9)], upload: Upload(cut: 15, payload: Self.tensors), insurance: .init(exit: 1, threshold: 0.8))
        let course = Course(plan, in: Self.places)
        let first: [Course.Step] = [.run(0..<5), .run(5..<10), .look(exit: 0, threshold: 0.9), .run(10..<15), .send(cut: 15)]
        #expect(course.steps == first + [.run(15..<20), .look(exit: 1, threshold: 0.8)])
        #expect(course.unsent == [.run(15..<20), .look(exit: 1, threshold: 0.8), .run(20..<30), .run(30..<40), .look(exit: 2, threshold: 0.8)])
        #expect(course.isInsured)
    }

    @Test func theFrameItselfIsSentBeforeTheBoardHasComputed() {
        let course = Course(Plan(upload: Upload(cut: 0, payload: .png)), in: Course.Places(exits: [10, 40]))
        #expect(course.steps == [.send(cut: 0)])
        #expect(course.unsent == [.run(0..<40), .look(exit: 1, threshold: 0)])
    }

    @Test func theFrameItselfIsSentAfterGatesThatLieBehind() {
        let plan = Plan(gates: [.init(exit: 1, threshold: 0.5), .init(exit: 2, threshold: 0.7)], upload: Upload(cut: 0, payload: .png))
        let course = Course(plan, in: Course.Places(exits: [10, 20, 40]))
        #expect(course.steps == [.run(0..<20), .look(exit: 1, threshold: 0.5), .run(20..<40), .look(exit: 2, threshold: 0.7), .send(cut: 0)])
        // The end has spoken: nothing is left to do.
        #expect(course.unsent.isEmpty)
    }

    /// Every plan of a small network: what is run is run once and in order, and each exit that the plan names is asked once.
    @Test func noNodeIsRunTwice() {
        let exits = [10, 20, 40]
        for gates in [[], [0], [1], [0, 1], [0, 1, 2]] {
            for cut in [nil, 0, 5, 10, 15, 20, 35] as [Int?] {
                for insurance in [nil, 0, 1, 2] as [Int?] {
                    let plan = Plan(
                        gates: gates.map { .init(exit: $0, threshold: 0.5) }, upload: cut.map { Upload(cut: $0, payload: Self.tensors) },
                        insurance: insurance.map { .init(exit: $0, threshold: 0.5) })
                    let course = Course(plan, in: .init(exits: exits, stops: [3, 10, 33]))
                    let sent = course.steps.firstIndex { if case .send = $0 { true } else { false } }
                    #expect((sent != nil) == (cut != nil))
                    let alone = sent.map { Array(course.steps[..<$0]) + course.unsent } ?? course.steps
                    for steps in [course.steps, alone] {
                        var (position, asked) = (0, -1)
                        for step in steps {
                            switch step {
                            case .run(let range):
                                #expect(range.lowerBound == position && !range.isEmpty, "\(plan)")
                                position = range.upperBound
                            case .look(let exit, _):
                                #expect(exit > asked && exits[exit] == position, "\(plan)")
                                asked = exit
                            case .send: break
                            }
                        }
                    }
                    // Alone the board always comes to the end.
                    #expect(alone.contains { if case .look(2, _) = $0 { true } else { false } }, "\(plan)")
                }
            }
        }
    }
}
