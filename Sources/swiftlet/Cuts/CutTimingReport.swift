// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
internal import Networks
internal import Packing

/// What `swiftlet cuts --timing --json` prints. Times are medians over the images, in milliseconds of one thread's processor time; bytes are means.
struct CutTimingReport: Encodable {
    struct Choice: Encodable {
        var bits: Int
        var form: String
        var pack_ms: Double
        var unpack_ms: Double
        var bytes: Double
    }

    struct Row: Encodable {
        /// Nodes before the cut.
        var position: Int
        var after: String?
        var shapes: [[Int]]
        var multiply_adds_before: Int
        /// The network in float32 up to here.
        var prefix_ms: Double
        var quantise_ms: Double
        var dequantise_ms: Double
        var choices: [Choice]

        func choice(_ form: PackingForm, bits: Int) -> Choice? { choices.first { $0.bits == bits && $0.form == "\(form)" } }
    }

    /// A form at one number of bits, over all cuts: what a planner takes for a cut that wasn't measured.
    struct Rate: Encodable {
        var bits: Int
        var form: String
        var pack_ns_per_number: Double
        var unpack_ns_per_number: Double
        var bytes_per_number: Double
    }

    var network: String
    var images: Int
    var multiply_adds: Int
    var cuts: [Row]
    var rates: [Rate]

    init(_ timing: CutTiming) {
        network = timing.name
        images = timing.images
        multiply_adds = timing.multiplyAccumulates
        cuts = timing.cuts.map { measured in
            let place = measured.place
            return Row(
                position: place.cut.position, after: place.after, shapes: place.shapes.map { [$0.channels, $0.height, $0.width] },
                multiply_adds_before: place.multiplyAccumulates, prefix_ms: median(measured.prefix), quantise_ms: median(measured.quantising),
                dequantise_ms: median(measured.dequantising),
                choices: measured.choices.map { choice in
                    Choice(
                        bits: choice.bits, form: "\(choice.form)", pack_ms: median(choice.packing), unpack_ms: median(choice.unpacking),
                        bytes: choice.bytes.reduce(0, +) / Double(choice.bytes.count))
                })
        }
        let numbers = Double(timing.cuts.reduce(0) { $0 + $1.place.count })
        rates = []
        for index in cuts[0].choices.indices {
            let all = cuts.map { $0.choices[index] }
            rates.append(
                Rate(
                    bits: all[0].bits, form: all[0].form, pack_ns_per_number: all.reduce(0) { $0 + $1.pack_ms } * 1e6 / numbers,
                    unpack_ns_per_number: all.reduce(0) { $0 + $1.unpack_ms } * 1e6 / numbers, bytes_per_number: all.reduce(0) { $0 + $1.bytes } / numbers))
        }
    }

    /// - Parameter bits: at which the cuts are shown.
    func text(bits: Int) -> String {
        var cells = [["after", "crossing", "work before", "prefix, ms"] + CutTiming.forms.flatMap { ["\($0), ms", "bytes"] } + ["symbols below, Mbit/s", "mixed below"]]
        for row in cuts {
            let work = fixed(Double(row.multiply_adds_before) * 100 / Double(max(multiply_adds, 1)), 0)
            var line = [row.after ?? "the input", crossing(row.shapes), "\(work) %", fixed(row.prefix_ms, 2)]
            let choices = CutTiming.forms.compactMap { row.choice($0, bits: bits) }
            for choice in choices { line += ["\(fixed(choice.pack_ms, 2)) + \(fixed(choice.unpack_ms, 2))", fixed(choice.bytes, 0)] }
            for (fast, small) in zip(choices, choices.dropFirst()) { line.append(breakEven(fast, small)) }
            cells.append(line)
        }
        var lines = aligned(cells, words: 2)
        lines.append("\(network): at \(bits) bits, \(counted(images, "image")); times are packing + unpacking, by one thread of this machine, and the network before in float32.")
        lines.append("A form pays below the rate at which what it saves over the form left of it takes as long to send as it takes longer at both ends.")
        lines.append("")
        cells = [["form", "bits", "ns to pack a number", "to unpack", "bytes a number"]]
        for rate in rates {
            cells.append([rate.form, "\(rate.bits)", fixed(rate.pack_ns_per_number, 1), fixed(rate.unpack_ns_per_number, 1), fixed(rate.bytes_per_number, 3)])
        }
        return (lines + aligned(cells, words: 1)).joined(separator: "\n")
    }

    /// In Mbit/s.
    private func breakEven(_ fast: Choice, _ small: Choice) -> String {
        let (saved, longer) = (fast.bytes - small.bytes, small.pack_ms + small.unpack_ms - fast.pack_ms - fast.unpack_ms)
        guard saved > 0 else { return "never" }
        return longer > 0 ? fixed(saved * 8 / longer / 1000, 1) : "always"
    }
}

/// What crosses, as `16×8×8 + 64`: a vector as its length alone.
func crossing(_ shapes: [[Int]]) -> String {
    shapes.map { shape in
        let isVector = shape.dropFirst().allSatisfy { $0 == 1 }
        return isVector ? "\(shape[0])" : shape.map { "\($0)" }.joined(separator: "×")
    }.joined(separator: " + ")
}

/// Of at least one number; of an even count the upper one of the two in the middle.
private func median(_ numbers: [Double]) -> Double { numbers.sorted()[numbers.count / 2] }
