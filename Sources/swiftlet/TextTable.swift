// SPDX-License-Identifier: Apache-2.0

/// As in `1 image` and `2 images`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// Lines of cells in columns of equal width, two blanks apart.
///
/// - Parameters:
///   - rows: as many cells each; at least one row.
///   - words: so many columns begin at the left, the others, numbers, end at the right.
func aligned(_ rows: [[String]], words: Int) -> [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
        let cells = row.indices.map { column in
            let pad = String(repeating: " ", count: widths[column] - row[column].count)
            return column < words ? row[column] + pad : pad + row[column]
        }
        return cells.joined(separator: "  ")
    }
}
