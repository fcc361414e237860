// SPDX-License-Identifier: Apache-2.0

/// A bar for each stage of the compiler.
final class StageDisplay {
    private let prefix: String
    private var stage = ""
    private var bar: ProgressBar?

    /// - Parameter prefix: names what is compiled, where there are several.
    init(prefix: String = "") { self.prefix = prefix.isEmpty ? "" : prefix + ": " }

    func show(_ stage: String, _ done: Int, _ total: Int) {
        if stage != self.stage {
            bar = ProgressBar(prefix + stage, total: total)
            self.stage = stage
        }
        bar?.update(done)
    }

    func finish() { bar = nil }
}
