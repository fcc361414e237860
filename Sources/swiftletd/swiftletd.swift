// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import ArgumentParser
internal import Glibc
internal import Logging
internal import Settings
internal import Threads

@main
struct SwiftletDaemon: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swiftletd", abstract: "The Swiftlet agent: answers each frame in time, with the cloud's help or without it.",
        discussion: """
            Decisions go to standard output as JSON lines (Config/decision.schema.json), messages to standard error. SIGTERM and SIGINT end the \
            agent cleanly. Exit status: 0, 64 (usage), 65 (a file is damaged), 69 (the system refuses something), 78 (configuration).
            """)

    @Option(help: ArgumentHelp("Run with this configuration.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Name every mistake of a configuration, and end.", valueName: "file"))
    var checkConfig: String?

    func validate() throws {
        guard (config == nil) != (checkConfig == nil) else {
            throw ValidationError("expected one of --config and --check-config")
        }
    }

    func run() throws {
        if let checkConfig {
            _ = try load(checkConfig)
            say("\(checkConfig): no mistakes")
            return
        }
        guard let config else { return }
        let settings = try load(config)
        let signals = StopSignals()
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let failure: AgentError?
        do {
            failure = try operate(settings, signals)
        } catch {
            failure = error
        }
        if let failure {
            say("swiftletd: \(failure)")
            throw ExitCode(failure.exitStatus)
        }
    }

    /// - Returns: why the source ended, where it did not end by itself.
    private func operate(_ settings: AgentSettings, _ signals: StopSignals) throws(AgentError) -> AgentError? {
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

    private func load(_ path: String) throws -> AgentSettings {
        do {
            return try AgentSettings.load(path)
        } catch {
            for line in error.lines { say(line) }
            throw ExitCode(78)
        }
    }

    private func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
