// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
package import Networks
package import Tensors

/// What stands beside a model in `MODEL.json`: how images become its input, and what its classes are called.
///
/// Keys that are read: `input.shape` and `input.layout`, `input.channel_order` (`RGB`, `BGR`, `GRAY`), `input.scale_value` or
/// `input.scale` (a number, or a text such as `1/255`), `input.mean`, `input.std`, `input.resize` (`none`, or an object with `mode`
/// `shorter-side`, `warp` or `none`, and `size`), `input.crop` (an object with `mode` `center` or `none`, and `size`), `output.activation` (`none…`
/// or `softmax`), `classes`. They are read strictly; every other key is passed over.
package struct Sidecar: Sendable {
    package var preprocessing: Preprocessing
    /// Empty where the file names none.
    package var labels: [String]
    /// `nil` where the file doesn't say.
    package var outputKind: BundleDetails.OutputKind?

    /// - Parameter shape: of the network's input, `[n, c, h, w]`.
    /// - Throws: ``CompilationError`` that names the file and the key.
    package init(json: [UInt8], path: String, inputShape shape: [Int]) throws(CompilationError) {
        let file: File
        do {
            file = try JSONDecoder().decode(File.self, from: Data(json))
        } catch let error as DecodingError {
            throw CompilationError("with \(path)", error.sidecarReason)
        } catch {
            throw CompilationError("with \(path)", "\(error)")
        }
        func wrong(_ key: String, _ cause: String) -> CompilationError { CompilationError("with \(path)", "\(key): \(cause)") }
        guard shape.count == 4 else { throw wrong("input.shape", "the network takes \(shape), not an image [n, c, h, w]") }
        try Self.check(file.input, against: shape, wrong)
        guard let order = Preprocessing.ChannelOrder(rawValue: file.input.channelOrder.uppercased()) else {
            throw wrong("input.channel_order", "expected RGB, BGR or GRAY, found '\(file.input.channelOrder)'")
        }
        preprocessing = try Preprocessing(
            width: shape[3], height: shape[2], channelOrder: order, resize: Self.resize(file.input, side: shape[2...].min() ?? 0, wrong),
            scale: Self.scale(file.input, wrong), mean: file.input.mean, deviation: file.input.deviation)
        let channels = preprocessing.channels
        guard channels == shape[1] else { throw wrong("input.channel_order", "\(order.rawValue) for a network of \(shape[1]) channels") }
        guard file.input.mean.count == channels, file.input.mean.allSatisfy(\.isFinite) else {
            throw wrong("input.mean", "expected \(channels) numbers, found \(file.input.mean)")
        }
        guard file.input.deviation.count == channels, file.input.deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw wrong("input.std", "expected \(channels) numbers above 0, found \(file.input.deviation)")
        }
        labels = file.classes ?? []
        outputKind = try file.output?.activation.map { (text: String) throws(CompilationError) in
            if text.hasPrefix("none") { return .logits }
            if text.hasPrefix("softmax") { return .probabilities }
            throw wrong("output.activation", "expected none or softmax, found '\(text)'")
        }
    }

    private static func check(
        _ input: File.Input, against shape: [Int], _ wrong: (String, String) -> CompilationError
    ) throws(CompilationError) {
        guard let sizes = input.shape else { return }
        let layout = input.layout ?? "NCHW"
        guard layout == "NCHW" || layout == "NHWC" else { throw wrong("input.layout", "expected NCHW or NHWC, found '\(layout)'") }
        guard sizes.count == 4 else { throw wrong("input.shape", "expected four sizes, found \(sizes.count)") }
        let order = layout == "NCHW" ? [1, 2, 3] : [3, 1, 2]
        for (axis, position) in zip(1...3, order) {
            if let size = sizes[position].number, size != shape[axis] {
                throw wrong("input.shape", "\(size) where the network has \(shape[axis])")
            }
        }
    }

    private static func scale(_ input: File.Input, _ wrong: (String, String) -> CompilationError) throws(CompilationError) -> Double {
        let scale: Double?
        switch (input.scaleValue, input.scale) {
        case (let value?, _): scale = value
        case (nil, .number(let value)?): scale = value
        case (nil, .text(let text)?): scale = Self.quotient(text)
        case (nil, nil): throw wrong("input.scale", "it is missing")
        }
        guard let scale, scale.isFinite, scale > 0 else { throw wrong("input.scale", "expected a number above 0, or a quotient such as 1/255") }
        return scale
    }

    /// `1/255`, `0.5`, `1`.
    package static func quotient(_ text: String) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) }
        if parts.count == 1 { return parts[0] }
        guard parts.count == 2, let numerator = parts[0], let denominator = parts[1], denominator != 0 else { return nil }
        return numerator / denominator
    }

    private static func resize(
        _ input: File.Input, side: Int, _ wrong: (String, String) -> CompilationError
    ) throws(CompilationError) -> Preprocessing.Resize {
        if let crop = input.crop {
            guard crop.mode == "center" || crop.mode == "none" else {
                throw wrong("input.crop.mode", "expected center or none, found '\(crop.mode)'")
            }
            guard crop.mode == "none" || crop.size == nil || crop.size == side else {
                throw wrong("input.crop.size", "\(crop.size ?? 0) where the network has \(side)")
            }
        }
        switch input.resize {
        case nil: return .none
        case .text(let text)?:
            guard text.hasPrefix("none") else { throw wrong("input.resize", "expected none or an object, found '\(text)'") }
            return .none
        case .method(let method)?:
            switch method.mode {
            case "none": return .none
            case "warp": return .warp
            case "shorter-side":
                guard let size = method.size, size > 0 else { throw wrong("input.resize.size", "expected a size above 0") }
                return .shorterSide(size)
            default: throw wrong("input.resize.mode", "expected shorter-side, warp or none, found '\(method.mode)'")
            }
        }
    }
}

/// The file as it is written.
private struct File: Decodable {
    struct Input: Decodable {
        var shape: [NumberOrText]?
        var layout: String?
        var channelOrder: String
        var scale: NumberOrText?
        var scaleValue: Double?
        var mean: [Double]
        var deviation: [Double]
        var resize: Resize?
        var crop: Method?

        enum CodingKeys: String, CodingKey {
            case shape, layout, scale, mean, resize, crop
            case channelOrder = "channel_order"
            case scaleValue = "scale_value"
            case deviation = "std"
        }
    }

    struct Output: Decodable { var activation: String? }

    struct Method: Decodable {
        var mode: String
        var size: Int?
    }

    enum Resize: Decodable {
        case text(String)
        case method(Method)

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                self = .text(text)
            } else {
                self = .method(try Method(from: decoder))
            }
        }
    }

    enum NumberOrText: Decodable {
        case number(Double)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }

        /// `nil` for a name, such as that of the batch axis, and for what is no size.
        var number: Int? {
            if case .number(let number) = self { Int(exactly: number) } else { nil }
        }
    }

    var input: Input
    var output: Output?
    var classes: [String]?
}

extension DecodingError {
    fileprivate var sidecarReason: String {
        func path(_ context: Context, _ last: String? = nil) -> String {
            (context.codingPath.map(\.stringValue) + (last.map { [$0] } ?? [])).joined(separator: ".")
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(path(context, key.stringValue)): it is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): return "\(path(context)): it is of another kind than expected"
        case .dataCorrupted(let context): return context.codingPath.isEmpty ? "it is no JSON" : "\(path(context)): it can't be understood"
        @unknown default: return "it can't be understood"
        }
    }
}
