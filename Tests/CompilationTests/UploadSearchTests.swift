// SPDX-License-Identifier: Apache-2.0
import Compilation
import Images
import Networks
import Tensors
import TestSupport
import Testing

struct UploadSearchTests {
    static let small = Preprocessing(width: 16, height: 16, resize: .none, mean: [0, 0, 0], deviation: [1, 1, 1])

    static func image(_ seed: Int) -> Image {
        var random = SeededGenerator(seed: UInt64(seed))
        let light = UInt8.random(in: 0...255, using: &random)
        return Image(width: 16, height: 16, channels: 3, pixels: (0..<768).map { _ in min(255, light / 2 + UInt8.random(in: 0...127, using: &random)) })
    }

    /// Whether it is bright, of which JPEG changes nothing.
    static func brightness(_ image: Image) -> Int { image.pixels.reduce(0) { $0 + Int($1) } / (image.pixels.count * 4) }

    /// The last bits of the pixels, of which JPEG leaves nothing.
    static func parity(_ image: Image) -> Int { image.pixels.reduce(0) { $0 ^ Int($1 & 1) } }

    static func search(_ count: Int, isLabelled: Bool = false, change: (inout UploadSearch) -> Void = { _ in }, _ model: @escaping (Image) -> Int) throws -> UploadSearch.Result {
        var search = UploadSearch(preprocessing: small)
        change(&search)
        return try search.run(count: count, fullModel: "f") { index in
            let image = image(index)
            return .init(image: image, fullClass: model(image), label: isLabelled ? brightness(image) : nil)
        } classOf: { model($0) }
    }

    @Test func whatNoLossChangesIsSentAtTheLowestQuality() throws {
        let result = try Self.search(800) { _ in 3 }
        let choice = try #require(result.choice)
        #expect(choice.form == UploadForm(encoding: .jpeg(quality: 10, fullColour: false)) && choice.changed == 0 && choice.kept == 1)
        #expect(choice.bound > 0 && choice.bound <= 0.01 && choice.samples == 800 && choice.fullModel == "f")
        #expect(choice.meanBytes <= Double(choice.p95Bytes) && result.tried.allSatisfy { $0.meanBytes >= choice.meanBytes })
    }

    @Test func whatEveryLossChangesIsSentWithoutLoss() throws {
        let result = try Self.search(300, Self.parity)
        #expect(result.choice?.form.encoding == .png && result.choice?.bound == 0 && result.choice?.changed == 0)
        // Each sequence ends with its first form.
        #expect(result.tried.map(\.form.encoding) == [.jpeg(quality: 98, fullColour: false), .jpeg(quality: 98, fullColour: true), .png])
    }

    @Test func tooFewSamplesProveNothingOfJPEG() throws {
        let result = try Self.search(100) { _ in 3 }
        #expect(result.choice?.form.encoding == .png)
        var large = Self.small
        (large.width, large.height) = (96, 96)
        let nothing = try UploadSearch(preprocessing: large).run(count: 100, fullModel: "f") { .init(image: Self.image($0), fullClass: 0, label: nil) } classOf: { _ in 0 }
        #expect(nothing.choice == nil && nothing.tried.count == 1)
    }

    @Test func withLabelsGainsMakeUpForLosses() throws {
        // The loss of the upload makes eight of 2,000 answers wrong, and eight others right, or not.
        func proof(gains: Int) throws -> UploadSearch.Result {
            var search = UploadSearch(preprocessing: Self.small)
            search.qualities = [90]
            var calls = 0
            return try search.run(count: 2000, fullModel: "f") { index in
                .init(image: Self.image(index), fullClass: index < 8 ? 1 : 0, label: 0)
            } classOf: { _ in
                defer { calls += 1 }
                let index = calls % 2000
                return index < 8 - gains || (8..<16).contains(index) ? 1 : 0
            }
        }
        let both = try #require(try proof(gains: 8).tried.first)
        #expect(both.isLabelled && both.lost == 8 && both.gained == 8 && both.changed == 16 && both.bound <= 0.005)
        let losses = try #require(try proof(gains: 0).tried.first)
        #expect(losses.lost == 8 && losses.gained == 0 && losses.changed == 8 && losses.bound > 0.005)
    }

    @Test func theSizeIsTheModelsOwn() {
        func size(_ resize: Preprocessing.Resize, _ width: Int, _ height: Int) -> UploadForm.Size? {
            UploadSearch(preprocessing: Preprocessing(width: width, height: height, resize: resize, mean: [0, 0, 0], deviation: [1, 1, 1])).families.first?.first?.size
        }
        #expect(size(.none, 32, 32) == .original && size(.warp, 96, 64) == .exactly(width: 96, height: 64))
        #expect(size(.shorterSide(256), 224, 224) == .square(256) && size(.shorterSide(256), 300, 200) == .shorterSide(256))
    }
}
