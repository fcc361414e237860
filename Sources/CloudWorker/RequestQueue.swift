// SPDX-License-Identifier: Apache-2.0
internal import Messaging
internal import Synchronization
internal import Wire

/// ``WaitingRequests`` between the link's thread and those that compute.
final class RequestQueue: Sendable {
    private struct Inside: Sendable {
        var requests: WaitingRequests
        var isClosed = false
    }

    private let inside: Mutex<Inside>
    private let wakeUp: WakeUp

    init(capacity: Int, threads: Int) throws(LinkFault) {
        inside = Mutex(Inside(requests: WaitingRequests(capacity: capacity, threads: threads)))
        wakeUp = try WakeUp()
    }

    func push(_ request: IncomingRequest) -> (isTaken: Bool, expired: [IncomingRequest], crowdedOut: [IncomingRequest]) {
        let now = MonotonicClock.now()
        let result = inside.withLock { inside -> (isTaken: Bool, expired: [IncomingRequest], crowdedOut: [IncomingRequest]) in
            inside.isClosed ? (false, [], []) : inside.requests.add(request, now: now)
        }
        if result.isTaken { wakeUp.raise() }
        return result
    }

    /// Notes what it took to compute requests that came together, and says each one's part.
    func took(_ time: Duration, for requests: [Request]) -> [Duration] { inside.withLock { $0.requests.took(time, for: requests) } }

    func remove(_ id: RequestID, of device: ClientID) -> Bool { inside.withLock { $0.requests.remove(id, of: device) } }

    /// The next requests, as soon as there are some, to be computed together, those whose time is over, and those that are crowded out; `nil` once the queue is closed.
    func pop(atMost most: Int) -> (requests: [IncomingRequest], expired: [IncomingRequest], crowdedOut: [IncomingRequest])? {
        while true {
            let now = MonotonicClock.now()
            let (next, hasMore) = inside.withLock { inside -> ((requests: [IncomingRequest], expired: [IncomingRequest], crowdedOut: [IncomingRequest])?, Bool) in
                if inside.isClosed { return (nil, true) }
                let next = inside.requests.next(now: now, atMost: most)
                return (next, inside.requests.count > 0)
            }
            // The flag may have been lowered for several requests at once.
            if hasMore { wakeUp.raise() }
            guard let next else { return nil }
            if !next.requests.isEmpty || !next.expired.isEmpty || !next.crowdedOut.isEmpty { return next }
            _ = wakeUp.wait(for: .seconds(3600))
            wakeUp.lower()
        }
    }

    /// Drops what waits; nothing is taken any more.
    func close() {
        inside.withLock { inside in
            inside.isClosed = true
            inside.requests = WaitingRequests(capacity: 0)
        }
        wakeUp.raise()
    }
}
