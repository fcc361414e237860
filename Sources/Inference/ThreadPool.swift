// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Kernels
internal import Synchronization

/// Threads that run the parts of one step at a time together with the thread that calls ``run(_:in:)``.
///
/// The pool owns its threads and ends them when it is released. ``run(_:in:)`` is called by one thread at a time. Between steps the workers look
/// out for work for as long as the options say, then sleep until ``run(_:in:)`` wakes them.
final class ThreadPool: Sendable {
    private let crew: Crew
    private let threads: [pthread_t]
    /// What it costs to divide a step among the threads and to wait for all of them: more than the longest part.
    let barrier: Duration

    /// Starts `options.threads − 1` threads for `steps` over `memory`.
    init(_ options: ExecutorOptions, steps: [any Step], memory: Memory) throws(InferenceError) {
        precondition(steps.count < Share.mostSteps, "more steps than a share can name")
        crew = Crew(options, steps: steps, memory: memory)
        var started: [pthread_t] = []
        for worker in 1..<max(options.threads, 1) {
            var thread = pthread_t()
            let argument = unsafe Unmanaged.passRetained(Assignment(crew: crew, worker: worker))
            let status = unsafe pthread_create(&thread, nil, { argument in
                guard let argument = unsafe argument else { return nil }
                let assignment = unsafe Unmanaged<Assignment>.fromOpaque(argument).takeRetainedValue()
                assignment.crew.work(as: assignment.worker)
                return nil
            }, argument.toOpaque())
            guard status == 0 else {
                unsafe argument.release()
                crew.stop()
                for thread in started { pthread_join(thread, nil) }
                throw InferenceError(.threads, "thread \(worker + 1) of \(options.threads)", "the system refused it, error \(status)")
            }
            started.append(thread)
        }
        threads = started
        if let core = crew.refusedCore() {
            crew.stop()
            for thread in started { pthread_join(thread, nil) }
            throw InferenceError(.threads, processor: core)
        }
        barrier = options.barrier ?? crew.measuredBarrier()
    }

    deinit {
        crew.stop()
        for thread in threads { pthread_join(thread, nil) }
    }

    /// Whether a step takes less time divided than on one thread.
    func pays(for step: any Step) -> Bool {
        // As many images as that: one thread runs them.
        guard step.parts <= Share.mostParts else { return false }
        // Estimates are rough; where little can be gained, little should be at stake.
        return barrier == .zero || step.nanoseconds * (1 - 1 / Double(threads.count + 1)) > 2 * (barrier / .nanoseconds(1))
    }

    /// Runs every part of a step and returns when the last one is done.
    func run(_ step: Int, in memory: Memory) { crew.lead(step, in: memory) }
}

private final class Assignment {
    let crew: Crew
    let worker: Int
    init(crew: Crew, worker: Int) {
        self.crew = crew
        self.worker = worker
    }
}

/// The parts of a step that one thread is to do, in one word: the owner takes them from the front, who has nothing left from the back.
private struct Share {
    static let mostSteps = 1 << 23
    static let mostParts = 0xF_FFFF
    static let none = Share(step: mostSteps, parts: 0..<0)

    var bits: UInt64
    init(bits: UInt64) { self.bits = bits }
    init(step: Int, parts: Range<Int>) { bits = UInt64(step) << 40 | UInt64(parts.lowerBound) << 20 | UInt64(parts.upperBound) }
    var step: Int { Int(bits >> 40) }
    var parts: Range<Int> { Int(bits >> 20 & 0xF_FFFF)..<Int(bits & 0xF_FFFF) }
}

/// Each part takes so long that no thread does another's before that one wakes.
private struct PauseStep: Step {
    static let length = Duration.microseconds(3)
    let parts: Int

    func run(parts: Range<Int>, in memory: Memory, worker: Int) {
        let clock = ContinuousClock()
        let end = clock.now + Self.length * parts.count
        while clock.now < end { Processor.spin() }
    }
}

/// What the threads of a pool share.
///
/// `@unchecked Sendable`: the mutable state is atomic, but for the memory of the present step, which the leading thread sets before it gives out shares and no other reads
/// without one; the mutex and the conditions are made for being shared.
@safe
private final class Crew: @unchecked Sendable {
    /// Words of different threads are so far apart that no cache line holds two.
    private static let wordsApart = 16
    /// Looks between two looks at the clock.
    private static let looksAtATime = 64
    private static let measuringTime = Duration.microseconds(100)
    private static let longestMeasuringTime = Duration.milliseconds(1)

    private let steps: [any Step]
    /// Of the step that is run; set before its shares are.
    private var memory: Memory
    private let threads: Int
    private let cores: [Int]
    private let patience: Duration
    private let shares: UnsafeMutablePointer<Atomic<UInt64>>
    private let finished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let leaderSleeps = Atomic<Bool>(false)
    private let stopping = Atomic<Bool>(false)
    private let bound = Atomic<Int>(0)
    private let refused = Atomic<Int>(-1)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let work = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let completion = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(_ options: ExecutorOptions, steps: [any Step], memory: Memory) {
        self.steps = steps + [PauseStep(parts: options.threads)]
        self.memory = memory
        threads = options.threads
        cores = options.cores
        patience = options.patience
        unsafe shares = .allocate(capacity: threads * Self.wordsApart)
        for index in 0..<threads * Self.wordsApart { unsafe (shares + index).initialize(to: Atomic(Share.none.bits)) }
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
        unsafe shares.deinitialize(count: threads * Self.wordsApart)
        unsafe shares.deallocate()
    }

    func lead(_ index: Int, in memory: Memory) {
        let parts = steps[index].parts
        self.memory = memory
        finished.store(0, ordering: .relaxed)
        for worker in (0..<threads).reversed() {
            // The first have the larger shares: they begin first.
            let share = Share(step: index, parts: (worker * parts + threads - 1) / threads..<((worker + 1) * parts + threads - 1) / threads)
            unsafe shares[worker * Self.wordsApart].store(share.bits, ordering: .sequentiallyConsistent)
        }
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
            unsafe pthread_mutex_lock(mutex)
            unsafe pthread_cond_broadcast(work)
            unsafe pthread_mutex_unlock(mutex)
        }
        runShares(as: 0)
        guard !isPatient({ finished.load(ordering: .acquiring) == parts }) else { return }
        unsafe pthread_mutex_lock(mutex)
        leaderSleeps.store(true, ordering: .sequentiallyConsistent)
        while finished.load(ordering: .sequentiallyConsistent) != parts { unsafe pthread_cond_wait(completion, mutex) }
        leaderSleeps.store(false, ordering: .relaxed)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// The least time that pauses of every thread took beyond one pause, in several rounds.
    func measuredBarrier() -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        var least = Duration.seconds(1)
        var isOver = false
        while !isOver {
            let before = clock.now
            lead(steps.count - 1, in: memory)
            let now = clock.now
            least = min(least, now - before - PauseStep.length)
            // Threads that haven't begun yet, or have no processor, let others do their part.
            isOver = now - start > (least < PauseStep.length ? Self.measuringTime : Self.longestMeasuringTime)
        }
        return max(least, .nanoseconds(1))
    }

    func work(as worker: Int) {
        bind(worker)
        while !stopping.load(ordering: .acquiring) {
            runShares(as: worker)
            if !isPatient({ hasWork(worker) }) { sleep(worker) }
        }
    }

    func stop() {
        unsafe pthread_mutex_lock(mutex)
        stopping.store(true, ordering: .sequentiallyConsistent)
        unsafe pthread_cond_broadcast(work)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Looks until `condition` holds, for as long as the options allow. `false`: it didn't come to hold.
    @inline(__always)
    private func isPatient(_ condition: () -> Bool) -> Bool {
        if condition() { return true }
        guard patience > .zero else { return false }
        let end = ContinuousClock.now + patience
        repeat {
            for _ in 0..<Self.looksAtATime {
                if condition() { return true }
                Processor.spin()
            }
        } while ContinuousClock.now < end
        return false
    }

    /// There is a part to take, or a reason to end.
    private func hasWork(_ worker: Int) -> Bool {
        let share = unsafe Share(bits: shares[worker * Self.wordsApart].load(ordering: .sequentiallyConsistent))
        return !share.parts.isEmpty || stopping.load(ordering: .sequentiallyConsistent)
    }

    private func sleep(_ worker: Int) {
        unsafe pthread_mutex_lock(mutex)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while !hasWork(worker) { unsafe pthread_cond_wait(work, mutex) }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Runs what is left of the thread's own share, then of the others', and reports how much that was.
    private func runShares(as worker: Int) {
        var done = 0
        var step = 0
        for distance in 0..<threads {
            let owner = (worker + distance) % threads
            while let (index, parts) = take(from: owner, isOwn: distance == 0) {
                steps[index].run(parts: parts, in: memory, worker: worker)
                done += parts.count
                step = index
            }
        }
        guard done > 0 else { return }
        let total = finished.add(done, ordering: .sequentiallyConsistent).newValue
        guard total == steps[step].parts, leaderSleeps.load(ordering: .sequentiallyConsistent) else { return }
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_signal(completion)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// The owner takes the first half of what is left, others the last half.
    private func take(from owner: Int, isOwn: Bool) -> (step: Int, parts: Range<Int>)? {
        let word = owner * Self.wordsApart
        var current = unsafe Share(bits: shares[word].load(ordering: .acquiring))
        while !current.parts.isEmpty {
            let parts = current.parts
            let middle = isOwn ? (parts.lowerBound + parts.upperBound + 1) / 2 : (parts.lowerBound + parts.upperBound) / 2
            let (taken, left) = isOwn ? (parts.lowerBound..<middle, middle..<parts.upperBound) : (middle..<parts.upperBound, parts.lowerBound..<middle)
            let (exchanged, seen) = unsafe shares[word].compareExchange(
                expected: current.bits, desired: Share(step: current.step, parts: left).bits, ordering: .acquiringAndReleasing)
            if exchanged { return (current.step, taken) }
            current = Share(bits: seen)
        }
        return nil
    }

    // Where threads run.

    private func bind(_ worker: Int) {
        if worker < cores.count, !Processor.bindThread(to: cores[worker]) { refused.store(cores[worker], ordering: .relaxed) }
        unsafe pthread_mutex_lock(mutex)
        bound.add(1, ordering: .sequentiallyConsistent)
        unsafe pthread_cond_signal(completion)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// A processor to which a thread couldn't be bound; waits until every thread has tried.
    func refusedCore() -> Int? {
        guard !cores.isEmpty else { return nil }
        unsafe pthread_mutex_lock(mutex)
        while bound.load(ordering: .sequentiallyConsistent) < threads - 1 { unsafe pthread_cond_wait(completion, mutex) }
        unsafe pthread_mutex_unlock(mutex)
        let core = refused.load(ordering: .relaxed)
        return core < 0 ? nil : core
    }
}
