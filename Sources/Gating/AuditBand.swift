// SPDX-License-Identifier: Apache-2.0

/// The evidence on what one looser rung would accept: audits of the frames that the present rung accepts, and the cloud's answers about those between the two.
///
/// The two kinds are observed at different rates, so each is averaged by itself and weighted by its share of all frames that were read lately:
///
///     loss = inside · (differing among the accepted) + between · (differing between the rungs)
///
/// Its expectation is the share of frames that the looser rung would accept with another answer than the full model's.
struct AuditBand: Hashable, Sendable {
    private struct Mean: Hashable, Sendable {
        var count = 0.0
        var sum = 0.0

        var value: Double? { count > 0 ? sum / count : nil }

        mutating func add(_ loss: Double) {
            count += 1
            sum += loss
        }
    }

    private var accepted = Mean()
    private var between = Mean()

    init() {}

    /// - Returns: `nil` where this isn't another one's ``memory``.
    init?(_ memory: [Double]) {
        guard memory.count == 4, memory.allSatisfy({ $0 >= 0 && $0.isFinite }), memory[1] <= memory[0], memory[3] <= memory[2] else { return nil }
        accepted = Mean(count: memory[0], sum: memory[1])
        between = Mean(count: memory[2], sum: memory[3])
    }

    /// What it has seen, for a restart of the program.
    var memory: [Double] { [accepted.count, accepted.sum, between.count, between.sum] }

    mutating func addAccepted(differs: Bool) { accepted.add(differs ? 1 : 0) }
    mutating func addBetween(differs: Bool) { between.add(differs ? 1 : 0) }

    /// The loss of what was observed since the last one; `nil` until both kinds were observed.
    ///
    /// - Parameters:
    ///   - inside: the share of frames that the present rung accepts.
    ///   - between: the share that only the looser one accepts.
    ///   - rare: a kind whose share is at most this isn't waited for: all of it counts as differing.
    mutating func loss(inside: Double, between share: Double, rare: Double) -> Double? {
        guard let differing = accepted.value ?? (inside <= rare ? 1 : nil), let outside = between.value ?? (share <= rare ? 1 : nil),
            accepted.count + between.count > 0
        else { return nil }
        accepted = Mean()
        between = Mean()
        return inside * differing + share * outside
    }
}
