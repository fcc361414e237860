// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc

@main
enum SwiftletDaemon {
    static func main() {
        // How every board starts it: without the work that any other command line takes.
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[1] == "--config" { exit(Daemon.run(arguments[2])) }
        DaemonCommand.main()
    }
}

struct DaemonCommand: ParsableCommand {
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
        let status = if let checkConfig { Daemon.check(checkConfig) } else { Daemon.run(config ?? "") }
        guard status == 0 else { throw ExitCode(status) }
    }
}
