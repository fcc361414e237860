// SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong with a configuration file.
package struct Problem: Hashable, Sendable {
    package var position: Position
    /// The key it is about, as in `gate.threshold`; empty where it is about the file.
    package var key: String
    /// What was expected and what was found.
    package var message: String

    package init(at position: Position, key: String = "", _ message: String) {
        self.position = position
        self.key = key
        self.message = message
    }
}

/// Everything that is wrong with one configuration file, in the order of its lines.
///
///     agent.yaml:12:5: gate.threshold: expected 0 … 100 %, found '80'
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    package var file: String
    /// At least one.
    package var problems: [Problem]

    package init(file: String, problems: [Problem]) {
        self.file = file
        self.problems = problems.sorted { $0.position < $1.position }
    }

    /// One line a problem.
    package var lines: [String] {
        problems.map { problem in
            let place = "\(file):\(problem.position.line):\(problem.position.column): "
            return place + (problem.key.isEmpty ? "" : problem.key + ": ") + problem.message
        }
    }

    package var description: String { lines.joined(separator: "\n") }
}

extension String {
    /// The text between quotes for a message of one line: at most 60 characters, control characters escaped.
    var quoted: String { "'" + String(unicodeScalars.prefix(60)).onOneLine + (unicodeScalars.dropFirst(60).isEmpty ? "'" : "…'") }

    /// The text with its control characters escaped: what a file or a message names can neither end a line nor command a terminal.
    package var onOneLine: String {
        unicodeScalars.reduce(into: "") { result, scalar in
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value)
            result += isControl ? scalar.escaped(asASCII: true) : String(scalar)
        }
    }
}
