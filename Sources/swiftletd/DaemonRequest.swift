// SPDX-License-Identifier: Apache-2.0

/// What a command line asks the daemon for.
enum DaemonRequest: Equatable {
    case run(configuration: String)
    case check(configuration: String)
    case help

    /// Why a command line is none of ours.
    struct UsageError: Error {
        var cause: String
    }

    static let usage = "Usage: swiftletd [--config <file>] [--check-config <file>]"

    static let overview = """
        OVERVIEW: The Swiftlet agent: answers each frame in time, with the cloud's help
        or without it.

        Decisions go to standard output as JSON lines (Config/decision.schema.json),
        messages to standard error: those of the level that SWIFTLET_LOG names, and
        above (debug says each choice among plans; default info). SIGTERM and SIGINT
        end the agent cleanly. Exit status: 0, 64 (usage), 65 (a file is damaged), 69
        (the system refuses something), 78 (configuration).

        USAGE: swiftletd [--config <file>] [--check-config <file>]

        OPTIONS:
          --config <file>         Run with this configuration.
          --check-config <file>   Name every mistake of a configuration, and end.
          -h, --help              Show help information.
        """

    /// - Parameter arguments: without the program's name.
    init(_ arguments: some Sequence<String>) throws(UsageError) {
        var request: DaemonRequest?
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            if argument == "-h" || argument == "--help" {
                self = .help
                return
            }
            // `--config FILE` or `--config=FILE`
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard ["--config", "--check-config"].contains(parts[0]) else {
                throw UsageError(cause: "unexpected \(argument.hasPrefix("-") ? "option" : "argument") '\(argument)'")
            }
            let file = parts.count == 2 ? parts[1] : rest.first.flatMap { $0.hasPrefix("-") ? nil : rest.removeFirst() }
            guard let file, !file.isEmpty else { throw UsageError(cause: "missing value for '\(parts[0]) <file>'") }
            guard request == nil else { throw UsageError(cause: "expected one of --config and --check-config, once") }
            request = parts[0] == "--config" ? .run(configuration: file) : .check(configuration: file)
        }
        guard let request else { throw UsageError(cause: "expected one of --config and --check-config") }
        self = request
    }
}
