// SPDX-License-Identifier: Apache-2.0
package import Images

/// One picture of a source, with the time at which it was complete.
package struct Frame: Sendable {
    /// Counted from 0 over everything that the source saw, also what was damaged or dropped: gaps show what is missing.
    package var index: UInt64
    package var captured: ContinuousClock.Instant
    package var image: Image
    /// What a rendered flight shows, as the position in the networks' label list; `nil` for every other source.
    package var trueClass: Int?
    /// The file's name, or the index where the source has no names.
    package var name: String

    package init(index: UInt64, captured: ContinuousClock.Instant, image: Image, trueClass: Int? = nil, name: String) {
        self.index = index
        self.captured = captured
        self.image = image
        self.trueClass = trueClass
        self.name = name
    }
}
