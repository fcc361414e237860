// SPDX-License-Identifier: Apache-2.0

/// Where frames come from. One thread calls `next` over and over.
package protocol FrameSource: Sendable {
    /// Whether frames go on coming whether or not they are taken, so that a newer one replaces one that waits. The others are only asked
    /// for the next frame when the one before is taken.
    var isLive: Bool { get }

    /// Waits for the next frame. Returns `.ended` soon after `stop` is signalled.
    ///
    /// Throws only what ends the source; a damaged frame is an event like others.
    mutating func next(_ stop: StopSignal) throws(FrameError) -> FrameEvent
}

package enum FrameEvent: Sendable {
    case frame(Frame)
    /// A frame that could not be read, and why. The source goes on.
    case damaged(String)
    /// So many frames were passed over unread because newer ones were there.
    case skipped(Int)
    case ended
}
