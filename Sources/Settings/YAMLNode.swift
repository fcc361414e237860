// SPDX-License-Identifier: Apache-2.0

/// A place in a text file: lines and columns count from 1, columns in characters (Unicode scalars).
package struct Position: Hashable, Sendable, Comparable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static func < (a: Position, b: Position) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// One value of a YAML document, with its place. Aliases are already replaced by what they stand for.
package struct YAMLNode: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        /// `isPlain`: without quotes, so that an empty one, `~` or `null` means nothing.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    package var content: Content
    package var position: Position

    package init(_ content: Content, at position: Position) {
        self.content = content
        self.position = position
    }

    package var isNull: Bool {
        if case .scalar(let text, isPlain: true) = content { ["", "~", "null"].contains(text) } else { false }
    }
}

/// One key of a YAML mapping with its value.
package struct YAMLEntry: Hashable, Sendable {
    package var key: String
    package var position: Position
    package var value: YAMLNode

    package init(key: String, position: Position, value: YAMLNode) {
        self.key = key
        self.position = position
        self.value = value
    }
}
