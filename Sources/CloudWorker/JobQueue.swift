// SPDX-License-Identifier: Apache-2.0
internal import Messaging
internal import Synchronization

/// A bounded queue between the link's thread and those that compute. A full queue takes nothing.
final class JobQueue<Job: Sendable>: Sendable {
    private struct Inside: Sendable {
        var jobs: [Job] = []
        var isClosed = false
    }

    private let capacity: Int
    private let inside = Mutex(Inside())
    private let wakeUp: WakeUp

    init(capacity: Int) throws(LinkFault) {
        self.capacity = capacity
        wakeUp = try WakeUp()
    }

    var count: Int { inside.withLock { $0.jobs.count } }

    /// Whether the job was taken.
    func push(_ job: Job) -> Bool {
        let isTaken = inside.withLock { inside in
            guard !inside.isClosed, inside.jobs.count < capacity else { return false }
            inside.jobs.append(job)
            return true
        }
        if isTaken { wakeUp.raise() }
        return isTaken
    }

    /// The oldest job, as soon as there is one; `nil` once the queue is closed.
    func pop() -> Job? {
        while true {
            let (job, isClosed, hasMore) = inside.withLock { inside -> (Job?, Bool, Bool) in
                if inside.isClosed { return (nil, true, false) }
                let job = inside.jobs.isEmpty ? nil : inside.jobs.removeFirst()
                return (job, false, !inside.jobs.isEmpty)
            }
            // The flag may have been lowered for several jobs at once.
            if isClosed || hasMore { wakeUp.raise() }
            if isClosed { return nil }
            if let job { return job }
            _ = wakeUp.wait(for: .seconds(3600))
            wakeUp.lower()
        }
    }

    /// Drops what waits; nothing is taken any more.
    func close() {
        inside.withLock { inside in
            inside.isClosed = true
            inside.jobs = []
        }
        wakeUp.raise()
    }
}
