// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Inference

/// `swiftlet infer BUNDLE IMAGE…`: what a network says of images.
struct InferCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "infer", abstract: "Classify images with a bundle.")

    @Argument(help: "The network.")
    var bundle: String

    @Argument(help: ArgumentHelp("JPEG or PNG files.", valueName: "image"))
    var images: [String]

    @Option(help: "Threads that compute, 1 … 64.")
    var threads = 1

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard 1...ExecutorOptions.maximumThreads ~= threads else {
            throw ValidationError("--threads: expected 1 … \(ExecutorOptions.maximumThreads), found \(threads)")
        }
    }

    func run() throws {
        try exiting {
            let answers = try InferredImage.infer(images, with: bundle, threads: threads) { if !json { try printLine($0) } }
            if json { try printJSON(["images": answers]) }
        }
    }
}
