// SPDX-License-Identifier: Apache-2.0

/// What a network carries, by the newest 16 transfers over it.
///
///     seconds = (latency + bytes / bandwidth) · spread
///
/// Latency and bandwidth are those of the line with the median slope through pairs of transfers of different sizes, which a few odd ones don't bend (H. Theil,
/// P. K. Sen). Where all sizes are alike, or the transfers are fewer than four, latency and bandwidth are those last found, or assumed, both stretched alike: of a few small
/// transfers the latency is the better part, and who took it all for a narrow link would never try it again. Where they take twice as long as was last found, or half of
/// it, the latency stays, and the bandwidth explains the rest. Of transfers that follow each other without a gap one knows how long each had the link, and so the bandwidth, whatever else
/// delays their answers. The spread is what the transfers took, in ratios of that line. Two transfers in a row that take more than twice, or less than half of
/// what the line says, begin anew.
///
/// Where it becomes slower all at once, what was known before isn't given up at once: an answer that fits it shows that all is as it was. A question that stays without an
/// answer for too long counts as a slow transfer until the next answer. Four transfers begun since then that don't fit end the doubt.
package struct LinkEstimate: Hashable, Sendable {
    private struct Transfer: Hashable, Sendable {
        var bytes: Double
        var seconds: Double
        /// Of these the bytes' own, where that is known.
        var occupied: Double?
    }

    /// Transfers older than so many seconds count only where there are no newer ones.
    package static let memory = 300.0
    /// What is assumed, and the powers of its states.
    private let radio: Radio
    private var transfers = Recent<Transfer>(capacity: 16)
    /// The newest that was found.
    private var found: Line?
    private var doubt: Doubt?

    /// Whether the link is as slow as it seems.
    private struct Doubt: Hashable, Sendable {
        /// What was known before.
        var transfers: Recent<Transfer>
        var found: Line?
        var begun: Double
        /// Whether all that speaks for it is a question that has no answer.
        var isGuess: Bool
        var confirmations = 0
    }

    private static let mostConfirmations = 4

    /// - Parameter radio: what is assumed before the first transfer, and the powers of the radio's states.
    package init(assuming radio: Radio) {
        self.radio = radio
    }

    /// - Parameters:
    ///   - bytes: sent; a few of a probe, or of a ping.
    ///   - seconds: from the start of sending until the answer, without what the server says it took. What isn't above 0 says nothing.
    ///   - occupied: of these what sending took, where that is known.
    package mutating func observe(bytes: Int, seconds: Double, occupied: Double? = nil, at time: Double) {
        guard seconds > 0, seconds.isFinite, bytes >= 0 else { return }
        let transfer = Transfer(bytes: Double(bytes), seconds: seconds, occupied: occupied.flatMap { $0 > 0 && $0.isFinite ? $0 : nil })
        if let doubt { settle(doubt, by: transfer, at: time) }
        let isStrange = isStrange(transfer, at: time)
        if doubt == nil, isStrange, transfers.isSuspicious, seconds > line(at: time).seconds(transfer.bytes) {
            doubt = Doubt(transfers: transfers.withoutNewest, found: found, begun: time, isGuess: false)
        }
        transfers.add(transfer, at: time, isStrange: isStrange)
        if let line = found(known(at: time)) { found = line }
    }

    private mutating func settle(_ doubt: Doubt, by transfer: Transfer, at time: Double) {
        var before = self
        (before.transfers, before.found, before.doubt) = (doubt.transfers, doubt.found, nil)
        if !before.isStrange(transfer, at: time) {
            self = before
            return
        }
        if doubt.isGuess { transfers.forget() }
        self.doubt?.isGuess = false
        // What was under way before is of the same bad moment.
        guard time - transfer.seconds > doubt.begun else { return }
        self.doubt?.confirmations += 1
        if doubt.confirmations + 1 == Self.mostConfirmations { self.doubt = nil }
    }

    private func isStrange(_ transfer: Transfer, at time: Double) -> Bool {
        let ratio = transfer.seconds / line(at: time).seconds(transfer.bytes)
        return !transfers.observations.isEmpty && (ratio > 2 || ratio < 0.5)
    }

    /// A transfer that has no answer: where it takes longer than twice what was expected, it's one that took so long at least, and all that counts until the next answer.
    ///
    /// - Returns: what is to be believed with it. While it may still be answered, that isn't to be kept.
    package func with(unansweredBytes bytes: Int, seconds: Double, at time: Double) -> LinkEstimate {
        guard seconds.isFinite, bytes >= 0, seconds > 2 * line(at: time).seconds(Double(bytes)) else { return self }
        var estimate = self
        estimate.doubt = doubt ?? Doubt(transfers: transfers, found: found, begun: time, isGuess: true)
        estimate.doubt?.isGuess = true
        estimate.transfers.forget()
        estimate.transfers.add(Transfer(bytes: Double(bytes), seconds: seconds), at: time)
        return estimate
    }

    package func link(at now: Double) -> Conditions.Link {
        var radio = radio
        let line = line(at: now)
        radio.roundTrip = line.latency
        radio.uplink = 8e-6 / line.secondsPerByte
        let known = known(at: now)
        return Conditions.Link(radio: radio, spread: known.isEmpty ? Octiles(1) : Octiles(of: known.map { $0.seconds / line.seconds($0.bytes) }))
    }

    /// Whether transfers of different sizes ever told latency from bandwidth.
    package var isKnown: Bool { found != nil }

    /// Whether the link has become slow, and may be as it was again.
    package var isDoubtful: Bool { doubt != nil }

    /// Seconds since the newest transfer; `nil` before the first.
    package func age(at now: Double) -> Double? { transfers.age(at: now) }

    private struct Line: Hashable, Sendable {
        var latency: Double
        var secondsPerByte: Double

        func seconds(_ bytes: Double) -> Double { max(latency + bytes * secondsPerByte, 1e-6) }
    }

    private func known(at now: Double) -> [Transfer] {
        let fresh = transfers.values(at: now, within: Self.memory)
        return fresh.isEmpty ? transfers.values(at: now) : fresh
    }

    /// 1 Gbit/s … 1 bit/s.
    private func bounded(_ secondsPerByte: Double) -> Double { min(max(secondsPerByte, 8e-9), 8) }

    private func line(at now: Double) -> Line {
        let known = known(at: now)
        let assumed = Line(latency: radio.roundTrip, secondsPerByte: bounded(8e-6 / radio.uplink))
        let last = found ?? assumed
        guard let least = known.map(\.seconds).min() else { return last }
        if let line = found(known) { return line }
        let stretch = known.map { $0.seconds / last.seconds($0.bytes) }.median ?? 1
        if found == nil || (0.5...2).contains(stretch) {
            return Line(latency: stretch * last.latency, secondsPerByte: bounded(stretch * last.secondsPerByte))
        }
        // At most nine tenths of the fastest one, so that a bandwidth remains.
        let bound = min(last.latency, 0.9 * least)
        guard let slope = known.filter({ $0.bytes > 0 }).map({ ($0.seconds - bound) / $0.bytes }).median else {
            return Line(latency: known.map(\.seconds).median ?? bound, secondsPerByte: last.secondsPerByte)
        }
        return Line(latency: bound, secondsPerByte: bounded(slope))
    }

    private func found(_ known: [Transfer]) -> Line? { followed(known) ?? sloped(known) }

    /// The line with the bandwidth of transfers that followed each other: what delays one's word shortens the next one's time. Of the older half and the newer one the
    /// faster counts, up to twice the whole: a board that is busy sends late and leaves gaps, which are not the link's (as N. Cardwell et al., "BBR: congestion-based
    /// congestion control", 2016, keep the greatest delivery rate).
    private func followed(_ known: [Transfer]) -> Line? {
        let known = known.filter { $0.occupied != nil && $0.bytes > 0 }
        guard known.count >= 8 else { return nil }
        func slope(_ part: ArraySlice<Transfer>) -> Double { part.reduce(0) { $0 + ($1.occupied ?? 0) } / part.reduce(0) { $0 + $1.bytes } }
        let middle = known.count / 2
        return line(known, secondsPerByte: bounded(max(min(slope(known[..<middle]), slope(known[middle...])), slope(known[...]) / 2)))
    }

    private func line(_ known: [Transfer], secondsPerByte: Double) -> Line? {
        guard let latency = known.map({ $0.seconds - $0.bytes * secondsPerByte }).median, latency > 0 else { return nil }
        return Line(latency: latency, secondsPerByte: secondsPerByte)
    }

    /// The line through transfers of different sizes; `nil` where they are too few or too much alike, or no line: nothing takes less than no time.
    private func sloped(_ known: [Transfer]) -> Line? {
        guard known.count >= 4, let least = known.map(\.bytes).min(), let most = known.map(\.bytes).max(), most > 2 * least,
            let slope = slopes(known, apart: (most - least) / 4).median, slope > 0
        else { return nil }
        return line(known, secondsPerByte: bounded(slope))
    }

    private func slopes(_ known: [Transfer], apart: Double) -> [Double] {
        known.indices.flatMap { first in
            known[(first + 1)...].compactMap { second in
                let distance = second.bytes - known[first].bytes
                return distance.magnitude >= apart ? (second.seconds - known[first].seconds) / distance : nil
            }
        }
    }
}

/// A ``LinkEstimate`` for each kind of network that was ever used, so that one comes back to what was known.
package struct LinkEstimates: Hashable, Sendable {
    private var estimates: [String: LinkEstimate] = [:]

    package init() {}

    /// - Parameter radio: its name says which network it is; the rest is assumed of one that is new.
    package subscript(radio: Radio) -> LinkEstimate {
        get { estimates[radio.name] ?? LinkEstimate(assuming: radio) }
        set { estimates[radio.name] = newValue }
    }
}
