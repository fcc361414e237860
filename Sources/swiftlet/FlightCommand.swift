// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Frames
internal import Images

/// Writes rendered flights for training and scoring.
struct FlightCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flight", abstract: "Render flights: frames and what they show.",
        discussion: """
            With --out, frames go to DIR/SEED-INDEX.png, their labels to DIR/labels.tsv (file, synset, index, name, seed, encounter, \
            distance in metres) and the class names to DIR/labels.txt. With --raw, frames go to FILE as records: one byte of class, then \
            9,216 bytes each of red, green and blue, rows first.

            The same options give the same bytes on every machine.
            """)

    @Option(help: "Number of frames in all.") var frames: Int
    @Option(help: "Seed of the first flight.") var seed: UInt64
    @Option(help: "Number of flights that share the frames, with seeds from --seed on.") var flights = 1
    @Option(help: "Frames a second of a flight.") var framesPerSecond = 10.0
    @Option(help: ArgumentHelp("Folder for PNG files and labels.", valueName: "dir")) var out: String?
    @Option(help: ArgumentHelp("File for records.", valueName: "file")) var raw: String?

    func validate() throws {
        guard frames > 0 else { throw ValidationError("--frames: expected 1 or more, found \(frames)") }
        guard flights > 0, flights <= frames else { throw ValidationError("--flights: expected 1 … \(frames), found \(flights)") }
        guard framesPerSecond > 0, framesPerSecond.isFinite else {
            throw ValidationError("--frames-per-second: expected more than 0, found \(framesPerSecond)")
        }
        guard out != nil || raw != nil else { throw ValidationError("say where the frames go: --out DIR, --raw FILE or both") }
    }

    func run() throws {
        try exiting {
            var writer = try FlightWriter(folder: out, records: raw)
            var progress = ProgressBar("frames", total: frames)
            var done = 0
            for number in 0..<flights {
                let seed = seed &+ UInt64(number)
                var flight = Flight(seed: seed, framesPerSecond: framesPerSecond)
                for _ in 0..<frames / flights + (number < frames % flights ? 1 : 0) {
                    try writer.add(flight.next(), seed: seed)
                    done += 1
                    progress.update(done)
                }
            }
            try writer.finish()
        }
    }
}
