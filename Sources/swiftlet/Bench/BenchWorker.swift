// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Tensors

/// Measures a network on request, so that another program can measure it in turn with other engines.
///
/// One line of JSON says that the first run is done; then each line on standard input is a command, and one line answers it:
///
///     run SECONDS        {"times_ms":[…]}     of each run, one after the other, until the time is over; at least one
///     output FILE.npy    {"written":true}      the first output of the last run
struct BenchWorker {
    private let bench: Bench
    private let clock = ContinuousClock()

    /// Loads are over and the first run is done when this returns.
    init(_ bench: Bench) throws {
        self.bench = bench
        let first = try bench.once()
        try printLine(
            "{\"ready\":true,\"load_ms\":\(bench.load.milliseconds),\"first_ms\":\(first.milliseconds),\"macs\":\(bench.macs)}")
    }

    func obey() throws {
        while let line = readLine() {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            switch (words.first, words.last) {
            case ("run", let seconds?): try run(seconds)
            case ("output", let file?): try writeOutput(to: file)
            default: throw CommandFailure(.usage, "unknown command '\(line)': expected run SECONDS or output FILE.npy")
            }
        }
    }

    private func run(_ text: String) throws {
        guard let seconds = Double(text), seconds >= 0, seconds < 1e6 else {
            throw CommandFailure(.usage, "run: expected seconds, found '\(text)'")
        }
        var times: [Double] = []
        let end = clock.now + .seconds(seconds)
        repeat { times.append(try bench.once().milliseconds) } while clock.now < end
        try printLine("{\"times_ms\":\(times)}")
    }

    private func writeOutput(to file: String) throws {
        guard FileManager.default.createFile(atPath: file, contents: Data(NPY.bytes(bench.output))) else {
            throw CommandFailure(.cannotCreate, "\(file) can't be written")
        }
        try printLine("{\"written\":true}")
    }
}
