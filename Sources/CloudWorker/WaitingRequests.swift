// SPDX-License-Identifier: Apache-2.0
package import Messaging
package import Wire

/// The requests that wait for a model: the one whose deadline ends first is next, of equal ones the one that came first. A value; time comes in.
///
/// While others wait, one that hasn't the time left that its like takes isn't begun: otherwise, with more to do than can be done, everything would be done a
/// little too late. Requests of one cut aren't computed as one batch: each is answered as soon as it is computed, and one that comes with less time, or is cancelled, still counts.
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

    private let capacity: Int
    /// Moving averages; only of what has been computed, so that there are no more than a network has cuts and exits.
    private var times: [Work: Duration] = [:]
    /// By deadline, the latest first.
    private var requests: [IncomingRequest] = []

    /// - Parameter capacity: how many may wait.
    package init(capacity: Int) { self.capacity = capacity }

    package var count: Int { requests.count }

    /// Takes a request, unless all places are held by requests that still have time.
    ///
    /// - Returns: whether it was taken, and those that made room since their time is over.
    package mutating func add(_ request: IncomingRequest, now: Duration) -> (isTaken: Bool, expired: [IncomingRequest]) {
        let expired = requests.count < capacity ? [] : removeExpired(now: now)
        guard requests.count < capacity else { return (false, expired) }
        let place = requests.firstIndex { $0.deadline <= request.deadline } ?? requests.count
        requests.insert(request, at: place)
        return (true, expired)
    }

    /// Whether such a request waited, and waits no more.
    package mutating func remove(_ id: RequestID, of device: ClientID) -> Bool {
        guard let place = requests.firstIndex(where: { $0.request.id == id && $0.device == device }) else { return false }
        requests.remove(at: place)
        return true
    }

    /// Notes what it took to compute a request.
    package mutating func took(_ time: Duration, for request: Request) {
        let work = Work(request)
        times[work] = times[work].map { ($0 * 7 + time) / 8 } ?? time
    }

    /// The next request, and those whose time is over, or will be. The last one that waits is tried in any case, so that a slow spell isn't believed in for ever.
    package mutating func next(now: Duration) -> (request: IncomingRequest?, expired: [IncomingRequest]) {
        var expired = removeExpired(now: now)
        while requests.count > 1, let next = requests.last, let time = times[Work(next.request)], next.deadline < now + time {
            expired.append(requests.removeLast())
        }
        return (requests.popLast(), expired)
    }

    private mutating func removeExpired(now: Duration) -> [IncomingRequest] {
        var expired: [IncomingRequest] = []
        while let next = requests.last, next.deadline <= now { expired.append(requests.removeLast()) }
        return expired
    }
}
