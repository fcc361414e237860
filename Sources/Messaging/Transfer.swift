// SPDX-License-Identifier: Apache-2.0

/// What one question and its reply say of the link and of the worker.
package struct Transfer: Hashable, Sendable {
    /// Of the image, or of the packed activations.
    package var bytes: Int
    /// From handing the question to the connection until its reply was there.
    package var roundTrip: Duration
    /// What of that passed, about, until the questions sent earlier, which are ahead on the same connection, had left: until the broker acknowledged them, less the
    /// shortest time in which it acknowledges anything.
    package var behind: Duration
    /// Where it went right behind another question: from the broker's word of that one to its word of this one. So long it had the connection, whatever
    /// words and answers take. `nil` where it wasn't behind another one, or the broker's word is missing.
    package var occupied: Duration?
    /// What the reply says: waiting at the worker.
    package var queue: Duration
    /// What the reply says: decoding, and the model.
    package var inference: Duration

    package init(
        bytes: Int, roundTrip: Duration, behind: Duration = .zero, occupied: Duration? = nil, queue: Duration = .zero, inference: Duration = .zero
    ) {
        self.bytes = bytes
        self.roundTrip = roundTrip
        self.behind = behind
        self.occupied = occupied
        self.queue = queue
        self.inference = inference
    }

    /// What is left for the way there and back: `roundTrip − behind − queue − inference`, at least zero.
    package var onTheWay: Duration { max(.zero, roundTrip - behind - queue - inference) }
}
