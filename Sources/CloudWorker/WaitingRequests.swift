// SPDX-License-Identifier: Apache-2.0
package import Messaging
package import Wire

/// The requests that wait for a model. Of those that can be in time for what their devices decide, the one that is due first is next; those that are too late for
/// that, and of use all the same, come after them, by deadline. Of equal ones the one that came first. A value; time comes in.
///
/// While others wait, one that hasn't the time left that its like takes isn't begun, but crowded out: otherwise, with more to do than can be done, everything would be done a
/// little too late. Several are given out to be computed together where that takes clearly less time than one by one: so many that the first of them waits no longer than
/// it takes by itself, and that nobody comes too late for it, of those that are left waiting either. Whether it pays is learnt from what they took, for each kind by itself.
package struct WaitingRequests: Sendable {
    /// What a request has the model do.
    private struct Work: Hashable {
        var cut: Int?
        var exit: Int?

        init(_ request: Request) {
            guard case .activations(let activations) = request.payload else { return }
            (cut, exit) = (activations.cut, activations.exit)
        }
    }

    /// What a request takes of the model's time: moving averages.
    private struct Cost {
        /// Of the time by itself: what one more in a group may add to be worth that the first one waits for it.
        static let worthwhile = 0.9
        /// Of so many occasions that weren't taken, since it didn't pay, one is: things may have changed.
        static let patience = 32

        private(set) var alone: Duration?
        /// What it adds to the time of a group that is computed anyway.
        private(set) var together: Duration?
        /// Since it was computed with others, or by itself.
        var (occasions, groups) = (0, 0)
        /// Since it was computed.
        private(set) var crowdedOut = 0

        /// What to expect that it adds.
        var expected: Duration { alone.map { min(together ?? $0, $0) } ?? .zero }

        /// What is slow once, since something held it up, isn't slow; what is quick once can be quick.
        mutating func tookAlone(_ time: Duration) {
            let time = max(time, .nanoseconds(1))
            alone = alone.map { min(($0 * 7 + min(time, $0 * 4)) / 8, time * 2) } ?? time
            (groups, crowdedOut) = (0, 0)
        }

        /// More than by itself says no more than that it doesn't pay.
        mutating func tookTogether(_ time: Duration) {
            let time = min(time, alone ?? time)
            together = together.map { ($0 * 3 + time) / 4 } ?? time
            (occasions, crowdedOut) = (0, 0)
        }

        /// Whether one that seems to have too little time is tried all the same, of so many: else what was once believed of it would be believed for ever.
        mutating func isTried() -> Bool {
            crowdedOut += 1
            return crowdedOut > Self.patience
        }

        /// Whether to compute it with others.
        var pays: Bool {
            guard let alone else { return false }
            return together.map { $0 < alone * Self.worthwhile } ?? true || occasions >= Self.patience
        }
    }

    private let capacity: Int
    private let threads: Int
    /// Only of what has been computed, so that there are no more than a network has cuts and exits.
    private var costs: [Work: Cost] = [:]
    /// By when they are due, the latest first.
    private var requests: [IncomingRequest] = []

    /// - Parameters:
    ///   - capacity: how many may wait.
    ///   - threads: how many compute them: none takes more of what waits than its part.
    package init(capacity: Int, threads: Int = 1) { (self.capacity, self.threads) = (capacity, threads) }

    package var count: Int { requests.count }

    /// Takes a request, unless all places are held by requests that still have time. One that can be in time takes the place of the last of those that can't any more.
    ///
    /// - Returns: whether it was taken, and those that made room, since their time was over, or for its sake.
    package mutating func add(_ request: IncomingRequest, now: Duration) -> (isTaken: Bool, expired: [IncomingRequest], crowdedOut: [IncomingRequest]) {
        let expired = requests.count < capacity ? [] : removeExpired(now: now)
        var crowdedOut: [IncomingRequest] = []
        if requests.count == capacity, canBeInTime(request, now: now), let last = order(now: now).last, !canBeInTime(requests[last], now: now) {
            crowdedOut.append(requests.remove(at: last))
        }
        guard requests.count < capacity else { return (false, expired, crowdedOut) }
        let place = requests.firstIndex { $0.due <= request.due } ?? requests.count
        requests.insert(request, at: place)
        return (true, expired, crowdedOut)
    }

    /// Whether such a request waited, and waits no more.
    package mutating func remove(_ id: RequestID, of device: ClientID) -> Bool {
        guard let place = requests.firstIndex(where: { $0.request.id == id && $0.device == device }) else { return false }
        requests.remove(at: place)
        return true
    }

    /// Notes what it took to compute requests that were given out together.
    ///
    /// - Returns: each one's part of that time.
    package mutating func took(_ time: Duration, for requests: [Request]) -> [Duration] {
        guard requests.count > 1 else {
            for request in requests { costs[Work(request), default: Cost()].tookAlone(time) }
            return requests.map { _ in time }
        }
        // What takes less time with others than alone takes less alone, too.
        for work in requests.map(Work.init) where costs[work]?.alone.map({ time < $0 }) ?? false { costs[work]?.tookAlone(time) }
        costs[Work(requests[0])]?.groups += 1
        let expected = requests.map { costs[Work($0)]?.alone ?? .nanoseconds(1) }
        let sum = expected.reduce(.zero, +)
        let added = max(time - expected[0], .zero)
        for (request, alone) in zip(requests, expected).dropFirst() { costs[Work(request), default: Cost()].tookTogether(added * (alone / (sum - expected[0]))) }
        let parts = expected.map { time * ($0 / sum) }
        return parts
    }

    /// The next requests, those whose time is over, and those that are crowded out, since it will be. The last one that waits is tried in any case, and one of many that are
    /// crowded out: a slow spell isn't believed in for ever.
    ///
    /// - Parameter most: how many may be computed together.
    package mutating func next(now: Duration, atMost most: Int = 1) -> (requests: [IncomingRequest], expired: [IncomingRequest], crowdedOut: [IncomingRequest]) {
        let expired = removeExpired(now: now)
        let (tried, crowdedOut) = crowdOut(now: now)
        guard let place = tried ?? order(now: now).first else { return ([], expired, crowdedOut) }
        let first = requests.remove(at: place)
        let part = (requests.count + threads) / threads
        return ([first] + company(for: first, now: now, atMost: min(most, part) - 1), expired, crowdedOut)
    }

    /// Removes those that haven't the time that their like take, but for the last one.
    ///
    /// - Returns: the place of one that is to be tried all the same.
    private mutating func crowdOut(now: Duration) -> (tried: Int?, crowdedOut: [IncomingRequest]) {
        var (kept, crowdedOut): ([IncomingRequest], [IncomingRequest]) = ([], [])
        var tried: IncomingRequest?
        for request in requests.reversed() {
            let work = Work(request.request)
            if request.deadline >= now + time(of: request) || crowdedOut.count == requests.count - 1 {
                kept.append(request)
            } else if tried == nil, costs[work]?.isTried() == true {
                tried = request
                kept.append(request)
            } else {
                crowdedOut.append(request)
            }
        }
        requests = kept.reversed()
        return (tried.flatMap { tried in requests.firstIndex { $0.request.id == tried.request.id && $0.device == tried.device } }, crowdedOut)
    }

    /// What it takes by itself; nothing, as far as is known.
    private func time(of request: IncomingRequest) -> Duration { costs[Work(request.request)]?.alone ?? .zero }

    private func canBeInTime(_ request: IncomingRequest, now: Duration) -> Bool { now + time(of: request) <= request.due }

    /// Until when it's to be done: when it's due, or, where that can't be, when it is of no use any more.
    private func limit(of request: IncomingRequest, now: Duration) -> Duration { canBeInTime(request, now: now) ? request.due : request.deadline }

    /// The places in the order in which they are to be computed.
    private func order(now: Duration) -> [Int] {
        let places = requests.indices.reversed()
        let inTime = places.filter { canBeInTime(requests[$0], now: now) }
        let late = places.filter { !canBeInTime(requests[$0], now: now) }
        return inTime + late.sorted { (requests[$0].deadline, -$0) < (requests[$1].deadline, -$1) }
    }

    /// Removes what is to be computed together with a request.
    private mutating func company(for first: IncomingRequest, now: Duration, atMost most: Int) -> [IncomingRequest] {
        guard most > 0, !requests.isEmpty, let own = costs[Work(first.request)], let alone = own.alone else { return [] }
        guard own.pays else {
            costs[Work(first.request)]?.occasions += 1
            return []
        }
        // Else what it takes by itself would never be seen where others always wait.
        guard own.groups < Cost.patience else { return [] }
        // What all take: at most as by themselves, and probably. Until when they must be done, also for the sake of those that are passed over.
        var (longest, probable, end) = (alone, alone, limit(of: first, now: now))
        var passedOver = Duration.zero
        var places: [Int] = []
        for place in order(now: now) where places.count < most {
            let (cost, limit) = (costs[Work(requests[place].request)], limit(of: requests[place], now: now))
            guard let cost, let time = cost.alone, cost.pays else {
                passedOver += cost?.alone ?? .zero
                end = min(end, limit - passedOver)
                continue
            }
            guard now + longest + time <= min(end, limit), probable + cost.expected <= alone * 2 else { break }
            longest += time
            probable += cost.expected
            end = min(end, limit)
            places.append(place)
        }
        let company = places.map { requests[$0] }
        for place in places.sorted(by: >) { requests.remove(at: place) }
        return company
    }

    private mutating func removeExpired(now: Duration) -> [IncomingRequest] {
        let expired = requests.filter { $0.deadline <= now }
        requests.removeAll { $0.deadline <= now }
        return expired.reversed()
    }
}
