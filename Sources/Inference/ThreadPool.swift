// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Threads that run the parts of one step at a time together with the thread that calls ``run(_:)``.
///
/// The pool owns its threads and ends them when it is released. ``run(_:)`` is called by one thread at a time. Between steps the
/// workers look out for work for some microseconds, then sleep until ``run(_:)`` wakes them.
final class ThreadPool: Sendable {
    private let shared: Crew
    private let threads: [pthread_t]

    /// Starts `threads − 1` threads for `steps` over `memory`.
    init(threads count: Int, steps: [any Step], memory: Memory) throws(InferenceError) {
        precondition(steps.count <= Ticket.limit, "more steps than a ticket can name")
        shared = Crew(steps: steps, memory: memory)
        var started: [pthread_t] = []
        for worker in 1..<max(count, 1) {
            var thread = pthread_t()
            let argument = unsafe Unmanaged.passRetained(Assignment(crew: shared, worker: worker))
            let status = unsafe pthread_create(&thread, nil, { argument in
                guard let argument = unsafe argument else { return nil }
                let assignment = unsafe Unmanaged<Assignment>.fromOpaque(argument).takeRetainedValue()
                assignment.crew.work(as: assignment.worker)
                return nil
            }, argument.toOpaque())
            guard status == 0 else {
                unsafe argument.release()
                shared.stop()
                for thread in started { pthread_join(thread, nil) }
                throw InferenceError(.threads, "thread \(worker + 1) of \(count)", "the system refused it, error \(status)")
            }
            started.append(thread)
        }
        threads = started
    }

    deinit {
        shared.stop()
        for thread in threads { pthread_join(thread, nil) }
    }

    /// Runs every part of a step and returns when the last one is done.
    func run(_ step: Int) { shared.lead(step) }
}

private final class Assignment {
    let crew: Crew
    let worker: Int
    init(crew: Crew, worker: Int) {
        self.crew = crew
        self.worker = worker
    }
}

/// The step in progress and its next part in one word, so that taking a part can't mix up two steps.
private struct Ticket {
    static let limit = 1 << 24
    static let maximumParts = 1 << 24
    static let none = Ticket(step: limit, part: 0)

    var bits: UInt64
    init(bits: UInt64) { self.bits = bits }
    init(step: Int, part: Int) { bits = UInt64(step) << 32 | UInt64(part) }
    var step: Int { Int(bits >> 32) }
    var part: Int { Int(bits & 0xFFFF_FFFF) }
}

/// What the threads of a pool share.
///
/// `@unchecked Sendable`: the mutable state is atomic; the mutex and the conditions are made for being shared.
@safe
private final class Crew: @unchecked Sendable {
    private static let lookouts = 4000

    private let steps: [any Step]
    private let memory: Memory
    private let ticket = Atomic<UInt64>(Ticket.none.bits)
    private let finished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let leaderSleeps = Atomic<Bool>(false)
    private let stopping = Atomic<Bool>(false)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let work = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let completion = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(steps: [any Step], memory: Memory) {
        self.steps = steps
        self.memory = memory
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(work, nil)
        unsafe pthread_cond_init(completion, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(completion)
        unsafe pthread_cond_destroy(work)
        unsafe pthread_mutex_destroy(mutex)
        unsafe completion.deallocate()
        unsafe work.deallocate()
        unsafe mutex.deallocate()
    }

    func lead(_ index: Int) {
        let parts = steps[index].parts
        precondition(parts <= Ticket.maximumParts, "more parts than a ticket can count")
        finished.store(0, ordering: .relaxed)
        ticket.store(Ticket(step: index, part: 0).bits, ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
            unsafe pthread_mutex_lock(mutex)
            unsafe pthread_cond_broadcast(work)
            unsafe pthread_mutex_unlock(mutex)
        }
        while takePart(as: 0) {}
        for _ in 0..<Self.lookouts where finished.load(ordering: .acquiring) == parts { return }
        unsafe pthread_mutex_lock(mutex)
        leaderSleeps.store(true, ordering: .sequentiallyConsistent)
        while finished.load(ordering: .sequentiallyConsistent) != parts { unsafe pthread_cond_wait(completion, mutex) }
        leaderSleeps.store(false, ordering: .relaxed)
        unsafe pthread_mutex_unlock(mutex)
    }

    func work(as worker: Int) {
        while !stopping.load(ordering: .acquiring) {
            while takePart(as: worker) {}
            var found = false
            for _ in 0..<Self.lookouts where !found { found = hasWork }
            if !found { sleep() }
        }
    }

    func stop() {
        unsafe pthread_mutex_lock(mutex)
        stopping.store(true, ordering: .sequentiallyConsistent)
        unsafe pthread_cond_broadcast(work)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// There is a part to take, or a reason to end.
    private var hasWork: Bool {
        if stopping.load(ordering: .sequentiallyConsistent) { return true }
        let current = Ticket(bits: ticket.load(ordering: .sequentiallyConsistent))
        return current.step < steps.count && current.part < steps[current.step].parts
    }

    private func sleep() {
        unsafe pthread_mutex_lock(mutex)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while !hasWork { unsafe pthread_cond_wait(work, mutex) }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Takes the next part, if there is one, and runs it.
    private func takePart(as worker: Int) -> Bool {
        var current = Ticket(bits: ticket.load(ordering: .acquiring))
        while current.step < steps.count, current.part < steps[current.step].parts {
            let (taken, seen) = ticket.compareExchange(
                expected: current.bits, desired: Ticket(step: current.step, part: current.part + 1).bits,
                ordering: .acquiringAndReleasing)
            guard taken else {
                current = Ticket(bits: seen)
                continue
            }
            let step = steps[current.step]
            step.run(parts: current.part..<(current.part + 1), in: memory, worker: worker)
            let done = finished.add(1, ordering: .sequentiallyConsistent).newValue
            if done == step.parts, leaderSleeps.load(ordering: .sequentiallyConsistent) {
                unsafe pthread_mutex_lock(mutex)
                unsafe pthread_cond_signal(completion)
                unsafe pthread_mutex_unlock(mutex)
            }
            return true
        }
        return false
    }
}
