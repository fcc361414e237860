// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Networks
import Tensors
import TestSupport
import Testing

/// A bundle is data from outside: whatever its bytes are, reading ends in a bundle or a ``BundleError``.
@Suite struct BundleDamageTests {
    @Test(arguments: [127, 7, 3, 1] as [Int8]) func everyTruncationIsRefused(largest: Int8) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            try sampleBundle(weights: -largest...largest).write(to: path)
            let bytes = try contents(of: path)
            for count in Array(0..<80) + stride(from: 80, to: bytes.count, by: 7) {
                try write(Array(bytes[..<count]), to: path)
                #expect(throws: BundleError.self, "\(count) bytes") { try Bundle(contentsOf: path) }
            }
            try write(bytes + [0], to: path)
            #expect(throws: BundleError.self) { try Bundle(contentsOf: path) }
        }
    }

    @Test(arguments: [127, 3] as [Int8]) func aChangedByteIsRefusedOrChangesNothing(largest: Int8) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            try sampleBundle(weights: -largest...largest).write(to: path)
            let bytes = try contents(of: path)
            let original = try transcript(Bundle(contentsOf: path).graph)
            var random = SeededGenerator(seed: 7)
            var refused = 0
            for position in stride(from: 0, to: bytes.count, by: 3) {
                var changed = bytes
                changed[position] ^= UInt8.random(in: 1...255, using: &random)
                try write(changed, to: path)
                do {
                    let bundle = try Bundle(contentsOf: path)
                    #expect(transcript(bundle.graph) == original, "byte \(position)")
                } catch is BundleError {
                    refused += 1
                }
            }
            #expect(refused > bytes.count / 4)
        }
    }

    /// The digests are no secret: whoever means harm makes them fit. What is described must be checked all the same.
    @Test(arguments: [127, 7, 3] as [Int8]) func changedDescriptionsWithFittingDigestsNeverTrap(largest: Int8) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            try sampleBundle(weights: -largest...largest).write(to: path)
            let original = try Safetensors(MappedFile(path: path))
            var random = SeededGenerator(seed: 11)
            var refused = 0
            for _ in 0..<10_000 {
                var container = original
                let key = try #require(["graph", "details", "golden"].randomElement(using: &random))
                container.metadata[key] = mutated(try #require(original.metadata[key]), using: &random)
                container.metadata["digest"] = "\(container.metadataDigest(without: "digest"))"
                do {
                    _ = try Bundle(container, operation: "read")
                } catch is BundleError {
                    refused += 1
                }
            }
            #expect(refused > 3000)
        }
    }

    /// Changes a number, a character, or a stretch of the text.
    private func mutated(_ text: String, using random: inout SeededGenerator) -> String {
        var bytes = Array(text.utf8)
        let position = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            let digits = bytes.indices.filter { (48...57).contains(bytes[$0]) }
            guard let digit = digits.randomElement(using: &random) else { return text }
            let replacements = ["-1", "0", "255", "4096", "9223372036854775807", "1e300", "-9223372036854775808", "null", "0.5"]
            bytes.replaceSubrange(digit...digit, with: replacements.randomElement(using: &random)?.utf8 ?? "".utf8)
        case 1: bytes[position] = UInt8.random(in: 32...126, using: &random)
        case 2: bytes.removeSubrange(position..<min(position + Int.random(in: 1...20, using: &random), bytes.count))
        default: bytes.insert(contentsOf: bytes[position..<min(position + 20, bytes.count)], at: position)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        Refusal("an empty file", [], .notABundle),
        Refusal("a length beyond the file", file(#"{}"#, length: 99), .notABundle),
        Refusal("the greatest length", file(#"{}"#, length: .max), .notABundle),
        Refusal("a header that isn't JSON", file("hello"), .notABundle),
        Refusal("a header that is a list", file("[]"), .notABundle),
        Refusal("a header that nests without end", file(String(repeating: "[", count: 100_000)), .notABundle),
        Refusal("a header with something behind it", file("{} {}"), .notABundle),
        Refusal("a header with an open string", file(#"{"a"#), .notABundle),
        Refusal("another network's file", file(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#), .notABundle),
        Refusal("an unknown type", file(#"{"a":{"dtype":"F8","shape":[4],"data_offsets":[0,4]}}"#), .notABundle),
        Refusal("a shape that doesn't fit", file(#"{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,4]}}"#), .notABundle),
        Refusal("a shape that overflows", file(#"{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#), .notABundle),
        Refusal("bytes that overflow", file(#"{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}"#), .notABundle),
        Refusal("a negative size", file(#"{"a":{"dtype":"U8","shape":[-4,-1],"data_offsets":[0,4]}}"#), .notABundle),
        Refusal("offsets beyond the data", file(#"{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}"#), .notABundle),
        Refusal("negative offsets", file(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}}"#), .notABundle),
        Refusal("offsets backwards", file(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#), .notABundle),
        Refusal("one offset", file(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4]}}"#), .notABundle),
        Refusal("a gap", file(#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#), .notABundle),
        Refusal(
            "an overlap",
            file(#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#),
            .notABundle
        ),
        Refusal("data that nothing covers", file(#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#), .notABundle),
        Refusal("no version", file(#"{"__metadata__":{"format":"swiftlet"}}"#, data: 0), .unsupportedVersion),
        Refusal("an earlier version", file(#"{"__metadata__":{"format":"swiftlet","format_version":"3"}}"#, data: 0), .unsupportedVersion),
        Refusal("a later version", file(#"{"__metadata__":{"format":"swiftlet","format_version":"5"}}"#, data: 0), .unsupportedVersion),
        Refusal("no digest", file(#"{"__metadata__":{"format":"swiftlet","format_version":"4"}}"#, data: 0), .damaged),
    ])
    func aFileThatIsNoBundleIsRefused(_ refusal: Refusal) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            try write(refusal.bytes, to: path)
            let error = try #require(throws: BundleError.self) { try Bundle(contentsOf: path) }
            #expect(error.code == refusal.code, "\(error)")
            #expect(!error.description.contains("\n"))
        }
    }

    /// Other machines know a network by the digest of its tensors; only a thorough reader computes it.
    @Test func aForeignNameOfTheTensorsIsFoundByAThoroughReader() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/net.swiftlet"
            try sampleBundle().write(to: path)
            let name = try Bundle(contentsOf: path, isThorough: true).details.weightsDigest
            var container = try Safetensors(MappedFile(path: path))
            let details = try #require(container.metadata["details"])
            #expect(details.contains(name))
            container.metadata["details"] = details.replacing(name, with: String(repeating: "0", count: 64))
            container.metadata["digest"] = "\(container.metadataDigest(without: "digest"))"
            _ = try Bundle(container, operation: "read")
            let error = #expect(throws: BundleError.self) { try Bundle(container, operation: "read", isThorough: true) }
            #expect(error?.code == .damaged)
        }
    }

    @Test func textInAHeaderIsRead() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/other.safetensors"
            let header = #" { "__metadata__" : {"a\u0062": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 ü", "c":""} , "t":{"shape":[],"data_offsets":[0,4],"dtype":"F32","more":[null,true,false,-1.5e-3,{}]}}"#
            try write(file(header, contents: [0, 0, 128, 63]), to: path)
            let container = try Safetensors(MappedFile(path: path))
            #expect(container.metadata == ["ab": "\"\\/\u{8}\u{C}\n\r\té😀 ü", "c": ""])
            #expect(container.tensors[0].tensor.floats == [1])
        }
    }

    @Test func whatIsNoFileIsRefused() throws {
        for path in ["/nowhere/net.swiftlet", "/", "/dev/null", ""] {
            let error = try #require(throws: BundleError.self) { try Bundle(contentsOf: path) }
            #expect(error.code == .unreadable, "\(error)")
        }
    }

    @Test func unalignedTensorsOfOtherWritersAreRead() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/other.safetensors"
            let header = #"{"b":{"dtype":"I32","shape":[1],"data_offsets":[3,7]},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#
            try write(file(header, contents: [1, 2, 3, 42, 0, 0, 0]), to: path)
            let container = try Safetensors(MappedFile(path: path))
            #expect(container.tensors.map(\.name) == ["a", "b"])
            #expect(container.tensors[0].tensor.elements(of: UInt8.self) == [1, 2, 3])
            #expect(container.tensors[1].tensor.elements(of: Int32.self) == [42])
        }
    }
}

/// A file that is no bundle, and how it is refused.
struct Refusal: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    var code: BundleError.Code

    init(_ what: String, _ bytes: [UInt8], _ code: BundleError.Code) {
        testDescription = what
        self.bytes = bytes
        self.code = code
    }
}

/// The bytes of a safetensors file: with the length of its header, or another.
private func file(_ header: String, length: UInt64? = nil, data: Int = 4, contents: [UInt8]? = nil) -> [UInt8] {
    let length = length ?? UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + Array(header.utf8) + (contents ?? Array(repeating: 0, count: data))
}
