// SPDX-License-Identifier: Apache-2.0
internal import Compilation
internal import FoundationEssentials
internal import Frames
internal import Inference
internal import Networks

/// The two default networks, compiled for the demonstration.
struct DemoNetworks {
    /// Flights that neither training nor testing used: they give ranges and temperatures.
    private static let calibrationSeeds: Range<UInt64> = 800_000..<800_060
    private static let framesPerFlight = 8

    /// Compiles `flight-board.onnx` and `flight-cloud.onnx` of `models` into `folder`.
    ///
    /// - Returns: the labels, which both share.
    static func compile(models: String, into folder: String) throws -> [String] {
        let names = [("flight-board", "board", BundleDetails.Precision.int8), ("flight-cloud", "cloud", .fp32)]
        let samples = calibrationSamples()
        var labels: [[String]] = []
        for (source, target, precision) in names {
            let file = try ModelFile(forImages: "\(models)/\(source).onnx")
            guard let preprocessing = file.details.preprocessing else {
                throw CommandFailure(.noInput, "\(models)/\(source).json is missing: the default networks are in Config/models")
            }
            var compiler = Compiler(preprocessing: preprocessing, samples: samples)
            compiler.threads = 2
            let display = StageDisplay(prefix: target)
            compiler.progress = display.show
            var details = file.details
            details.precision = precision
            let (bundle, _) = try compiler.compile(file.graph, details: details)
            display.finish()
            try bundle.write(to: "\(folder)/\(target).swiftlet")
            labels.append(details.labels)
        }
        guard labels[0] == labels[1], labels[0] == Obstacle.allCases.map(\.label) else {
            throw CommandFailure(.badData, "the networks in \(models) name other classes than the flight shows")
        }
        return labels[0]
    }

    private static func calibrationSamples() -> [CalibrationSample] {
        var bar = ProgressBar("rendering calibration frames", total: calibrationSeeds.count)
        return calibrationSeeds.enumerated().flatMap { index, seed in
            // Frames far apart: neighbours look alike and tell little.
            var flight = Flight(seed: seed, framesPerSecond: 1)
            let samples = (0..<framesPerFlight).map { _ in
                let frame = flight.next()
                return CalibrationSample(pixels: frame.pixels, label: frame.obstacle.rawValue)
            }
            bar.update(index + 1)
            return samples
        }
    }

    /// Config/models of the checkout that this program was built in, or where a package puts it.
    static func folder() throws -> String {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var folder = URL(filePath: program).deletingLastPathComponent()
        var candidates = ["Config/models"]
        for _ in 0..<4 {
            folder = folder.deletingLastPathComponent()
            candidates.append(folder.path + "/Config/models")
        }
        candidates.append("/usr/share/swiftlet/models")
        for candidate in candidates where FileManager.default.fileExists(atPath: candidate + "/flight-board.onnx") { return candidate }
        throw CommandFailure(.noInput, "the default networks are not found: give --models FOLDER (Config/models of a checkout)")
    }
}
