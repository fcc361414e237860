// SPDX-License-Identifier: Apache-2.0

/// What a radio link takes to carry a request: time, and the energy that the board's battery gives for it.
///
/// While it transfers at a rate of `r` Mbit/s upwards the radio draws `α·r + β`. Before the first transfer it is promoted to its connected state; after the last
/// one it stays there for the tail, in case another follows.
///
/// Source of the model and of the powers of ``threeG``, ``lte`` and ``wifi``: J. Huang, F. Qian, A. Gerber, Z. M. Mao, S. Sen, O. Spatscheck, "A Close Examination of
/// Performance and Power Characteristics of 4G LTE Networks", MobiSys 2012, phones of that time. Uplink rates: C. Hu, W. Bao, D. Wang, F. Liu, "Dynamic Adaptive DNN Surgery for
/// Inference Acceleration on the Edge", INFOCOM 2019. Replace them with measurements of your modem where you have them.
package struct Radio: Hashable, Sendable {
    /// A state of the radio that lasts and draws power by itself.
    package struct Phase: Hashable, Sendable {
        /// Seconds, 0 or more.
        package var time: Double
        /// Watts, 0 or more.
        package var power: Double

        package init(time: Double, power: Double) {
            self.time = time
            self.power = power
        }

        /// Joules.
        package var energy: Double { time * power }
    }

    package var name: String
    /// Mbit/s, above 0.
    package var uplink: Double
    /// Seconds from the last byte sent to the first byte of an answer that takes no time, 0 or more.
    package var roundTrip: Double
    /// `α` upwards: watts per Mbit/s.
    package var sending: Double
    /// `β`: watts while anything is transferred.
    package var base: Double
    package var promotion: Phase
    /// Its power is also what waiting for an answer draws.
    package var tail: Phase

    package init(name: String, uplink: Double, roundTrip: Double, sending: Double, base: Double, promotion: Phase, tail: Phase) {
        self.name = name
        self.uplink = uplink
        self.roundTrip = roundTrip
        self.sending = sending
        self.base = base
        self.promotion = promotion
        self.tail = tail
    }

    /// The round trips of these three are assumptions of ours, except LTE's, which is SPINN's for 4G (MobiCom 2020, section 5). 3G's tail joins its two states.
    package static let threeG = Radio(
        name: "3G", uplink: 1.1, roundTrip: 0.1, sending: 0.86898, base: 0.81788, promotion: Phase(time: 0.5821, power: 0.6594),
        tail: Phase(time: 8.9124, power: (8.0882 * 0.8039 + 0.8242 * 0.6013) / 8.9124))
    package static let lte = Radio(
        name: "LTE", uplink: 5.85, roundTrip: 0.04, sending: 0.43839, base: 1.28804, promotion: Phase(time: 0.2601, power: 1.2107),
        tail: Phase(time: 11.576, power: 1.06))
    package static let wifi = Radio(
        name: "WiFi", uplink: 18.88, roundTrip: 0.005, sending: 0.28317, base: 0.13286, promotion: Phase(time: 0.0791, power: 0.1244),
        tail: Phase(time: 0.2381, power: 0.1193))

    /// A cable, which takes nothing of the battery worth mentioning. What it carries is an assumption of ours.
    package static let wired = Radio(
        name: "wired", uplink: 100, roundTrip: 0.005, sending: 0, base: 0, promotion: Phase(time: 0, power: 0), tail: Phase(time: 0, power: 0))

    /// Seconds that sending takes.
    package func sendingTime(bytes: Double) -> Double { bytes * 8 / (uplink * 1_000_000) }

    /// Seconds from the start of sending until the answer is there, on a radio that is connected already. The answer's own bytes, some hundred, are left out.
    package func requestTime(bytes: Double, serverTime: Double) -> Double { sendingTime(bytes: bytes) + roundTrip + serverTime }

    /// Joules of sending and of waiting for the answer, on a radio that is connected already.
    package func requestEnergy(bytes: Double, serverTime: Double) -> Double {
        sendingTime(bytes: bytes) * (sending * uplink + base) + (roundTrip + serverTime) * tail.power
    }

    /// Joules a frame that the radio takes on average, promotions and tails included, where a frame comes every `period` seconds and each is sent with probability `share`,
    /// independently of the others.
    ///
    /// After a request the radio is in its tail until the next one, or until the tail ends; then the next one pays a promotion.
    ///
    /// - Parameters:
    ///   - share: 0 … 1.
    ///   - period: seconds, above 0; where a request takes longer than the time to the next one, that is sent right after it.
    package func energyPerFrame(share: Double, bytes: Double, serverTime: Double, period: Double) -> Double {
        guard share > 0 else { return 0 }
        let busy = requestTime(bytes: bytes, serverTime: serverTime)
        // The next request comes after k periods with probability share · (1 − share)^(k − 1). The radio waits min(max(k · period − busy, 0), tail).
        let first = Int(min(max(busy / period, 0), 1e15).rounded(.down))
        let last = Int(min((busy + tail.time) / period, 1e15).rounded(.down))
        // With r = 1 − share, Σ k · share · r^(k − 1) over k > n is r^n · (n + 1 / share).
        let (before, beyond) = (power(1 - share, first), power(1 - share, max(last, first)))
        var waiting = beyond * tail.time
        if last > first {
            waiting += period * (before * (Double(first) + 1 / share) - beyond * (Double(last) + 1 / share)) - busy * (before - beyond)
        }
        return share * (requestEnergy(bytes: bytes, serverTime: serverTime) + waiting * tail.power + beyond * promotion.energy)
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, factor, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= factor }
            factor *= factor
            rest >>= 1
        }
        return result
    }
}
