// SPDX-License-Identifier: Apache-2.0

/// `labels.tsv` of a folder: what each image shows.
///
/// The first line names the columns, separated by tabs: `file` (a path inside the folder), `index` (position in the label list, from 0) and, where
/// wanted, `name` (of the label); others are passed over. An empty index means that the image has no label.
package struct LabelTable: Sendable {
    package static let fileName = "labels.tsv"
    /// The columns that are written.
    package static let header = "file\tsynset\tindex\tname"

    package let entries: [ImageSet.Entry]

    /// Reads the table of `folder`; throws where a line can't be understood, or names a file that isn't in `available` or deeper in the folder.
    init(contentsOf folder: String, available: Set<String>) throws(ImageError) {
        let path = "\(folder)/\(Self.fileName)"
        try self.init(String(decoding: FileBytes.read(path), as: UTF8.self), path: path) { name in
            available.contains(name) || (name.contains("/") && (try? ReadableFile("\(folder)/\(name)")) != nil)
        }
    }

    /// - Parameters:
    ///   - path: names the table in errors.
    ///   - exists: whether the folder has a file.
    package init(_ text: String, path: String, exists: (String) -> Bool) throws(ImageError) {
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        func bad(_ line: Int, _ cause: String) -> ImageError { ImageError(.badLabels, "\(path):\(line + 1)", cause) }
        let columns = Self.cells(lines[0]).map { $0.trimmingSpaces() }
        guard let fileColumn = columns.firstIndex(of: "file"), let indexColumn = columns.firstIndex(of: "index") else {
            throw bad(0, "the first line must name the columns 'file' and 'index', separated by tabs")
        }
        let nameColumn = columns.firstIndex(of: "name")
        var entries: [ImageSet.Entry] = []
        for (number, line) in lines.enumerated().dropFirst() where !line.isEmpty {
            let cells = Self.cells(line)
            guard cells.count > max(fileColumn, indexColumn) else { throw bad(number, "expected \(columns.count) columns, found \(cells.count)") }
            let file = cells[fileColumn]
            guard !file.isEmpty, !file.hasPrefix("/"), !file.split(separator: "/").contains("..") else {
                throw bad(number, "'\(file)' is no file inside the folder")
            }
            guard exists(file) else { throw bad(number, "there is no file '\(file)'") }
            let cell = cells[indexColumn].trimmingSpaces()
            var label: Int?
            if !cell.isEmpty {
                guard let index = Int(cell), index >= 0 else { throw bad(number, "expected an index from 0 on, found '\(cell)'") }
                label = index
            }
            let name = nameColumn.flatMap { $0 < cells.count && !cells[$0].isEmpty ? cells[$0] : nil }
            entries.append(ImageSet.Entry(name: file, label: label, labelName: name))
        }
        guard !entries.isEmpty else { throw ImageError(.empty, "open \(path)", "the table lists no image") }
        self.entries = entries
    }

    private static func cells(_ line: some StringProtocol) -> [String] {
        line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) }
    }
}

extension String {
    fileprivate func trimmingSpaces() -> String {
        guard let first = firstIndex(where: { $0 != " " }), let last = lastIndex(where: { $0 != " " }) else { return "" }
        return String(self[first...last])
    }
}
