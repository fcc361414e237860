// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
internal import FoundationEssentials
internal import Rehearsal

/// The demonstration's private cloud: a broker and a worker as child processes, and the link between them and the agent.
final class Stage {
    private let broker: PrivateBroker
    private let relay: LinkRelay
    private let folder: String
    private let tool: String
    private var worker: ChildProcess?

    /// Starts broker and worker.
    ///
    /// - Parameters:
    ///   - folder: holds `cloud.swiftlet`; settings and the worker's log are written there.
    init(folder: String) throws {
        self.folder = folder
        tool = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        guard PrivateBroker.executable != nil else {
            throw CommandFailure(.unavailable, "mosquitto is not installed: run Packaging/bootstrap demo, or apt-get install mosquitto")
        }
        broker = try PrivateBroker()
        relay = try LinkRelay(to: broker.port)
        try writeFile(folder + "/cloud.yaml", workerSettings)
        try startWorker()
    }

    /// Settings of the agent, as a person would write them.
    func agentSettings(rate: Double, seed: UInt64, threshold: String = "80 %") -> String {
        """
        device: demo-board
        model:
          bundle: \(folder)/board.swiftlet
        source:
          flight:
            seed: \(seed)
            rate: \(rate) fps
        deadline: 100 ms
        gate:
          measure: top-1
          threshold: \(threshold)
        recovery:
          model: flight
          max-in-flight: 4
        broker:
          host: 127.0.0.1
          port: \(relay.port)
          keep-alive: 5 s
          back-off:
            first: 100 ms
            longest: 1 s

        """
    }

    private var workerSettings: String {
        """
        worker: demo-worker
        model:
          bundle: \(folder)/cloud.swiftlet
          name: flight
        broker:
          host: 127.0.0.1
          port: \(broker.port)
          keep-alive: 5 s
          back-off:
            first: 100 ms
            longest: 1 s

        """
    }

    /// Brings about what a phase wants, whatever was before.
    func enter(_ condition: CloudCondition) throws {
        relay.set(condition == .blackHoled ? .blackHoled : .open)
        if condition == .brokerKilled { broker.crash() } else { try broker.start() }
        if condition == .workerKilled {
            worker?.kill(9)
            _ = worker?.wait(for: .seconds(2))
        } else if worker?.isRunning != true {
            try startWorker()
        }
    }

    /// What the link between agent and broker is like from now on.
    func setLink(_ condition: LinkRelay.Condition) { relay.set(condition) }

    private func startWorker() throws {
        worker = try ChildProcess(
            tool, ["serve", "--config", folder + "/cloud.yaml"], output: .discarded, errors: .file(folder + "/worker.log"))
    }

    /// Ends every child process.
    func strike() {
        worker?.end()
        relay.stop()
        broker.stop()
    }
}
