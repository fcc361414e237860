// SPDX-License-Identifier: Apache-2.0

/// What the plans of a space cost in given conditions.
///
/// Means take each part by its mean. High latency and misses take the board at its own 95th percentile, and the link by its classes: bad times of link and server
/// come together. What is sent waits for what was sent before, as in a queue of general arrivals and one server (J. Kingman, "The single server queue in heavy
/// traffic", 1961), and never for more than the frames that may be open: the less of the two, or near both half of it.
package struct Forecast: Sendable {
    private let space: PlanSpace
    private let conditions: Conditions
    private let deadline: Double
    private let transfers: TransferTimes
    private let inFlight: Int

    /// - Parameters:
    ///   - deadline: seconds from the frame on; `nil`: one waits for the cloud as long as there is a link.
    ///   - inFlight: frames that may be on their way at once; of more nothing is sent.
    package init(_ space: PlanSpace, in conditions: Conditions, deadline: Double?, inFlight: Int = 1) {
        self.inFlight = inFlight
        (self.space, self.conditions) = (space, conditions)
        self.deadline = deadline ?? .greatestFiniteMagnitude
        transfers = TransferTimes(space.sent, in: conditions)
    }

    /// - Parameter plan: index into ``PlanSpace/plans``.
    package func figures(_ plan: Int) -> Figures { Figures(costs: Figure.allCases.map { cost($0, space.rows[plan]) }) }

    /// What ``Figure/cost(of:)`` compares, for those of these plans of which it isn't known yet, which is NaN.
    func fill(_ costs: inout [Double], of figure: Figure, for plans: [Int]) {
        for plan in plans where costs[plan].isNaN { costs[plan] = cost(figure, space.rows[plan]) }
    }

    @inline(__always)
    private func cost(_ figure: Figure, _ row: PlanRow) -> Double {
        switch figure {
        case .latency: latency(row)
        case .highLatency: highLatency(row)
        case .misses: misses(row)
        case .throughput: slowestStage(row)
        case .accuracy: errors(row)
        case .harm: share(row, row.harm)
        case .energy: energy(row)
        case .serverTime: row.sent * server(row)
        case .bytes: row.sent * row.bytes
        }
    }

    /// By how much the frames that this plan sends take longer to transfer than all frames do, each by itself.
    private func extra(_ row: PlanRow) -> Double { extra(row, row.bytes) }

    private func extra(_ row: PlanRow, _ bytes: Double) -> Double { (bytes - space.sent[row.upload].sizes.mean) * transfers.perByte + waiting(row) }

    /// Until the transfers before it are over.
    private func waiting(_ row: PlanRow) -> Double {
        let transfer = row.bytes * transfers.perByte
        let use = row.sent * transfer / conditions.framePeriod
        guard use > 0, inFlight > 1 else { return 0 }
        let most = Double(inFlight - 1) * transfer
        guard use < 1 else { return most }
        // Frames come evenly; of those that are sent, that's true where all are.
        let variation = 1 - min(row.sent, 1) + transfers.variation[row.upload]
        let unbounded = use / (1 - use) * variation / 2 * transfer
        return unbounded > 0 ? unbounded * most / (unbounded + most) : 0
    }

    private func latency(_ row: PlanRow) -> Double {
        let board = conditions.board.slowdown
        guard row.sent > 0 else { return board * row.own }
        let (packed, alone) = (board * row.packed, row.sent - row.insured)
        var latency = board * row.own
        if alone > 0 { latency += alone * (packed + transfers.mean[row.upload] + extra(row, row.aloneBytes)) }
        if row.insured > 0 { latency += row.insured * firstAnswer(row, packed: packed, extra: extra(row, row.insuredBytes)) }
        return latency
    }

    /// Mean time until either the insurance or the cloud has an answer.
    private func firstAnswer(_ row: PlanRow, packed: Double, extra: Double) -> Double {
        packed + extra + transfers.mean(row.upload, atMost: conditions.board.slowdown * row.insurance - packed - extra)
    }

    private func highLatency(_ row: PlanRow) -> Double {
        let board = conditions.board.highSlowdown
        guard row.sent > PlanSpace.tail else { return board * row.ownTail }
        let start = board * row.packed + extra(row)
        // As long as the insurance has no answer the cloud is awaited by all that are sent, then by the rest of them.
        let early = start + transfers.time(row.upload, exceededBy: PlanSpace.tail / row.sent)
        let insurance = board * row.insurance
        guard early > insurance else { return early }
        let rest = row.sent - row.insured
        return rest > PlanSpace.tail ? max(start + transfers.time(row.upload, exceededBy: PlanSpace.tail / rest), insurance) : insurance
    }

    private func misses(_ row: PlanRow) -> Double {
        let board = conditions.board.highSlowdown
        var misses = 0.0
        for answer in space.answers[row.answers] where board * answer.time > deadline { misses += answer.share }
        guard row.sent > 0 else { return misses }
        let waiting = board * row.insurance <= deadline ? row.sent - row.insured : row.sent
        return misses + waiting * transfers.probability(row.upload, after: deadline - board * row.packed - extra(row))
    }

    /// Sums of shares may round to a little more than 1.
    private func errors(_ row: PlanRow) -> Double { max(1 - share(row, row.right), 0) }

    private func share(_ row: PlanRow, _ outcome: PlanRow.Outcome) -> Double {
        guard row.sent > 0 else { return outcome.own }
        let board = conditions.board.slowdown
        let start = board * row.packed + extra(row)
        let late = transfers.probability(row.upload, after: deadline - start)
        var share = outcome.own + (1 - late) * outcome.cloud + late * outcome.want
        if row.insured > 0 {
            // The cloud's answers count where they come before the insurance's, and in time.
            let insured = transfers.probability(row.upload, after: min(board * row.insurance, deadline) - start)
            share += insured * outcome.insured + (1 - insured) * outcome.instead
        }
        return share
    }

    /// Seconds of a server for a frame that is sent.
    private func server(_ row: PlanRow) -> Double { row.sent > 0 ? space.sent[row.upload].server * conditions.server.slowdown : 0 }

    /// Seconds that the board computes for a frame, packing aside.
    private func computing(_ row: PlanRow) -> Double {
        let board = conditions.board.slowdown
        guard row.sent > 0 else { return board * row.own }
        let reached = board * row.reached
        guard row.insurance < .infinity else { return board * row.own + row.sent * reached }
        return board * row.own + row.sent * max(firstAnswer(row, packed: board * row.packed, extra: extra(row)) - board * row.held, reached)
    }

    private func slowestStage(_ row: PlanRow) -> Double {
        let computing = computing(row)
        guard row.sent > 0 else { return computing }
        let packing = conditions.board.slowdown * (row.packed - row.reached)
        let sending = conditions.link == nil ? .infinity : row.bytes * transfers.perByte
        return max(computing + row.sent * conditions.board.slowdown * row.held, row.sent * max(packing, sending, server(row)))
    }

    private func energy(_ row: PlanRow) -> Double {
        var energy = computing(row) * conditions.board.power
        guard row.sent > 0 else { return energy }
        energy += row.sent * conditions.board.slowdown * (row.packed - row.reached) * conditions.board.power
        guard let link = conditions.link else { return energy }
        let serverTime = server(row) + conditions.server.queue.mean
        return energy + link.radio.energyPerFrame(share: min(row.sent, 1), bytes: row.bytes, serverTime: serverTime, period: conditions.framePeriod)
    }
}
