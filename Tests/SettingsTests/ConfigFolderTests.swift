// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Settings
import Testing

/// The files of `Config/`: each loads, and says about every key what the code says.
struct ConfigFolderTests {
    static let folder = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Config"

    /// The YAML files of a folder below `Config/`, with its name.
    static func files(in part: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(part)").filter { $0.hasSuffix(".yaml") }.sorted().map { part + $0 }
    }

    static func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/\(name)")), as: UTF8.self)
    }

    @Test func everyFileLoads() throws {
        let files = try Self.files()
        #expect(files.contains("agent.yaml") && files.contains("cloud.yaml"))
        for file in files {
            if file.hasPrefix("cloud") {
                _ = try CloudSettings.load("\(Self.folder)/\(file)")
            } else {
                _ = try AgentSettings.load("\(Self.folder)/\(file)")
            }
        }
    }

    @Test func theAgentsFileHoldsTheDefaultsOfTheCode() throws {
        let file = try AgentSettings.load("\(Self.folder)/agent.yaml")
        #expect(file == AgentSettings(device: "board-1", bundle: "\(Self.folder)/board.swiftlet", source: .y4m(path: "-")))
        let shortest = "device: board-1\nmodel: {bundle: board.swiftlet}\nsource: {y4m: {}}\n"
        #expect(try AgentSettings.parse(Array(shortest.utf8), file: "a", folder: Self.folder) == file)
    }

    @Test func theWorkersFileHoldsTheDefaultsOfTheCode() throws {
        let file = try CloudSettings.load("\(Self.folder)/cloud.yaml")
        #expect(file == CloudSettings(worker: "worker-1", bundle: "\(Self.folder)/cloud.swiftlet"))
        let shortest = "worker: worker-1\nmodel: {bundle: cloud.swiftlet}\n"
        #expect(try CloudSettings.parse(Array(shortest.utf8), file: "a", folder: Self.folder) == file)
    }

    @Test func eachKeyIsDocumentedInOneLineAsTheCodeReadsIt() throws {
        for (file, keys) in [("agent.yaml", AgentSettings.keys), ("cloud.yaml", CloudSettings.keys)] {
            let text = Self.uncommented(try Self.text(file))
            let described = try keys(Array(text.utf8), file)
            let documented = Self.documentedKeys(text)
            #expect(Set(described.map(\.key)) == Set(documented.filter { !$0.isSection }.map(\.key)), "\(file)")
            for key in described {
                let line = try #require(documented.first { $0.key == key.key })
                #expect(line.comment.hasSuffix(". \(key.text)"), "\(file): \(key.key): \(line.comment)")
                if case .defaults(let value) = key.presence {
                    #expect(line.value == value, "\(file): \(key.key)")
                }
            }
        }
    }

    @Test func noLineIsTooLongForAnEditor() throws {
        for file in try Self.files() + Self.files(in: "policies/") {
            for line in try Self.text(file).split(separator: "\n") { #expect(line.count <= 140, "\(file): \(line)") }
        }
    }

    /// The text with its commented-out keys (`# key: value`, and what is indented below) switched on.
    static func uncommented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let indentation: Substring = line.prefix { $0 == " " }
            let rest: Substring = line.dropFirst(indentation.count)
            guard rest.hasPrefix("# ") else { return String(line) }
            let inner: Substring = rest.dropFirst(2)
            let content: Substring = inner.drop { $0 == " " }
            let entry: Substring = content.hasPrefix("- ") ? content.dropFirst(2) : content
            let key: Substring = entry.prefix { $0.isLowercase || $0.isNumber || $0 == "-" }
            let isKey = !key.isEmpty && entry.dropFirst(key.count).hasPrefix(":")
            return isKey || content.hasPrefix("# ") ? String(indentation + inner) : String(line)
        }.joined(separator: "\n")
    }

    static func documentedKeys(_ text: String) -> [(key: String, value: String, comment: String, isSection: Bool)] {
        var result: [(key: String, value: String, comment: String, isSection: Bool)] = []
        var path: [String] = []
        var comment = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let level = line.prefix { $0 == " " }.count / 2
            let rest: Substring = line.drop { $0 == " " }
            if rest.hasPrefix("# ") {
                comment = String(rest.dropFirst(2))
            } else if let colon = rest.firstIndex(of: ":") {
                path = path.prefix(level) + [String(rest[..<colon])]
                let value = rest[rest.index(after: colon)...].drop { $0 == " " }.filter { $0 != "\"" }
                result.append((path.joined(separator: "."), value, comment, value.isEmpty))
                comment = ""
            } else {
                comment = ""
            }
        }
        return result
    }
}
