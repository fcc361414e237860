// SPDX-License-Identifier: Apache-2.0

/// Settings that a YAML file holds.
package protocol SettingsFile: Sendable {
    /// Reads the keys of the file's root. `nil` only with a problem reported.
    static func read(_ root: inout Section) -> Self?
}

extension AgentSettings: SettingsFile {
    package static func read(_ root: inout Section) -> AgentSettings? { AgentSettings(&root) }
}

extension CloudSettings: SettingsFile {
    package static func read(_ root: inout Section) -> CloudSettings? { CloudSettings(&root) }
}

extension SettingsFile {
    /// Reads and checks a configuration file. Relative paths in it start at its folder.
    ///
    /// - Throws: every problem of the file at once.
    package static func load(_ path: String) throws(SettingsError) -> Self {
        let bytes: [UInt8]
        do {
            bytes = try SmallFile.read(path, limit: YAMLReader.maximumBytes)
        } catch {
            throw SettingsError(file: path, problems: [Problem(at: Position(line: 1, column: 1), error.reason)])
        }
        let end = path.utf8.lastIndex(of: 47)
        let folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ""
        return try parse(bytes, file: path, folder: folder)
    }

    /// Checks the text of a configuration file.
    ///
    /// - Parameters:
    ///   - file: its name for messages.
    ///   - folder: where relative paths start; empty for the working directory.
    package static func parse(_ bytes: [UInt8], file: String, folder: String = "") throws(SettingsError) -> Self {
        let tree = try YAMLReader.read(bytes, file: file)
        let findings = Findings(folder: folder)
        let settings = read(tree, findings)
        guard findings.problems.isEmpty, let settings else { throw SettingsError(file: file, problems: findings.problems) }
        return settings
    }

    /// The keys that are looked for in the presence of the text's sections, whatever is wrong with their values.
    package static func keys(in bytes: [UInt8], file: String) throws(SettingsError) -> [KeyDescription] {
        let findings = Findings(folder: "")
        _ = read(try YAMLReader.read(bytes, file: file), findings)
        return findings.keys
    }

    private static func read(_ tree: YAMLNode, _ findings: Findings) -> Self? {
        var root = Section(tree, path: "", position: Position(line: 1, column: 1), findings: findings)
        let settings = read(&root)
        root.finish()
        return settings
    }
}
