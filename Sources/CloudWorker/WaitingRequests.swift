// SPDX-License-Identifier: Apache-2.0
package import Messaging
package import Wire

/// The requests that wait for a model: the one whose deadline ends first is next, of equal ones the one that came first. A value; time comes in.
///
/// Requests of one cut aren't computed as one batch: each is answered as soon as it is computed, and one that comes with less time, or is cancelled, still counts.
package struct WaitingRequests: Sendable {
    private let capacity: Int
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

    /// The next request that still has time, and those whose time is over.
    package mutating func next(now: Duration) -> (request: IncomingRequest?, expired: [IncomingRequest]) {
        let expired = removeExpired(now: now)
        return (requests.popLast(), expired)
    }

    private mutating func removeExpired(now: Duration) -> [IncomingRequest] {
        var expired: [IncomingRequest] = []
        while let next = requests.last, next.deadline <= now { expired.append(requests.removeLast()) }
        return expired
    }
}
