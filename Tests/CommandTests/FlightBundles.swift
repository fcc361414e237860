// SPDX-License-Identifier: Apache-2.0
import Foundation
import Rehearsal
import TestSupport

/// The two networks of `Config/models`, compiled once by the tool itself, and settings that use them.
struct FlightBundles: Sendable {
    private let folder: TemporaryFolder

    /// The board's network, in int8.
    var board: String { folder("board.swiftlet") }
    /// The full network.
    var cloud: String { folder("cloud.swiftlet") }
    /// A folder of frames with their labels.
    var frames: String { folder("frames") }

    static let configuration = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Config"

    private static let made = Task { try await FlightBundles() }

    static var shared: FlightBundles { get async throws { try await made.value } }

    private init() async throws {
        folder = TemporaryFolder()
        // Flights of their own, frames far apart.
        for arguments in [
            ["flight", "--frames", "96", "--seed", "700000", "--flights", "24", "--frames-per-second", "1", "--out", frames],
            ["compile", Self.configuration + "/models/flight-board.onnx", "--calibration", frames, "-o", board],
            ["compile", Self.configuration + "/models/flight-cloud.onnx", "--precision", "fp32", "-o", cloud],
        ] {
            let outcome = try await tool(arguments)
            guard outcome.ending == .exited(0) else { throw Program.Missing(description: "swiftlet \(arguments.joined(separator: " ")): \(outcome)") }
        }
    }

    /// Settings of an agent on the rendered flight.
    func agentSettings(source: String, port: Int = 1, recovers: Bool = false, publishes: Bool = false) -> String {
        """
        device: board-1
        model: {bundle: "\(board)"}
        source: {\(source)}
        recovery: {enabled: \(recovers), model: flight, max-in-flight: 4}
        broker: {host: 127.0.0.1, port: \(port), keep-alive: 5 s, back-off: {first: 100 ms, longest: 1 s}}
        output: {publish: \(publishes)}

        """
    }

    func workerSettings(port: Int) -> String {
        """
        worker: worker-1
        model: {bundle: "\(cloud)", name: flight}
        broker: {host: 127.0.0.1, port: \(port), keep-alive: 5 s, back-off: {first: 100 ms, longest: 1 s}}

        """
    }
}

extension TemporaryFolder {
    /// Writes a file.
    ///
    /// - Returns: its path.
    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        try Data(bytes).write(to: URL(filePath: self(name)))
        return self(name)
    }

    func write(_ name: String, _ text: String) throws -> String { try write(name, text.utf8) }
}
