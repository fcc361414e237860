// SPDX-License-Identifier: Apache-2.0

/// Names of classes, one a line, in the order of a network's output.
package enum LabelList {
    /// Where every line starts with a WordNet id (`n01440764 tench`), the ids are left out. Empty lines at the end don't count.
    ///
    /// - Throws: ``CompilationError`` where there is no name, or a line in between has none.
    package static func parse(_ text: String, path: String) throws(CompilationError) -> [String] {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard !lines.isEmpty else { throw CompilationError("with \(path)", "it names no class") }
        if let empty = lines.firstIndex(where: \.isEmpty) { throw CompilationError("with \(path)", "line \(empty + 1) is empty") }
        guard lines.allSatisfy(startsWithSynset) else { return lines }
        return lines.map { String($0.dropFirst(10)) }
    }

    private static func startsWithSynset(_ line: String) -> Bool {
        let bytes = Array(line.utf8.prefix(10))
        return bytes.count == 10 && line.utf8.count > 10 && bytes[0] == UInt8(ascii: "n") && bytes[9] == UInt8(ascii: " ")
            && bytes[1..<9].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
