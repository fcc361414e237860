// SPDX-License-Identifier: Apache-2.0
import JSON
import Networks
import Testing

/// Operations are read by hand what `Encodable` writes: here the two meet.
@Suite struct OperationJSONTests {
    private static let window = Window(size: [3, 5], strides: [1, 2], dilations: [2, 1], padsBefore: [0, 1], padsAfter: [1, 0])

    private static let operations: [Operation] = [
        .convolution(Convolution(window: window, groups: 3, activation: .clip(low: 0, high: 6))),
        .gemm(Gemm(alpha: 0.5, beta: 2, transposesA: true, transposesB: false, activation: .relu)),
        .matMul, .batchNormalization(epsilon: 1e-5), .prelu, .clip,
        .binary(.add, activation: .none), .binary(.subtract, activation: .sigmoid), .binary(.multiply, activation: .silu),
        .binary(.divide, activation: .hardSwish),
        .pool(Pooling(kind: .maximum, window: window, ceilMode: true, hasColumnMajorIndices: true)),
        .pool(Pooling(kind: .average, window: window, countsPadding: true)),
        .mean(axes: [2, -1], keepsDimensions: true), .mean(axes: [], keepsDimensions: false),
        .concatenation(axis: 1), .split(axis: 2, sizes: [1, 2, 3]),
        .slice([SliceRange(axis: 0, start: 5, step: -1, count: 2), SliceRange(axis: 1, start: 0, step: 2, count: 3)]),
        .pad(Padding(mode: .constant, before: [0, -1], after: [1, 0], value: -.infinity)),
        .pad(Padding(mode: .reflect, before: [0], after: [1])), .pad(Padding(mode: .edge, before: [], after: [])),
        .pad(Padding(mode: .wrap, before: [2], after: [2], value: 0.1)),
        .gather(axis: 1), .transpose(permutation: [0, 3, 1, 2]), .reshape, .softmax(axis: -1),
        .localResponseNormalization(size: 5, alpha: 1e-4, beta: 0.75, bias: 1),
        .quantize(axis: 1, blockSize: 16), .dequantize(axis: 0, blockSize: 0),
        .activation(.none), .activation(.relu), .activation(.clip(low: -.infinity, high: 0.1)), .activation(.leakyRelu(slope: 0.01)),
        .activation(.sigmoid), .activation(.hardSigmoid(alpha: 0.2, beta: 0.5)), .activation(.hardSwish), .activation(.silu),
    ]

    @Test(arguments: operations) func whatIsWrittenIsReadBack(_ operation: Operation) throws {
        let text = try JSONWriter.encode(operation, nonFinite: .text)
        #expect(try Operation(JSONDocument(text).root) == operation)
    }

    @Test func everyOperationIsInTheList() throws {
        let names = try Set(Self.operations.map { try JSONDocument(JSONWriter.encode($0, nonFinite: .text)).root.enumerationCase().name })
        #expect(names.count == 21)
    }

    @Test(arguments: operations) func whatIsMissingOrOfAnotherTypeIsRefused(_ operation: Operation) throws {
        let text = String(decoding: try JSONWriter.encode(operation, nonFinite: .text), as: UTF8.self)
        #expect(throws: JSONError.self) { try Operation(JSONDocument("[\(text)]").root) }
        for match in text.matches(of: /"(\w+)":/) {
            let changed = text.replacingCharacters(of: match.1.startIndex..<match.1.endIndex)
            #expect(throws: JSONError.self, "\(changed)") { try Operation(JSONDocument(changed).root) }
        }
    }
}

extension String {
    /// The text with other letters in a range.
    fileprivate func replacingCharacters(of range: Range<Index>) -> String {
        self[..<range.lowerBound] + "x" + self[range].dropFirst() + "y" + self[range.upperBound...]
    }
}
