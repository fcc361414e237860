// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Inference
internal import Networks

/// `swiftlet bench MODEL.onnx|BUNDLE`: how fast a network runs on this machine.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast a network runs.",
        discussion: """
            The network runs on random numbers. A model in int8 takes its ranges from random inputs, so its answers mean nothing, and loading it includes taking them.
            Times are wall-clock times of one run, from the float32 input to the float32 output.
            The environment variable SWIFTLET_ISA holds every program to some instruction sets: a list, by commas, of plain, avx2, avxvnni, avx512vnni, avx512vbmi, neon, neondot, i8mm.
            """)

    @Argument(help: "An ONNX model or a bundle.")
    var network: String

    @Option(help: "int8 or fp32; fp32 for a model, a bundle's own by default.")
    var precision: BundleDetails.Precision?

    @Option(help: "Threads that compute, 1 … 64.")
    var threads = 1

    @Option(help: "Runs that are measured, at least 1.")
    var runs = 100

    @Flag(help: "Print each step with its kernel and its shortest time.")
    var steps = false

    @Option(help: ArgumentHelp(
        "Measure instead what a worker gains by computing so many requests together, 2 … 64, from cuts behind every eighth of the work.", valueName: "requests"))
    var together: Int?

    @Flag(help: ArgumentHelp(
        "Measure every kernel at every layer shape instead, one thread, everything in the nearest cache; > marks the dispatcher's choice."))
    var kernels = false

    @Option(help: ArgumentHelp("With --kernels: fail where the choice is slower than the fastest by more than so much.", valueName: "percent"))
    var assert: Double?

    @Option(help: ArgumentHelp("A NumPy array that goes in, instead of random numbers.", valueName: "in.npy"))
    var input: String?

    @Flag(help: ArgumentHelp(
        "Obey lines on standard input instead: run SECONDS, output FILE.npy.",
        discussion: "Each is answered by a line of JSON; the first line says that the first run is done."))
    var worker = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard runs >= 1 else { throw ValidationError("--runs: expected at least 1, found \(runs)") }
        guard 1...ExecutorOptions.maximumThreads ~= threads else {
            throw ValidationError("--threads: expected 1 … \(ExecutorOptions.maximumThreads), found \(threads)")
        }
        if let percent = assert {
            guard kernels else { throw ValidationError("--assert goes with --kernels") }
            guard percent >= 0, percent.isFinite else { throw ValidationError("--assert: expected a percentage, found \(percent)") }
        }
        if let together {
            guard 2...ExecutorOptions.maximumLanes ~= together else { throw ValidationError("--together: expected 2 … \(ExecutorOptions.maximumLanes), found \(together)") }
            guard !(kernels || worker || steps || input != nil || precision == .int8) else {
                throw ValidationError("--together measures a worker's network, in float32, with random numbers: leave out --kernels, --worker, --steps, --input and --precision")
            }
        }
        guard !(kernels && (worker || steps || input != nil || threads > 1)) else {
            throw ValidationError("--kernels measures with one thread and random numbers: leave out --worker, --steps, --input and --threads")
        }
    }

    func run() throws { try exiting { try measure() } }

    private func measure() throws {
        if kernels { return try measureKernels() }
        if let together { return try measureTogether(together) }
        let bench = try Bench(network, precision: precision, threads: threads, input: try input.map(readTensor))
        if let warning = bench.warning { printError("swiftlet: warning: \(warning)") }
        if worker { return try BenchWorker(bench).obey() }
        var bar = ProgressBar("bench", total: runs)
        let report = try bench.run(runs) { bar.update($0) }
        _ = consume bar
        if steps {
            for step in try bench.steps(runs) { printError(step) }
        }
        if json { try printJSON(report) } else { try printLine(report) }
    }

    private func measureTogether(_ count: Int) throws {
        let bench = try LaneBench(network, threads: threads, count: count)
        var bar = ProgressBar("cuts", total: bench.steps)
        let report = try bench.report(runs: runs) { bar.update($0) }
        _ = consume bar
        if json { try printJSON(report) } else { try printLine(report.description) }
    }

    private func measureKernels() throws {
        let contests = KernelContest.all(of: try ModelFile(network).runnable(precision: precision))
        var bar = ProgressBar("kernels", total: contests.count)
        let report = KernelReport(contests, limit: assert.map { $0 / 100 }) { bar.update($0) }
        _ = consume bar
        if json { try printJSON(report) } else { try printLine(report.text) }
        guard let assert else { return }
        let failures = report.failures(limit: assert / 100)
        for entry in failures {
            printError("swiftlet: \(entry.layer): \(entry.pick) is \(KernelReport.percent(entry.loss)) slower than \(entry.kernels[0].name)")
        }
        if !failures.isEmpty { throw ExitCode(ExitStatus.failure.rawValue) }
    }
}
