// SPDX-License-Identifier: Apache-2.0

/// What a network carries, by the newest 16 transfers over it.
///
///     seconds = (latency + bytes / bandwidth) · spread
///
/// Latency and bandwidth are those of the line with the median slope through pairs of transfers of different sizes, which a few odd ones don't bend (H. Theil,
/// P. K. Sen). Where all sizes are alike, or the transfers are fewer than four, the latency stays as it was known, and the bandwidth explains the rest. The spread
/// is what the transfers took, in ratios of that line. Two transfers in a row that take more than twice, or less than half of what the line says, begin anew.
package struct LinkEstimate: Hashable, Sendable {
    private struct Transfer: Hashable, Sendable {
        var bytes: Double
        var seconds: Double
    }

    /// Transfers older than so many seconds count only where there are no newer ones.
    package static let memory = 300.0
    /// What is assumed, and the powers of its states.
    private let radio: Radio
    private var transfers = Recent<Transfer>(capacity: 16)
    /// Seconds; of the line, or as assumed.
    private var latency: Double

    /// - Parameter radio: what is assumed before the first transfer, and the powers of the radio's states.
    package init(assuming radio: Radio) {
        self.radio = radio
        latency = radio.roundTrip
    }

    /// - Parameters:
    ///   - bytes: sent; a few of a probe, or of a ping.
    ///   - seconds: from the start of sending until the answer, without what the server says it took. What isn't above 0 says nothing.
    package mutating func observe(bytes: Int, seconds: Double, at time: Double) {
        guard seconds > 0, seconds.isFinite, bytes >= 0 else { return }
        let ratio = seconds / line(at: time).seconds(Double(bytes))
        let isStrange = !transfers.observations.isEmpty && (ratio > 2 || ratio < 0.5)
        transfers.add(Transfer(bytes: Double(bytes), seconds: seconds), at: time, isStrange: isStrange)
        latency = line(at: time).latency
    }

    /// A transfer that has no answer yet: where it takes longer than twice what was expected, it's one that took so long at least.
    ///
    /// - Returns: what is known with it. It isn't kept, so that it counts once when it has ended.
    package func with(unansweredBytes bytes: Int, seconds: Double, at time: Double) -> LinkEstimate {
        guard seconds > 2 * line(at: time).seconds(Double(bytes)) else { return self }
        var estimate = self
        // Alone it says enough: nothing arrives as fast as before.
        estimate.transfers.forget()
        estimate.observe(bytes: bytes, seconds: seconds, at: time)
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

    /// Seconds since the newest transfer; `nil` before the first.
    package func age(at now: Double) -> Double? { transfers.age(at: now) }

    private struct Line {
        var latency: Double
        var secondsPerByte: Double

        func seconds(_ bytes: Double) -> Double { max(latency + bytes * secondsPerByte, 1e-6) }
    }

    private func known(at now: Double) -> [Transfer] {
        let fresh = transfers.values(at: now, within: Self.memory)
        return fresh.isEmpty ? transfers.values(at: now) : fresh
    }

    private func line(at now: Double) -> Line {
        let known = known(at: now)
        // 1 Gbit/s … 1 bit/s.
        func bounded(_ secondsPerByte: Double) -> Double { min(max(secondsPerByte, 8e-9), 8) }
        guard let least = known.min(by: { $0.bytes < $1.bytes }), let most = known.max(by: { $0.bytes < $1.bytes }) else {
            return Line(latency: latency, secondsPerByte: bounded(8e-6 / radio.uplink))
        }
        if known.count >= 4, most.bytes > 2 * least.bytes, let slope = slopes(known, apart: (most.bytes - least.bytes) / 4).median, slope > 0 {
            let secondsPerByte = bounded(slope)
            return Line(latency: max(known.map { $0.seconds - $0.bytes * secondsPerByte }.median ?? 0, 0), secondsPerByte: secondsPerByte)
        }
        // At most nine tenths of the fastest one, so that a bandwidth remains.
        let latency = min(latency, 0.9 * (known.map(\.seconds).min() ?? 0))
        guard let slope = known.filter({ $0.bytes > 0 }).map({ ($0.seconds - latency) / $0.bytes }).median else {
            return Line(latency: known.map(\.seconds).median ?? latency, secondsPerByte: bounded(8e-6 / radio.uplink))
        }
        return Line(latency: latency, secondsPerByte: bounded(slope))
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
