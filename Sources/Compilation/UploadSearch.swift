// SPDX-License-Identifier: Apache-2.0
internal import Certification
package import Images
package import Networks
package import Tensors

/// Finds the cheapest form of an image from which a full model still reads the same.
///
/// The size is the one that the model itself makes of an image first: from there on it sees the same pixels. Its forms are tried from the highest quality
/// downwards, until one isn't proven to keep the loss within the bound: a fixed sequence, so that no correction for the number of
/// qualities is owed (A. N. Angelopoulos et al., "Learn then Test", 2021). For models of tiny images, where half the resolution of colour is little, there is
/// a second sequence in full colour, and they share what confidence leaves; and PNG, which owes no proof. The fewest bytes win.
///
/// Where all samples have labels the loss is that of accuracy, by the exact paired test; else the share of answers that change, by Clopper and Pearson.
package struct UploadSearch {
    /// The highest first.
    package var qualities = [98, 95, 90, 85, 80, 75, 70, 60, 50, 40, 30, 20, 10]
    /// With labels: of the accuracy, 0 … 1.
    package var accuracyLoss = 0.005
    /// Without: of the answers, 0 … 1.
    package var changedAnswers = 0.01
    package var confidence = 0.95
    /// Is told which form is tried, and how many samples are done.
    package var progress: (UploadForm, Int) -> Void = { _, _ in }

    private let preprocessing: Preprocessing

    /// - Parameter preprocessing: the full model's.
    package init(preprocessing: Preprocessing) { self.preprocessing = preprocessing }

    /// One image to measure with.
    package struct Sample {
        package var image: Image
        /// The full model's class for it without loss.
        package var fullClass: Int
        package var label: Int?

        package init(image: Image, fullClass: Int, label: Int?) {
            self.image = image
            self.fullClass = fullClass
            self.label = label
        }
    }

    package struct Result: Sendable {
        /// Everything that was tried, in that order.
        package var tried: [UploadDetails]
        /// `nil` where nothing is proven: there are too few samples, or every loss is too great.
        package var choice: UploadDetails?
    }

    /// - Parameters:
    ///   - count: of samples.
    ///   - fullModel: SHA-256 of its weights.
    ///   - sample: gives one; asked for again in every form, so that not all images need be held.
    ///   - classOf: the full model's word on an image as the worker receives it.
    package func run(
        count: Int, fullModel: String, sample: (Int) throws -> Sample, classOf: (Image) throws -> Int
    ) throws -> Result {
        let families = families
        let each = 1 - (1 - confidence) / Double(families.count { $0.first?.encoding != .png })
        var tried: [UploadDetails] = []
        var proven: [UploadDetails] = []
        for family in families {
            for form in family {
                let details = try measure(form, count, fullModel, each, sample, classOf)
                tried.append(details)
                guard details.bound <= (details.isLabelled ? accuracyLoss : changedAnswers) else { break }
                proven.append(details)
            }
        }
        return Result(tried: tried, choice: proven.min { $0.meanBytes < $1.meanBytes })
    }

    /// The forms to try; the first of a family is the dearest.
    package var families: [[UploadForm]] {
        let size: UploadForm.Size =
            switch preprocessing.resize {
            case .none: .original
            case .warp: .exactly(width: preprocessing.width, height: preprocessing.height)
            case .shorterSide(let side):
                preprocessing.width == preprocessing.height && preprocessing.width <= side ? .square(side) : .shorterSide(side)
            }
        func family(fullColour: Bool) -> [UploadForm] {
            qualities.map { UploadForm(size: size, encoding: .jpeg(quality: $0, fullColour: fullColour)) }
        }
        guard max(preprocessing.width, preprocessing.height) <= Self.tiny else { return [family(fullColour: false)] }
        return [family(fullColour: false), family(fullColour: true), [UploadForm(size: size, encoding: .png)]]
    }

    /// Images of so many pixels a side are cheap without loss, too.
    private static let tiny = 64

    /// What one form costs and changes.
    package func measure(
        _ form: UploadForm, _ count: Int, _ fullModel: String, _ confidence: Double, _ sample: (Int) throws -> Sample, _ classOf: (Image) throws -> Int
    ) throws -> UploadDetails {
        precondition(count > 0, "there are samples")
        var sizes: [Int] = []
        var changed = 0
        var lost = 0
        var gained = 0
        var isLabelled = true
        var isLossless = true
        for index in 0..<count {
            let sample = try sample(index)
            let encoded = try form.encode(sample.image)
            let received = try Image.decode(encoded.bytes).image
            let found = try classOf(received)
            if received != sample.image { isLossless = false }
            sizes.append(encoded.bytes.count)
            if found != sample.fullClass { changed += 1 }
            if let label = sample.label {
                if sample.fullClass == label, found != label { lost += 1 }
                if sample.fullClass != label, found == label { gained += 1 }
            } else {
                isLabelled = false
            }
            progress(form, index + 1)
        }
        let bound =
            isLossless
            ? 0
            : isLabelled
            ? -PairedDifference(losses: lost, gains: gained, samples: count, confidence: 2 * confidence - 1).interval.lowerBound
            : Proportion(changed, of: count).upperBound(confidence: confidence)
        sizes.sort()
        return UploadDetails(
            form: form, meanBytes: Double(sizes.reduce(0, +)) / Double(count), p95Bytes: sizes[(count * 95 + 99) / 100 - 1], samples: count,
            changed: changed, lost: lost, gained: gained, isLabelled: isLabelled, bound: bound, confidence: confidence, fullModel: fullModel)
    }
}
