// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
internal import Glibc

/// A line a second while the demonstration flies: one line a phase that is written over on a terminal, plain lines elsewhere.
struct LiveLine {
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    private var phase: Int?

    mutating func show(second: Int, phase: Int, condition: CloudCondition, records: ArraySlice<FrameRecord>, cloud: String) {
        let summary = PhaseSummary(condition: condition, records: records)
        let line = [
            "\(second) s".leading(5), condition.rawValue.trailing(17), "\(summary.frames) frames".leading(10),
            "local \(summary.local)".trailing(10), "cloud \(summary.cloud)".trailing(10), "unconfirmed \(summary.unconfirmed)".trailing(16),
            "undecided \(summary.undecided)".trailing(12), cloud,
        ].joined(separator: "  ")
        if isTerminal {
            if let previous = self.phase, previous != phase { write("\n") }
            write("\r\u{1B}[2K" + line.prefix(terminalWidth))
        } else {
            write(line + "\n")
        }
        self.phase = phase
    }

    func finish() { if isTerminal, phase != nil { write("\n") } }

    private var terminalWidth: Int {
        var size = winsize()
        let known = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 20
        return known ? Int(size.ws_col) - 1 : 119
    }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe Glibc.write(STDOUT_FILENO, bytes, bytes.count)
    }
}

extension String {
    /// Filled with spaces behind it.
    fileprivate func trailing(_ width: Int) -> String { self + String(repeating: " ", count: max(width - count, 0)) }
    /// Filled with spaces before it.
    fileprivate func leading(_ width: Int) -> String { String(repeating: " ", count: max(width - count, 0)) + self }
}
