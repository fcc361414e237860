// SPDX-License-Identifier: Apache-2.0

extension Summary {
    /// The table and the closing sentences for a terminal, at most 110 columns.
    package var text: String {
        let header = ["phase", "frames", "undecided", "local", "cloud", "unconf.", "late", "board", "system", "p50 ms", "p99 ms"]
        let rows = (phases.map { ($0.condition.rawValue, $0) } + [("all", total)]).map { name, phase in
            let share = { (count: Int) in percent(Double(count) / Double(max(phase.decisions, 1))) }
            return [
                name, "\(phase.frames)", "\(phase.undecided)", share(phase.local), share(phase.cloud), share(phase.unconfirmed),
                "\(phase.revisions)", percent(phase.localAccuracy), percent(phase.systemAccuracy),
                phase.localTimeP50.map { fixed($0, 2) } ?? "–", phase.localTimeP99.map { fixed($0, 2) } ?? "–",
            ]
        }
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        let line = { (cells: [String]) in
            cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }.joined(separator: "  ")
        }
        let rule = String(repeating: "─", count: widths.reduce(0, +) + 2 * (widths.count - 1))
        let gain = connectedGain
        return ([line(header), rule] + rows.dropLast().map(line) + [rule] + rows.suffix(1).map(line)).joined(separator: "\n") + """


            \(total.frames) frames taken up, \(droppedFrames) dropped for newer ones, \(total.undecided) without a decision.
            While connected the system was \(points(gain.mean)) more accurate than the board alone \
            (95 % interval \(points(gain.lower)) to \(points(gain.upper)), over \(gain.encounters) encounters).

            """
    }
}
