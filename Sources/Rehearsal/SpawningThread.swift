// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// The one thread that starts children. The kernel sends the signal of `--pdeathsig` when the *thread* that started the child ends
/// (prctl(2), PR_SET_PDEATHSIG), so that thread must live as long as we do.
enum SpawningThread {
    private struct Job: Sendable {
        var command: [String]
        var environment: [String: String]
        var output: ChildProcess.Output
        var errors: ChildProcess.Output
        var answer: @Sendable (Result<pid_t, RehearsalError>) -> Void
    }

    private struct Desk: Sendable {
        var jobs: [Job] = []
        var bell: Flag?
    }

    private static let desk = Mutex(Desk())

    static func spawn(
        _ command: [String], environment: [String: String], output: ChildProcess.Output, errors: ChildProcess.Output
    ) throws(RehearsalError) -> pid_t {
        let answered = try Flag()
        let box = Answer()
        let bell = try bell()
        let job = Job(command: command, environment: environment, output: output, errors: errors) { result in
            box.result.withLock { $0 = result }
            answered.raise()
        }
        desk.withLock { $0.jobs.append(job) }
        bell.raise()
        _ = answered.wait(for: nil)
        guard let result = box.result.withLock({ $0 }) else { throw RehearsalError(.system, "run \(command[0])", "no answer") }
        return try result.get()
    }

    private final class Answer: Sendable {
        let result = Mutex<Result<pid_t, RehearsalError>?>(nil)
    }

    /// The thread's bell; starts the thread at the first call.
    private static func bell() throws(RehearsalError) -> Flag {
        let (bell, isNew) = try desk.withLock { desk throws(RehearsalError) -> (Flag, Bool) in
            if let bell = desk.bell { return (bell, false) }
            let bell = try Flag()
            desk.bell = bell
            return (bell, true)
        }
        if isNew {
            try Background.run {
                while true {
                    _ = bell.wait(for: nil)
                    bell.lower()
                    while let job = desk.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) { job.answer(start(job)) }
                }
            }
        }
        return bell
    }

    private static func start(_ job: Job) -> Result<pid_t, RehearsalError> {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        for (descriptor, output) in [(STDOUT_FILENO, job.output), (STDERR_FILENO, job.errors)] {
            switch output {
            case .inherited: break
            case .discarded: unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
            case .file(let path):
                unsafe posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            }
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // The child starts with no signal blocked and SIGPIPE, SIGINT and SIGTERM as usual; its own process group keeps the
        // terminal's Ctrl-C from it, so that we can end it in order.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        var usual = sigset_t()
        unsafe sigemptyset(&usual)
        for signal in [SIGPIPE, SIGINT, SIGTERM] { unsafe sigaddset(&usual, signal) }
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &usual)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        var variables: [String] = []
        var position = 0
        while let entry = unsafe environ[position] {
            let text = unsafe String(cString: entry)
            if job.environment[String(text.prefix { $0 != "=" })] == nil { variables.append(text) }
            position += 1
        }
        variables += job.environment.map { "\($0.key)=\($0.value)" }

        var processID: pid_t = 0
        let result = unsafe withCStrings(job.command) { arguments in
            unsafe withCStrings(variables) { environment in
                unsafe posix_spawn(&processID, job.command[0], &actions, &attributes, arguments, environment)
            }
        }
        return result == 0 ? .success(processID) : .failure(RehearsalError("run \(job.command[0])", error: result))
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an array with a terminator has a base address") }
            return unsafe body(base)
        }
    }
}
