// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import Glibc
internal import Kernels
internal import Logging
internal import Settings
internal import Threads

/// What the program does; each function returns its exit status.
enum Daemon {
    /// Names every mistake of a configuration.
    static func check(_ path: String) -> Int32 {
        guard load(path) != nil else { return 78 }
        say("\(path): no mistakes")
        return 0
    }

    /// Runs the agent until its source ends, or a signal ends it.
    static func run(_ path: String) -> Int32 {
        guard let settings = load(path) else { return 78 }
        guard let level = logLevel else {
            say("swiftletd: SWIFTLET_LOG: expected one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
            return 64
        }
        do {
            try CPUFeatures.checkEnvironment()
        } catch {
            say("swiftletd: \(error)")
            return 64
        }
        let signals = StopSignals()
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let failure: AgentError?
        do {
            failure = try operate(settings, signals)
        } catch {
            failure = error
        }
        guard let failure else { return 0 }
        say("swiftletd: \(failure)".onOneLine)
        return failure.exitStatus
    }

    /// The least of what is logged; `nil` where the environment says something else than a level.
    private static var logLevel: Logger.Level? {
        guard let text = unsafe getenv("SWIFTLET_LOG").map({ unsafe String(cString: $0) }) else { return .info }
        return Logger.Level(rawValue: text)
    }

    /// - Returns: why the source ended, where it did not end by itself.
    private static func operate(_ settings: AgentSettings, _ signals: StopSignals) throws(AgentError) -> AgentError? {
        let agent = try Agent(
            settings: settings, program: "swiftletd", logger: Logger(label: "swiftletd"),
            outputs: Agent.Outputs(lines: settings.output.standardOutput ? STDOUT_FILENO : nil))
        let supervisor = ServiceManager()
        try signals.onStop {
            supervisor.notify("STOPPING=1")
            agent.stop()
        }
        try agent.start()
        supervisor.notify("READY=1")
        try supervisor.watch(agent)
        agent.waitUntilFinished()
        agent.stop()
        return agent.sourceFailure
    }

    private static func load(_ path: String) -> AgentSettings? {
        do {
            return try AgentSettings.load(path)
        } catch {
            for line in error.lines { say(line) }
            return nil
        }
    }

    /// Writes text for people to standard output.
    static func show(_ text: String) -> Int32 { write(text, to: STDOUT_FILENO) ? 0 : 74 }

    /// Writes a message to standard error.
    static func say(_ line: String) { _ = write(line, to: STDERR_FILENO) }

    private static func write(_ line: String, to descriptor: CInt) -> Bool {
        let bytes = Array((line + "\n").utf8)
        return unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) } == bytes.count
    }
}
