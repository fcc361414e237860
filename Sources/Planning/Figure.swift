// SPDX-License-Identifier: Apache-2.0

/// What plans are judged by, all of them per frame.
package enum Figure: Int, Hashable, Sendable, CaseIterable {
    /// Seconds until the answer, mean, and at most so long for all but 5 % of the frames.
    case latency, highLatency
    /// Share of the frames that have no answer at the deadline, or one that the gate at the end doesn't accept, so that they stay unconfirmed.
    case misses
    /// Frames a second that the slowest stage of board, packing, link and server takes.
    case throughput
    /// Share of right answers.
    case accuracy
    /// Share of wrong answers where the full model is right.
    case harm
    /// Joules that the board computes and sends with, mean.
    case energy
    /// Seconds of a server, mean.
    case serverTime
    /// Sent, mean.
    case bytes

    package var name: String {
        switch self {
        case .latency: "latency"
        case .highLatency: "p95 latency"
        case .misses: "deadline misses"
        case .throughput: "throughput"
        case .accuracy: "accuracy"
        case .harm: "harm"
        case .energy: "energy"
        case .serverTime: "server time"
        case .bytes: "bytes"
        }
    }

    /// What is compared: 0 or more, and less is better. Of an accuracy it's the errors, of a throughput the time for a frame, else the figure itself.
    package func cost(of value: Double) -> Double {
        switch self {
        case .throughput: 1 / value
        case .accuracy: 1 - value
        default: value
        }
    }

    /// The figure itself.
    package func value(ofCost cost: Double) -> Double {
        switch self {
        case .throughput: 1 / cost
        case .accuracy: 1 - cost
        default: cost
        }
    }

    /// Whether it comes and goes with the board, the link and the server. How right a plan is stands in the table; only what answers too late, or not at all, moves it a little.
    var isFleeting: Bool { self != .accuracy && self != .harm }

    /// Differences of costs for which nobody would change the plan, whatever their ratio.
    var negligible: Double {
        switch self {
        // As fine as ``TransferTimes`` are.
        case .misses: 1 / 64
        case .accuracy, .harm: 0.001
        default: 0
        }
    }
}

/// All figures of a plan.
package struct Figures: Hashable, Sendable {
    /// By ``Figure/rawValue``.
    var costs: [Double]

    package subscript(figure: Figure) -> Double { figure.value(ofCost: costs[figure.rawValue]) }
}
