// SPDX-License-Identifier: Apache-2.0
import Foundation
import Rehearsal
import TestSupport
import Testing

/// What the agent carries onto a board.
struct LeanTests {
    /// The libraries that a program asks for, directly and through others, by ldd(1).
    private func libraries(of name: String) throws -> [String] {
        let folder = TemporaryFolder()
        let ldd = try #require(ChildProcess.find("ldd"))
        let child = try ChildProcess(ldd, [try Program.path(of: name)], output: .file(folder("libraries")))
        #expect(child.wait(for: .seconds(20)) == .exited(0))
        return String(decoding: try Data(contentsOf: URL(filePath: folder("libraries"))), as: UTF8.self)
            .split(separator: "\n").compactMap { $0.split(whereSeparator: \.isWhitespace).first.map(String.init) }
    }

    @Test func theAgentLinksNoPartOfFoundation() throws {
        let libraries = try libraries(of: "swiftletd")
        #expect(libraries.contains { $0.hasPrefix("libyaml") }, "\(libraries)")
        for heavy in ["libFoundation", "lib_Foundation", "libicu"] {
            #expect(!libraries.contains { $0.hasPrefix(heavy) }, "\(libraries)")
        }
    }

    /// What only some boards need is loaded when it is needed: by a link to a broker, by float32 products.
    @Test func theAgentLoadsTheLibrariesOfItsLinkOnlyWhenItHasOne() throws {
        let libraries = try libraries(of: "swiftletd")
        for later in ["libmosquitto", "libssl", "libcrypto", "libopenblas"] {
            #expect(!libraries.contains { $0.hasPrefix(later) }, "\(libraries)")
        }
    }

    /// The modules of this package that a target reaches, by the manifest.
    private func closure(of target: String, _ manifest: String) -> Set<String> {
        // A target begins with its quoted name behind `module(`, or behind `name:`; what follows, up to the next, is about it.
        var dependencies: [String: Set<String>] = [:]
        let names = manifest.matches(of: /(?:module\(|[tT]arget\(\s*name:\s*)"([A-Za-z]+)"/)
        for (index, match) in names.enumerated() {
            let end = index + 1 < names.count ? names[index + 1].range.lowerBound : manifest.endIndex
            dependencies[String(match.1)] = Set(manifest[match.range.upperBound..<end].matches(of: /"([A-Za-z]+)"/).map { String($0.1) })
        }
        var reached: Set = [target]
        var waiting = [target]
        while let next = waiting.popLast() {
            for name in dependencies[next] ?? [] where dependencies[name] != nil && reached.insert(name).inserted { waiting.append(name) }
        }
        return reached
    }

    @Test func noModuleOfTheAgentImportsFoundationOrTheToolsParts() throws {
        let root = URL(filePath: FlightBundles.configuration).deletingLastPathComponent().path
        let manifest = String(decoding: try Data(contentsOf: URL(filePath: root + "/Package.swift")), as: UTF8.self)
        let modules = closure(of: "swiftletd", manifest)
        #expect(modules.isSuperset(of: ["Agent", "Settings", "Messaging", "Wire", "Inference", "Kernels", "Networks", "Tensors", "Frames"]), "\(modules)")
        #expect(modules.isDisjoint(with: ["ONNXImport", "Compilation", "CloudWorker", "Demonstration", "Rehearsal", "swiftlet"]), "\(modules)")
        var files = 0
        for module in modules {
            let folder = "\(root)/Sources/\(module)"
            let names = FileManager.default.enumerator(atPath: folder).map { $0.compactMap { $0 as? String } } ?? []
            for name in names where name.hasSuffix(".swift") {
                let text = String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/\(name)")), as: UTF8.self)
                files += 1
                for line in text.split(separator: "\n") where line.contains("import ") {
                    let heavy = line.firstMatch(of: /^\s*(?:@\w+\s+)*(?:\w+ )?import (?:\w+ )?(Foundation\w*|SwiftProtobuf|ArgumentParser)(?:\.|\s|$)/)
                    #expect(heavy == nil, "\(module)/\(name): \(line)")
                }
            }
        }
        #expect(files > 100)
    }
}
