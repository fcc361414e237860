// SPDX-License-Identifier: Apache-2.0

/// A bar on standard error that shows how far long work is; nothing where standard error isn't a terminal.
struct ProgressBar: ~Copyable {
    private let title: String
    private let total: Int
    private let isVisible: Bool
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now - .seconds(1)

    init(_ title: String, total: Int) {
        self.title = title
        self.total = max(total, 1)
        isVisible = errorIsTerminal
    }

    /// `done` of `total` steps are behind us. Redraws at most ten times a second.
    mutating func update(_ done: Int) {
        let now = ContinuousClock.now
        guard isVisible, now - shown >= .milliseconds(100) || done >= total else { return }
        shown = now
        let width = 30
        let filled = min(done * width / total, width)
        let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
        let left = done > 0 ? (now - start) * (Double(max(total - done, 0)) / Double(done)) : .zero
        writeError("\r\(title) \(bar) \(done)/\(total), \(left.components.seconds) s left \u{1B}[K")
    }

    deinit {
        if isVisible { writeError("\r\u{1B}[K") }
    }
}
