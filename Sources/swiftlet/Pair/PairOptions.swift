// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Certification
internal import Frames
internal import Gating
internal import Images
internal import Inference
internal import Networks
internal import Tensors

/// What every command takes that asks two networks about images.
struct PairOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How the board uploads: jpeg:1 … jpeg:100, or png, instead of what the bundle says (jpeg:90 where it says nothing), or, with certify, of what a third of the images chooses.", valueName: "form"))
    var upload: UploadForm?

    @OptionGroup var looks: LookOptions

    @Option(help: ArgumentHelp("Use only part K of N of the images, drawn at random but always alike; parts have no image in common.", valueName: "k/n"))
    var part: Part?

    /// The images to ask about, with what they show.
    ///
    /// - Parameters:
    ///   - path: as ``ImageSet/init(path:)`` takes it.
    ///   - labels: a table like labels.tsv, instead of what the set says.
    func images(_ path: String, labels: String?, limit: Int?, classes: Int) throws -> LabelledImages {
        var images = try LabelledImages(path, labels: labels, classes: classes)
        if let part { images.keep(part) }
        if let limit { images.keep(atMost: limit) }
        return images
    }
}

/// How often the board looks at an image.
struct LookOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The board looks again, at the mirror image, where the margin is below this. Not for text or traffic signs.", valueName: "margin"))
    var secondLook: Fraction?

    func validate() throws {
        if let secondLook, !(secondLook.value > 0 && secondLook.value <= 1) { throw ValidationError("--second-look must be above 0 % and at most 100 %") }
    }
}

/// Part `index` of `count`, written `2/5`.
struct Part: ExpressibleByArgument, Hashable {
    /// 1 … `count`.
    var index: Int
    var count: Int

    init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    init?(argument: String) {
        let numbers = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let index = numbers[0], let count = numbers[1], count >= 1, (1...count).contains(index) else { return nil }
        (self.index, self.count) = (index, count)
    }
}

extension UploadForm: ExpressibleByArgument {
    package init?(argument: String) {
        if argument == "png" {
            self.init(encoding: .png)
            return
        }
        guard argument.hasPrefix("jpeg:"), let quality = Int(argument.dropFirst(5)), (1...100).contains(quality) else { return nil }
        self.init(encoding: .jpeg(quality: quality, fullColour: false))
    }
}

/// A share as people write it: `1 %`, `0.5%` or `0.01`.
struct Fraction: ExpressibleByArgument, Hashable {
    var value: Double

    init(_ value: Double) { self.value = value }

    init?(argument: String) {
        let isPercent = argument.hasSuffix("%")
        var digits = isPercent ? String(argument.dropLast()) : argument
        while digits.hasSuffix(" ") { digits.removeLast() }
        guard let number = Double(digits), number.isFinite else { return nil }
        value = isPercent ? number / 100 : number
    }

    var defaultValueDescription: String { "\((value * 100).rounded(to: 4)) %" }
}

/// A choice of the images of a set.
struct LabelledImages {
    private let set: ImageSet
    private let labels: [String: Int]?
    private var positions: [Int]

    init(_ path: String, labels: String?, classes: Int) throws {
        set = try ImageSet(path: path)
        if labels == nil { try set.check(classes: classes, path: path) }
        self.labels = try labels.map { try labelsByName($0, classes: classes) }
        positions = Array(0..<set.count)
    }

    var count: Int { positions.count }

    /// Whether every image has a label.
    var isLabelled: Bool { positions.allSatisfy { label(at: $0) != nil } }

    fileprivate mutating func keep(_ part: Part) {
        var generator = SplitMix64(seed: 0x9E37_79B9_7F4A_7C15)
        positions.shuffle(using: &generator)
        positions = positions.indices.filter { $0 % part.count == part.index - 1 }.map { positions[$0] }.sorted()
    }

    /// Parts of about equal size that have no image in common, drawn as ``Part`` says.
    func parts(_ count: Int) -> [LabelledImages] {
        (1...count).map { index in
            var part = self
            part.keep(Part(index: index, count: count))
            return part
        }
    }

    /// The images of both.
    func joined(_ other: LabelledImages) -> LabelledImages {
        var joined = self
        joined.positions = (positions + other.positions).sorted()
        return joined
    }

    /// Evenly spread.
    mutating func keep(atMost limit: Int) {
        guard limit < positions.count else { return }
        positions = (0..<limit).map { positions[$0 * positions.count / limit] }
    }

    func image(at index: Int) throws -> (image: Image, label: Int?) {
        (try set.image(at: positions[index]), label(at: positions[index]))
    }

    private func label(at position: Int) -> Int? {
        let entry = set.entries[position]
        return labels.map { $0[entry.name] } ?? entry.label
    }
}

/// The class of each image by its name.
///
/// - Throws: ``CommandFailure`` where a label isn't a class.
func labelsByName(_ path: String, classes: Int) throws -> [String: Int] {
    let table = try LabelTable(readText(path), path: path) { _ in true }
    if let wrong = table.entries.first(where: { $0.label.map { $0 >= classes } ?? false }), let label = wrong.label {
        throw CommandFailure(.badData, "\(path): '\(wrong.name)' has the label \(label), the network has \(classes) classes, counted from 0")
    }
    return Dictionary(table.entries.compactMap { entry in entry.label.map { (entry.name, $0) } }, uniquingKeysWith: { first, _ in first })
}

/// A gate of one threshold, written `margin:0.6`.
struct GateArgument: ExpressibleByArgument {
    var gate: Gate

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let measure = Measure(rawValue: String(parts[0])), let threshold = Double(parts[1]), threshold.isFinite else { return nil }
        gate = .threshold(measure, threshold)
    }
}
