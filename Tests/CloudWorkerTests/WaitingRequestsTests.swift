// SPDX-License-Identifier: Apache-2.0
import CloudWorker
import Messaging
import TestSupport
import Testing
import Wire

struct WaitingRequestsTests {
    private func incoming(_ number: UInt64, deadline: Duration, due: Duration? = nil, device: String = "board-1") throws -> IncomingRequest {
        IncomingRequest(device: ClientID(device)!, request: request(number), arrivedAt: .zero, deadline: deadline, due: due)
    }

    private func divided(_ number: UInt64, deadline: Duration) throws -> IncomingRequest {
        var divided = try incoming(number, deadline: deadline)
        divided.request.payload = .activations(.init(cut: 3, digest: DividedNetwork.digest, tensors: [[1]]))
        return divided
    }

    @Test func ofEqualDeadlinesTheOneThatCameFirstIsNext() throws {
        var waiting = WaitingRequests(capacity: 8)
        for (number, deadline) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 30)] as [(UInt64, Int)] {
            _ = waiting.add(try incoming(number, deadline: .milliseconds(deadline)), now: .zero)
        }
        var order: [UInt64] = []
        while let next = waiting.next(now: .zero).requests.first { order.append(next.request.frame) }
        #expect(order == [2, 4, 3, 1, 5])
    }

    @Test func whatCannotBeInTimeAnyMoreComesAfterWhatCan() throws {
        var waiting = WaitingRequests(capacity: 8)
        _ = waiting.took(.milliseconds(10), for: [request(0)])
        for (number, due, deadline) in [(1, 5, 900), (2, 40, 1000), (3, 4, 800), (4, 30, 500), (5, nil, 700)] as [(UInt64, Int?, Int)] {
            _ = waiting.add(try incoming(number, deadline: .milliseconds(deadline), due: due.map { .milliseconds($0) }), now: .zero)
        }
        var order: [UInt64] = []
        for now in stride(from: 0, to: 50, by: 10) { order += waiting.next(now: .milliseconds(now)).requests.map(\.request.frame) }
        // The fifth is in time until its deadline, and those that are late for what was to be decided have theirs.
        #expect(order == [4, 2, 5, 3, 1])
    }

    /// Twice as much as can be done, and answers are of use for long: half of the devices' decisions must have theirs, where one by one in order all would come too late.
    @Test func withTooMuchToDoHalfIsInTimeForWhatIsDecided() throws {
        var waiting = WaitingRequests(capacity: 64)
        let service = Duration.milliseconds(50)
        var (free, inTime) = (Duration.zero, 0)
        for number in 0..<1000 as Range<UInt64> {
            let arrival = .milliseconds(25) * Int(number)
            while free <= arrival, case let next = waiting.next(now: free), let request = next.requests.first {
                free += service
                _ = waiting.took(service, for: [request.request])
                if free <= request.due { inTime += 1 }
            }
            free = max(free, arrival)
            _ = waiting.add(try incoming(number, deadline: arrival + .seconds(2), due: arrival + .milliseconds(100)), now: arrival)
        }
        #expect(inTime > 480, "\(inTime) of 1000")
    }

    @Test func companyIsInTimeAndFormedOfWhatCanBe() throws {
        for (due, expected) in [(25, [1, 3]), (24, [1])] as [(Int, [UInt64])] {
            var waiting = WaitingRequests(capacity: 8)
            _ = waiting.took(.milliseconds(10), for: [request(0)])
            _ = waiting.took(.milliseconds(15), for: [request(0), request(0)])
            // The second is late already: it doesn't take the place of one that isn't.
            for (number, due) in [(1, due), (2, 5), (3, 60)] as [(UInt64, Int)] {
                _ = waiting.add(try incoming(number, deadline: .seconds(1), due: .milliseconds(due)), now: .milliseconds(5))
            }
            #expect(waiting.next(now: .milliseconds(5), atMost: 2).requests.map(\.request.frame) == expected)
        }
    }

    @Test func whatIsTooLateMakesRoomAndNothingElseDoes() throws {
        var waiting = WaitingRequests(capacity: 2)
        _ = waiting.add(try incoming(1, deadline: .milliseconds(10)), now: .zero)
        _ = waiting.add(try incoming(2, deadline: .milliseconds(20)), now: .zero)
        let refused = waiting.add(try incoming(3, deadline: .milliseconds(5)), now: .zero)
        #expect(!refused.isTaken && refused.expired.isEmpty)
        let taken = waiting.add(try incoming(4, deadline: .milliseconds(50)), now: .milliseconds(10))
        #expect(taken.isTaken && taken.expired.map(\.request.frame) == [1])
        let next = waiting.next(now: .milliseconds(30))
        #expect(next.requests.first?.request.frame == 4 && next.expired.map(\.request.frame) == [2])
        let nothing = waiting.next(now: .milliseconds(30))
        #expect(nothing.requests.isEmpty)
    }

    @Test func whatCanBeInTimeTakesThePlaceOfWhatCannot() throws {
        var waiting = WaitingRequests(capacity: 2)
        _ = waiting.add(try incoming(1, deadline: .milliseconds(500), due: .milliseconds(10)), now: .zero)
        _ = waiting.add(try incoming(2, deadline: .milliseconds(400), due: .milliseconds(10)), now: .zero)
        let late = waiting.add(try incoming(3, deadline: .milliseconds(500), due: .milliseconds(15)), now: .milliseconds(20))
        #expect(!late.isTaken && late.expired.isEmpty && late.crowdedOut.isEmpty)
        let inTime = waiting.add(try incoming(4, deadline: .milliseconds(500), due: .milliseconds(30)), now: .milliseconds(20))
        #expect(inTime.isTaken && inTime.expired.isEmpty && inTime.crowdedOut.map(\.request.frame) == [1])
        #expect(waiting.next(now: .milliseconds(20)).requests.map(\.request.frame) == [4])
    }

    /// A slow spell is forgotten also where requests never come one by one.
    @Test func whatTakesLessTogetherThanAloneTakesLessAlone() throws {
        var waiting = WaitingRequests(capacity: 8)
        _ = waiting.took(.milliseconds(400), for: [request(0)])
        for _ in 0..<32 { _ = waiting.took(.milliseconds(120), for: [request(0), request(0)]) }
        // With 400 ms neither would be in time, and the second would be given up.
        for number in 1...2 as ClosedRange<UInt64> { _ = waiting.add(try incoming(number, deadline: .milliseconds(300)), now: .zero) }
        let next = waiting.next(now: .zero)
        #expect(next.requests.count == 1 && next.expired.isEmpty)
    }

    @Test func aRequestIsRemovedByDeviceAndName() throws {
        var waiting = WaitingRequests(capacity: 4)
        _ = waiting.add(try incoming(1, deadline: .seconds(1)), now: .zero)
        _ = waiting.add(try incoming(1, deadline: .seconds(2), device: "board-2"), now: .zero)
        let removed = [(1, "board-3"), (2, "board-1"), (1, "board-2"), (1, "board-2")].map { waiting.remove(request($0).id, of: ClientID($1)!) }
        #expect(removed == [false, false, true, false])
        let rest = waiting.next(now: .zero).requests.first
        #expect(rest?.device == ClientID("board-1"))
        #expect(waiting.count == 0)
    }

    @Test func whatCannotBeDoneInTimeIsNotBegunWhileOthersWait() throws {
        var waiting = WaitingRequests(capacity: 8)
        var divided = try incoming(1, deadline: .milliseconds(40))
        divided.request.payload = .activations(.init(cut: 3, digest: DividedNetwork.digest, tensors: [[1]]))
        _ = waiting.took(.milliseconds(50), for: [request(0)])
        // From a cut it takes less, of which nothing is known yet.
        _ = waiting.add(divided, now: .zero)
        _ = waiting.add(try incoming(2, deadline: .milliseconds(45)), now: .zero)
        _ = waiting.add(try incoming(3, deadline: .milliseconds(60)), now: .zero)
        let first = waiting.next(now: .zero)
        #expect(first.requests.first?.request.frame == 1 && first.expired.isEmpty && first.crowdedOut.map(\.request.frame) == [2])
        let second = waiting.next(now: .zero)
        #expect(second.requests.first?.request.frame == 3 && second.crowdedOut.isEmpty)
        // Alone it is tried: it may take less than it did.
        _ = waiting.add(try incoming(4, deadline: .milliseconds(30)), now: .zero)
        let last = waiting.next(now: .zero)
        #expect(last.requests.first?.request.frame == 4 && last.crowdedOut.isEmpty)
    }

    /// Twice as much as can be done, with less time for each than the queue takes: half must be done, and in time.
    @Test func withTooMuchToDoWhatIsDoneIsDoneInTime() throws {
        var waiting = WaitingRequests(capacity: 16)
        let service = Duration.milliseconds(50)
        var (free, done, late) = (Duration.zero, 0, 0)
        for number in 0..<1000 as Range<UInt64> {
            let arrival = .milliseconds(25) * Int(number)
            while free <= arrival, case let next = waiting.next(now: free), let request = next.requests.first {
                free += service
                _ = waiting.took(service, for: [request.request])
                if free <= request.deadline { done += 1 } else { late += 1 }
            }
            free = max(free, arrival)
            _ = waiting.add(try incoming(number, deadline: arrival + .milliseconds(300)), now: arrival)
        }
        #expect(done > 480 && late == 0, "\(done) in time, \(late) late")
    }

    /// A model that takes 40 ms for a request and `share` of that for each of several.
    private struct Service {
        var waiting = WaitingRequests(capacity: 64)
        var share: Double
        var groups: [[UInt64]] = []

        /// Computes what is next; the time that it took.
        mutating func step(now: Duration) -> Duration? {
            let next = waiting.next(now: now, atMost: 4)
            guard !next.requests.isEmpty else { return nil }
            let time = .milliseconds(40) * (next.requests.count == 1 ? 1 : share * Double(next.requests.count))
            let parts = waiting.took(time, for: next.requests.map(\.request))
            #expect(parts.count == next.requests.count && parts.reduce(.zero, +) <= time && parts.allSatisfy { $0 > .zero })
            groups.append(next.requests.map(\.request.frame))
            return time
        }
    }

    @Test func whatTakesLessTimeTogetherIsComputedTogether() throws {
        var service = Service(share: 0.5)
        for number in 1...7 as ClosedRange<UInt64> { _ = service.waiting.add(try incoming(number, deadline: .seconds(Int(number))), now: .zero) }
        var now = Duration.zero
        while let time = service.step(now: now) { now += time }
        // Of the first nothing is known, then not how much is gained; none takes more than twice the time of one.
        #expect(service.groups == [[1], [2, 3], [4, 5, 6, 7]])
    }

    @Test func whatTakesAsLongTogetherIsTriedOnceAndThenRarely() throws {
        var service = Service(share: 1)
        for number in 0..<200 as Range<UInt64> {
            // Two wait whenever one is taken.
            while service.waiting.count < 2 { _ = service.waiting.add(try incoming(number * 10 + UInt64(service.waiting.count), deadline: .seconds(1000)), now: .zero) }
            _ = service.step(now: .zero)
        }
        let together = service.groups.indices.filter { service.groups[$0].count > 1 }
        #expect(together.first == 1 && together.count >= 4 && together.count <= 7, "\(together)")
        #expect(zip(together, together.dropFirst()).allSatisfy { $1 - $0 >= 32 }, "\(together)")
    }

    @Test func anUnluckyFirstTryIsForgottenAfterAFew() throws {
        var service = Service(share: 0.5)
        var other = try incoming(1, deadline: .seconds(1))
        _ = service.waiting.took(.milliseconds(40), for: [other.request])
        other.request.frame = 2
        // Something else had the processor.
        _ = service.waiting.took(.milliseconds(400), for: [other.request, other.request])
        for number in 0..<200 as Range<UInt64> {
            while service.waiting.count < 3 { _ = service.waiting.add(try incoming(number * 10 + UInt64(service.waiting.count), deadline: .seconds(1000)), now: .zero) }
            _ = service.step(now: .zero)
        }
        // One of 33 is computed by itself, to see what that takes.
        #expect(service.groups.prefix(100).contains { $0.count > 1 } && service.groups.suffix(66).count { $0.count == 1 } == 2)
    }

    /// Another kind always waits, so that there is never a last one; what the first seemed to take is six times what its like have.
    @Test func aKindThatTookLongOnceIsTriedAgainThoughOthersWait() throws {
        var waiting = WaitingRequests(capacity: 16)
        let service = Duration.milliseconds(20)
        let slow = try divided(0, deadline: .seconds(1)).request
        _ = waiting.took(.seconds(3), for: [slow])
        var (free, done, crowdedOut) = (Duration.zero, [UInt64](), 0)
        for number in 1...30_000 as ClosedRange<UInt64> {
            let arrival = .milliseconds(15) * Int(number)
            while free <= arrival, case let next = waiting.next(now: free), let request = next.requests.first {
                crowdedOut += next.crowdedOut.count { Self.isDivided($0) }
                free += service
                _ = waiting.took(service, for: [request.request])
                if Self.isDivided(request) { done.append(number) }
            }
            free = max(free, arrival)
            let incoming = number.isMultiple(of: 8) ? try divided(number, deadline: arrival + .milliseconds(500)) : try incoming(number, deadline: arrival + .milliseconds(500))
            crowdedOut += waiting.add(incoming, now: arrival).crowdedOut.count { Self.isDivided($0) }
        }
        // One of 33 is tried until it is known that it takes no longer than others.
        let first = try #require(done.first)
        #expect(crowdedOut > 30 && first < 1000 && done.count { $0 > 15_000 } > 1000, "\(first), \(done.count), \(crowdedOut)")
    }

    private static func isDivided(_ incoming: IncomingRequest) -> Bool { if case .activations = incoming.request.payload { true } else { false } }

    /// Where others always wait nothing is computed by itself any more; groups grow too large where it seems to take longer than it does.
    @Test func aSlowSpellIsForgottenThoughOthersAlwaysWait() throws {
        var waiting = WaitingRequests(capacity: 64)
        var counts: [Int] = []
        var number: UInt64 = 0
        for round in 0..<1500 {
            while waiting.count < 16 {
                number += 1
                _ = waiting.add(try incoming(number, deadline: .seconds(1000)), now: .zero)
            }
            let requests = waiting.next(now: .zero, atMost: 8).requests.map(\.request)
            counts.append(requests.count)
            _ = waiting.took(.microseconds(5500 + 4500 * requests.count) * ((500..<600).contains(round) ? 4 : 1), for: requests)
        }
        func usual(_ rounds: Range<Int>) -> Int { counts[rounds].sorted()[rounds.count / 2] }
        #expect(usual(400..<500) == 3 && usual(1400..<1500) == 3, "\(usual(400..<500)), \(usual(1400..<1500))")
    }

    @Test func ofSeveralThreadsNoneTakesMoreThanItsPart() throws {
        for (threads, expected) in [(1, 4), (2, 3), (3, 2), (8, 1)] {
            var waiting = WaitingRequests(capacity: 16, threads: threads)
            _ = waiting.took(.milliseconds(40), for: [request(0)])
            _ = waiting.took(.milliseconds(20), for: [request(0), request(0)])
            for number in 1...5 as ClosedRange<UInt64> { _ = waiting.add(try incoming(number, deadline: .seconds(10)), now: .zero) }
            let count = waiting.next(now: .zero, atMost: 4).requests.count
            #expect(count == expected, "\(threads) threads")
        }
    }

    /// What is passed over is computed one after another: for the last of it all of them count.
    @Test(arguments: [(110, true), (105, false)]) func companyLeavesTimeForAllThatItPassesOver(deadline: Int, isFormed: Bool) throws {
        var waiting = WaitingRequests(capacity: 16)
        let far = try divided(0, deadline: .zero).request
        _ = waiting.took(.milliseconds(10), for: [request(0)])
        _ = waiting.took(.milliseconds(10), for: [request(0), request(0)])
        _ = waiting.took(.milliseconds(30), for: [far])
        _ = waiting.took(.milliseconds(60), for: [far, far])
        _ = waiting.add(try incoming(1, deadline: .milliseconds(100)), now: .zero)
        for number in 2...4 as ClosedRange<UInt64> { _ = waiting.add(try divided(number, deadline: .milliseconds(deadline)), now: .zero) }
        _ = waiting.add(try incoming(5, deadline: .milliseconds(125)), now: .zero)
        #expect(waiting.next(now: .zero, atMost: 8).requests.map(\.request.frame) == (isFormed ? [1, 5] : [1]))
    }

    /// Random histories with company: every request comes out once, and no group can make its first one late.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func whatIsComputedTogetherComesOutOnceAndInTime(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var waiting = WaitingRequests(capacity: 12)
        var inside: Set<UInt64> = []
        var (now, groups) = (Duration.zero, 0)
        let alone = Duration.milliseconds(10)
        for number in 0..<1500 as Range<UInt64> {
            now += .milliseconds(Int.random(in: 0...6, using: &generator))
            if Bool.random(using: &generator) || Bool.random(using: &generator) {
                let deadline = now + .milliseconds(Int.random(in: 5...200, using: &generator))
                let due = Bool.random(using: &generator) ? nil : now + .milliseconds(Int.random(in: 0...100, using: &generator))
                let result = waiting.add(try incoming(number, deadline: deadline, due: due), now: now)
                for late in result.expired + result.crowdedOut { #expect(inside.remove(late.request.frame) != nil, "seed \(seed)") }
                if result.isTaken { inside.insert(number) }
            } else {
                let most = Int.random(in: 1...5, using: &generator)
                let next = waiting.next(now: now, atMost: most)
                for one in next.requests + next.expired + next.crowdedOut { #expect(inside.remove(one.request.frame) != nil, "seed \(seed)") }
                #expect(next.requests.count <= most, "seed \(seed)")
                guard let first = next.requests.first else { continue }
                let count = next.requests.count
                func isInTime(_ request: IncomingRequest) -> Bool { request.due >= now + alone }
                #expect(isInTime(first) || !next.requests.contains(where: isInTime), "seed \(seed)")
                if count > 1 {
                    groups += 1
                    #expect(next.requests.allSatisfy { now + alone * count <= (isInTime($0) ? $0.due : $0.deadline) }, "seed \(seed)")
                }
                // By themselves always as long, together half of it.
                let parts = waiting.took(count == 1 ? alone : alone * count / 2, for: next.requests.map(\.request))
                #expect(parts.count == count, "seed \(seed)")
            }
            #expect(waiting.count == inside.count, "seed \(seed)")
        }
        #expect(groups > 50, "seed \(seed): \(groups) groups, a poor test")
    }

    @Test func companyDelaysNobodyBeyondItsDeadline() throws {
        var service = Service(share: 0.5)
        for number in 1...2 as ClosedRange<UInt64> { _ = service.waiting.add(try incoming(number, deadline: .seconds(1)), now: .zero) }
        _ = service.step(now: .zero)
        _ = service.step(now: .zero)
        // 40 ms each at most: the first has time for one more, not for two.
        for (number, deadline) in [(3, 100), (4, 110), (5, 400)] as [(UInt64, Int)] {
            _ = service.waiting.add(try incoming(number, deadline: .milliseconds(deadline)), now: .zero)
        }
        _ = service.step(now: .zero)
        #expect(service.groups.last == [3, 4])
        _ = service.step(now: .zero)
        // What can't be in company, since nothing is known of it, isn't kept waiting by it either.
        var divided = try incoming(7, deadline: .milliseconds(150))
        divided.request.payload = .activations(.init(cut: 3, digest: DividedNetwork.digest, tensors: [[1]]))
        _ = service.waiting.add(try incoming(6, deadline: .milliseconds(140)), now: .zero)
        _ = service.waiting.add(divided, now: .zero)
        for number in 8...10 as ClosedRange<UInt64> { _ = service.waiting.add(try incoming(number, deadline: .milliseconds(500)), now: .zero) }
        _ = service.step(now: .milliseconds(20))
        #expect(service.groups.last == [6, 8, 9], "after 120 ms at most it is its turn")
        _ = service.step(now: .milliseconds(140))
        #expect(service.groups.last == [7])
        _ = service.step(now: .milliseconds(150))
        #expect(service.groups.last == [10])
    }

    /// Random histories: whatever comes out still has time and has the least of all, and every request comes out exactly once.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func everyRequestThatIsTakenComesOutOnce(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var waiting = WaitingRequests(capacity: 5)
        var inside: [UInt64: Duration] = [:]
        var now = Duration.zero
        var refused = 0
        func leave(_ number: UInt64, expired: Bool) {
            let deadline = inside.removeValue(forKey: number)
            #expect(deadline != nil && (deadline ?? .zero <= now) == expired, "seed \(seed)")
        }
        for number in 0..<2000 as Range<UInt64> {
            now += .milliseconds(Int.random(in: 0...3, using: &generator))
            switch Int.random(in: 0..<8, using: &generator) {
            case 0..<5:
                let deadline = now + .milliseconds(Int.random(in: -2...30, using: &generator))
                let result = waiting.add(try incoming(number, deadline: deadline), now: now)
                for late in result.expired + result.crowdedOut { leave(late.request.frame, expired: true) }
                #expect(result.isTaken == (inside.count < 5), "seed \(seed)")
                if result.isTaken { inside[number] = deadline } else { refused += 1 }
            case 5, 6:
                let next = waiting.next(now: now)
                for late in next.expired + next.crowdedOut { leave(late.request.frame, expired: true) }
                if let request = next.requests.first {
                    #expect(inside.values.min() == request.deadline, "seed \(seed)")
                    leave(request.request.frame, expired: false)
                } else {
                    #expect(inside.isEmpty, "seed \(seed)")
                }
            default:
                guard let known = inside.keys.min() else { continue }
                let isRemoved = waiting.remove(request(known).id, of: ClientID("board-1")!)
                #expect(isRemoved, "seed \(seed)")
                inside[known] = nil
            }
            #expect(waiting.count == inside.count, "seed \(seed)")
        }
        #expect(refused > 20, "seed \(seed): hardly ever full, a poor test")
    }
}
