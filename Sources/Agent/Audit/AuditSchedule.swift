// SPDX-License-Identifier: Apache-2.0

/// When what audits have found is stored, on storage that is written rarely: at once where the gate has moved; within a minute where an answer differed, since only
/// these speak against the certificate; within ten minutes otherwise.
///
/// Pure. What a loss of power takes is as if it hadn't been audited.
package struct AuditSchedule: Hashable, Sendable {
    package enum News: Hashable, Sendable {
        case move, differing, agreeing

        /// From one record to the next at least.
        fileprivate var distance: Duration {
            switch self {
            case .move: .zero
            case .differing: .seconds(60)
            case .agreeing: .seconds(600)
            }
        }
    }

    /// When the next record is to be made; `nil` while there is nothing new.
    package private(set) var due: Duration?
    private var last: Duration
    /// From a record that couldn't be stored to the next attempt.
    private static let pause = Duration.seconds(30)

    package init(now: Duration) { last = now }

    package mutating func note(_ news: News, now: Duration) {
        let time = max(now, last + news.distance)
        due = due.map { min($0, time) } ?? time
    }

    /// A record is made of all that is new.
    package mutating func begin(now: Duration) {
        last = now
        due = nil
    }

    /// It couldn't be stored.
    package mutating func failed(now: Duration) { due = due.map { min($0, now + Self.pause) } ?? now + Self.pause }
}
