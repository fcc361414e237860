// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import Threads

/// The agent's log: written from a thread of its own, since standard error can block too. One line a kind and interval.
final class AgentLog: Sendable {
    private struct Line: Sendable {
        var level: Logger.Level
        var text: String
    }

    private struct Recent {
        var kind: String
        var time: Duration
        var suppressed: Int
    }

    private let outlet: Outlet<Line>
    private let recent = Monitor<[Recent]>([])
    private let clock: AgentClock
    private let level: Logger.Level
    private static let interval = Duration.seconds(10)

    init(_ logger: Logger, clock: AgentClock) throws(AgentError) {
        self.clock = clock
        level = logger.logLevel
        outlet = try Outlet("swiftlet-log", capacity: 64) { logger.log(level: $0.level, "\($0.text)") }
    }

    /// What the logger leaves out is not even put into words.
    ///
    /// - Parameter kind: lines of one kind appear once in ten seconds at most, with the number of those left out; `nil`: always.
    func write(_ level: Logger.Level, kind: String? = nil, _ text: @autoclosure () -> String) {
        guard level >= self.level else { return }
        guard let kind else { return offer(level, text()) }
        let now = clock.now()
        let suppressed: Int? = recent.withLock { recent in
            guard let index = recent.firstIndex(where: { $0.kind == kind }) else {
                recent.append(Recent(kind: kind, time: now, suppressed: 0))
                return 0
            }
            guard now - recent[index].time >= Self.interval else {
                recent[index].suppressed += 1
                return nil
            }
            let suppressed = recent[index].suppressed
            recent[index] = Recent(kind: kind, time: now, suppressed: 0)
            return suppressed
        }
        guard let suppressed else { return }
        offer(level, text() + (suppressed == 0 ? "" : " (and \(suppressed) like it before)"))
    }

    private func offer(_ level: Logger.Level, _ text: String) { outlet.offer(Line(level: level, text: text)) }

    func close() { outlet.close(timeout: .seconds(1)) }
}
