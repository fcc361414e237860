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
    /// For each plan by how much the answers to what it sends come later than ``transfers`` says: what it sends is of another size, and waits for what was sent before.
    private let delays: [Double]

    /// - Parameters:
    ///   - deadline: seconds from the frame on; `nil`: one waits for the cloud as long as there is a link.
    ///   - inFlight: frames that may be on their way at once; of more nothing is sent.
    package init(_ space: PlanSpace, in conditions: Conditions, deadline: Double?, inFlight: Int = 1) {
        (self.space, self.conditions) = (space, conditions)
        self.deadline = deadline ?? .greatestFiniteMagnitude
        let transfers = TransferTimes(space.sent, in: conditions)
        self.transfers = transfers
        let period = conditions.framePeriod
        delays = space.rows.map { row in
            guard row.sent > 0 else { return 0 }
            let transfer = row.bytes * transfers.perByte
            let extra = transfer - space.sent[row.upload].sizes.mean * transfers.perByte
            return extra + Self.waiting(transfer, share: min(row.sent, 1), period: period, variation: transfers.variation[row.upload], inFlight: inFlight)
        }
    }

    /// Until the transfers before it are over.
    ///
    /// - Parameters:
    ///   - transfer: seconds of one.
    ///   - share: of the frames that are sent, one a `period`.
    @inline(__always)
    private static func waiting(_ transfer: Double, share: Double, period: Double, variation: Double, inFlight: Int) -> Double {
        let most = Double(inFlight - 1) * transfer
        // Of a period how much is in use, and how much is free.
        let busy = share * transfer
        let free = period - busy
        guard free > 0 else { return most }
        // Frames come evenly; of those that are sent, that's true where all are.
        let unbounded = busy * (1 - share + variation) / 2 * transfer
        return unbounded > 0 ? unbounded * most / (unbounded + most * free) : 0
    }

    /// - Parameter plan: index into ``PlanSpace/plans``.
    package func figures(_ plan: Int) -> Figures { Figures(costs: Figure.allCases.map { cost($0, plan) }) }

    /// What ``Figure/cost(of:)`` compares, for those of these plans of which it isn't known yet, which is NaN.
    func fill(_ costs: inout [Double], of figure: Figure, for plans: [Int]) {
        for plan in plans where costs[plan].isNaN { costs[plan] = cost(figure, plan) }
    }

    @inline(__always)
    private func cost(_ figure: Figure, _ plan: Int) -> Double {
        let (row, delay) = (space.rows[plan], delays[plan])
        return switch figure {
        case .latency: latency(row, delay)
        case .highLatency: highLatency(row, delay)
        case .misses: misses(row, delay)
        case .throughput: slowestStage(row, delay)
        case .accuracy: max(1 - share(row, row.right, delay), 0) // sums of shares may round to a little more than 1
        case .harm: share(row, row.harm, delay)
        case .energy: energy(row, delay)
        case .serverTime: row.sent * server(row)
        case .bytes: row.sent * row.bytes
        }
    }

    private func latency(_ row: PlanRow, _ delay: Double) -> Double {
        let board = conditions.board.slowdown
        guard row.sent > 0 else { return board * row.own }
        let (packed, alone) = (board * row.packed, row.sent - row.insured)
        var latency = board * row.own
        if alone > 0 { latency += alone * (packed + transfers.mean[row.upload] + delay + (row.aloneBytes - row.bytes) * transfers.perByte) }
        if row.insured > 0 { latency += row.insured * firstAnswer(row, packed: packed, delay: delay + (row.insuredBytes - row.bytes) * transfers.perByte) }
        return latency
    }

    /// Mean time until either the insurance or the cloud has an answer.
    private func firstAnswer(_ row: PlanRow, packed: Double, delay: Double) -> Double {
        packed + delay + transfers.mean(row.upload, atMost: conditions.board.slowdown * row.insurance - packed - delay)
    }

    private func highLatency(_ row: PlanRow, _ delay: Double) -> Double {
        let board = conditions.board.highSlowdown
        guard row.sent > PlanSpace.tail else { return board * row.ownTail }
        let start = board * row.packed + delay
        // As long as the insurance has no answer the cloud is awaited by all that are sent, then by the rest of them.
        let early = start + transfers.time(row.upload, exceededBy: PlanSpace.tail / row.sent)
        let insurance = board * row.insurance
        guard early > insurance else { return early }
        let rest = row.sent - row.insured
        return rest > PlanSpace.tail ? max(start + transfers.time(row.upload, exceededBy: PlanSpace.tail / rest), insurance) : insurance
    }

    private func misses(_ row: PlanRow, _ delay: Double) -> Double {
        let board = conditions.board.highSlowdown
        var misses = 0.0
        for answer in space.answers[row.answers] where board * answer.time > deadline { misses += answer.share }
        guard row.sent > 0 else { return misses }
        let waiting = board * row.insurance <= deadline ? row.sent - row.insured : row.sent
        return misses + waiting * transfers.probability(row.upload, after: deadline - board * row.packed - delay)
    }

    private func share(_ row: PlanRow, _ outcome: PlanRow.Outcome, _ delay: Double) -> Double {
        guard row.sent > 0 else { return outcome.own }
        let board = conditions.board.slowdown
        let start = board * row.packed + delay
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
    private func computing(_ row: PlanRow, _ delay: Double) -> Double {
        let board = conditions.board.slowdown
        guard row.sent > 0 else { return board * row.own }
        let reached = board * row.reached
        guard row.insurance < .infinity else { return board * row.own + row.sent * reached }
        return board * row.own + row.sent * max(firstAnswer(row, packed: board * row.packed, delay: delay) - board * row.held, reached)
    }

    private func slowestStage(_ row: PlanRow, _ delay: Double) -> Double {
        let computing = computing(row, delay)
        guard row.sent > 0 else { return computing }
        let packing = conditions.board.slowdown * (row.packed - row.reached)
        let sending = conditions.link == nil ? .infinity : row.bytes * transfers.perByte
        return max(computing + row.sent * conditions.board.slowdown * row.held, row.sent * max(packing, sending, server(row)))
    }

    private func energy(_ row: PlanRow, _ delay: Double) -> Double {
        var energy = computing(row, delay) * conditions.board.power
        guard row.sent > 0 else { return energy }
        energy += row.sent * conditions.board.slowdown * (row.packed - row.reached) * conditions.board.power
        guard let link = conditions.link else { return energy }
        let serverTime = server(row) + conditions.server.queue.mean
        return energy + link.radio.energyPerFrame(share: min(row.sent, 1), bytes: row.bytes, serverTime: serverTime, period: conditions.framePeriod)
    }
}
