// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The number of insertions, deletions, replacements and swaps of neighbours that turn one text into the other
    /// (optimal string alignment), in UTF-8 bytes.
    package func editDistance(to other: String) -> Int {
        let a = Array(utf8)
        let b = Array(other.utf8)
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var best = Swift.min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = Swift.min(best, beforeLast[j - 1] + 1) }
                row.append(best)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }

    /// The candidate that was most probably meant; `nil` where none is near: more than one edit for each three letters.
    package func nearest(of candidates: [String]) -> String? {
        guard utf8.count <= 64 else { return nil }
        return candidates.map { (candidate: $0, distance: editDistance(to: $0)) }
            .filter { $0.distance <= Swift.max($0.candidate.utf8.count, utf8.count) / 3 }
            .min { $0.distance < $1.distance }?.candidate
    }
}
