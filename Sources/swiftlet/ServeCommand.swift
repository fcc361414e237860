// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CloudWorker
internal import Logging
internal import Messaging
internal import Settings
internal import Threads

/// `swiftlet serve`: the worker in the cloud.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answer devices with the full network of a bundle.",
        discussion: "Runs until SIGINT or SIGTERM; says goodbye to the devices then.")

    @Option(help: ArgumentHelp("The configuration, as Config/cloud.yaml.", valueName: "file"))
    var config: String

    func run() throws {
        let stop = StopSignals()
        try exiting {
            let settings = try CloudSettings.load(config)
            let log = Logger(label: "swiftlet serve") { StreamLogHandler.standardError(label: $0) }
            let worker = try CloudWorker(settings, agent: "swiftlet 0.1", log: log)
            try worker.start()
            log.notice("worker '\(settings.worker)' runs \(settings.bundle)")
            stop.wait()
            worker.stop()
            let counters = worker.counters
            log.notice(
                """
                stopped; \(counters.answered) answered (\(counters.together) together with others), \(counters.busy) busy, \(counters.expired) too late, \(counters.cancelled + counters.inVain) cancelled, \
                \(counters.badRequests) bad requests, \(counters.otherModels) for other models, \(counters.repeated) repeated, \
                \(counters.faults) faults, \(worker.linkCounters.damaged) damaged messages
                """)
        }
    }
}
