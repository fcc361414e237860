// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What the plans of a space cost in given conditions.
///
/// Means take each part by its mean. High latency and misses take the board at its own 95th percentile, and the link by its classes: bad times of link and server
/// come together. What is sent waits for what was sent before, as in a queue of general arrivals and one server (J. Kingman, "The single server queue in heavy
/// traffic", 1961), and never for more than the frames that may be open: the less of the two, or near both half of it. A frame is open until it is answered; one that
/// comes when as many are open as may be isn't sent, and the board goes on with it.
package struct Forecast: Sendable {
    private let space: PlanSpace
    private let conditions: Conditions
    private let deadline: Double
    private let inFlight: Double
    private let transfers: TransferTimes
    /// For each plan.
    private let sendings: [Sending]

    /// What becomes of the frames that a plan wants to send.
    private struct Sending {
        /// By how much the answers come later than ``transfers`` says: what is sent is of another size, and waits for what was sent before.
        var delay = 0.0
        /// The share of them that finds a place among those that may be open.
        var admitted = 1.0
    }

    /// - Parameters:
    ///   - deadline: seconds from the frame on; `nil`: one waits for the cloud as long as there is a link.
    ///   - inFlight: frames that may be on their way at once; of more nothing is sent.
    package init(_ space: PlanSpace, in conditions: Conditions, deadline: Double?, inFlight: Int = 1) {
        (self.space, self.conditions, self.inFlight) = (space, conditions, Double(inFlight))
        self.deadline = deadline ?? .greatestFiniteMagnitude
        let transfers = TransferTimes(space.sent, in: conditions)
        self.transfers = transfers
        let (period, board) = (conditions.framePeriod, conditions.board.slowdown)
        sendings = space.rows.map { row in
            guard row.sent > 0 else { return Sending() }
            let transfer = row.bytes * transfers.perByte
            let extra = transfer - space.sent[row.upload].sizes.mean * transfers.perByte
            let share = min(row.sent, 1)
            let waiting = Self.waiting(transfer, share: share, period: period, variation: transfers.variation[row.upload], inFlight: inFlight)
            let packing = board * (row.packed - row.reached)
            let isCrowded = transfers.long(row.upload) + packing + extra > Double(inFlight) * period || share * transfer > period
            guard isCrowded, !conditions.framesWait, conditions.link != nil else { return Sending(delay: extra + waiting) }
            var slots = transfers.slots(row.upload, and: packing + extra, period: period)
            if row.insured > 0 {
                // An insurance that is sure first gives the place back.
                let insured = transfers.slots(row.upload, and: packing + extra, atMost: board * (row.insurance - row.reached), period: period)
                slots += (insured - slots) * row.insured / row.sent
            }
            // Places that are held until answers come are too few, or the link is, however many wait for it.
            let admitted = min(Self.admitted(share: share, slots: slots, places: inFlight), share * transfer > period ? period / (share * transfer) : 1)
            return Sending(delay: extra + waiting, admitted: admitted)
        }
    }

    /// Of frames that come evenly, of which a share wants one of several places each, the part that finds one free.
    ///
    /// Exact where all want one, where there is one place, and where there are always enough; elsewhere within a tenth of what simulation gives.
    ///
    /// - Parameter slots: for how many frames, itself included, one holds its place.
    package static func admitted(share: Double, slots: Double, places: Int) -> Double {
        let places = Double(places)
        guard slots > places, share > 0 else { return 1 }
        return pow(1 + pow(share * slots / places, places) - pow(share, places), -1 / places)
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

    /// The misses of a plan by a deadline that is later by `share`.
    func misses(_ plan: Int, later share: Double) -> Double { misses(space.rows[plan], sendings[plan], deadline * (1 + share)) }

    /// What ``Figure/cost(of:)`` compares, for those of these plans of which it isn't known yet, which is NaN.
    func fill(_ costs: inout [Double], of figure: Figure, for plans: [Int]) {
        for plan in plans where costs[plan].isNaN { costs[plan] = cost(figure, plan) }
    }

    @inline(__always)
    private func cost(_ figure: Figure, _ plan: Int) -> Double {
        let (row, sending) = (space.rows[plan], sendings[plan])
        return switch figure {
        case .latency: latency(row, sending)
        case .highLatency: highLatency(row, sending)
        case .misses: misses(row, sending, deadline)
        case .throughput: slowestStage(row, sending)
        case .accuracy: max(1 - share(row, row.right, sending), 0) // sums of shares may round to a little more than 1
        case .harm: share(row, row.harm, sending)
        case .energy: energy(row, sending)
        case .serverTime: row.sent * sending.admitted * server(row)
        case .bytes: row.sent * sending.admitted * row.bytes
        }
    }

    private func latency(_ row: PlanRow, _ sending: Sending) -> Double {
        let board = conditions.board.slowdown
        guard row.sent > 0 else { return board * row.own }
        let (packed, alone, delay) = (board * row.packed, row.sent - row.insured, sending.delay)
        var latency = 0.0
        if alone > 0 { latency += alone * (packed + transfers.mean[row.upload] + delay + (row.aloneBytes - row.bytes) * transfers.perByte) }
        if row.insured > 0 { latency += row.insured * firstAnswer(row, packed: packed, delay: delay + (row.insuredBytes - row.bytes) * transfers.perByte) }
        return board * row.own + mixed(latency, board * unsent(row), sending)
    }

    /// Of what the frames that a plan wants to send cost where they are sent, and where they aren't.
    @inline(__always)
    private func mixed(_ sent: Double, _ unsent: Double, _ sending: Sending) -> Double {
        sending.admitted < 1 ? sending.admitted * sent + (1 - sending.admitted) * unsent : sent
    }

    /// The sum of share · time where none of them is sent, on a board that nothing slows down.
    private func unsent(_ row: PlanRow) -> Double {
        (row.sent - row.insured) * row.endUnsent + (row.insured > 0 ? row.insured * row.insuranceUnsent : 0)
    }

    /// Mean time until either the insurance or the cloud has an answer.
    private func firstAnswer(_ row: PlanRow, packed: Double, delay: Double) -> Double {
        packed + delay + transfers.mean(row.upload, atMost: conditions.board.slowdown * row.insurance - packed - delay)
    }

    private func highLatency(_ row: PlanRow, _ sending: Sending) -> Double {
        let board = conditions.board.highSlowdown
        // Frames that are no more than the tail may take as long as they like.
        func matter(_ share: Double) -> Bool { share > PlanSpace.tail }
        guard matter(row.sent) else { return board * row.ownTail }
        let alone = row.sent - row.insured
        let refused = 1 - sending.admitted
        // Of those that find no place, the ones whose insurance wouldn't be sure go on to the end.
        var unsent = 0.0
        if matter(refused * alone) {
            unsent = board * row.endUnsent
        } else if matter(refused * row.sent) {
            unsent = board * min(row.insuranceUnsent, row.endUnsent)
        }
        let sent = sending.admitted * row.sent
        guard matter(sent) else { return max(unsent, board * row.ownTail) }
        // As long as the insurance has no answer the cloud is awaited by all that are sent, then by the rest of them.
        let start = board * row.packed + sending.delay
        let insurance = board * row.insurance
        let early = start + transfers.time(row.upload, exceededBy: PlanSpace.tail / sent)
        guard early > insurance else { return max(early, unsent) }
        let rest = sending.admitted * alone
        guard matter(rest) else { return max(insurance, unsent) }
        return max(start + transfers.time(row.upload, exceededBy: PlanSpace.tail / rest), insurance, unsent)
    }

    private func misses(_ row: PlanRow, _ sending: Sending, _ deadline: Double) -> Double {
        let board = conditions.board.highSlowdown
        var misses = 0.0
        for answer in space.answers[row.answers] where board * answer.time > deadline { misses += answer.share }
        guard row.sent > 0 else { return misses }
        let waiting = board * row.insurance <= deadline ? row.sent - row.insured : row.sent
        let sent = waiting * transfers.probability(row.upload, after: deadline - board * row.packed - sending.delay)
        guard sending.admitted < 1 else { return misses + sent }
        let alone = row.sent - row.insured
        let late = (board * row.endUnsent > deadline ? alone : alone - row.unsentSure) + (board * row.insuranceUnsent > deadline ? row.insured : 0)
        return misses + mixed(sent, late, sending)
    }

    private func share(_ row: PlanRow, _ outcome: PlanRow.Outcome, _ sending: Sending) -> Double {
        guard row.sent > 0 else { return outcome.own }
        let board = conditions.board.slowdown
        let start = board * row.packed + sending.delay
        let late = transfers.probability(row.upload, after: deadline - start)
        var sent = (1 - late) * outcome.cloud + late * outcome.want
        if row.insured > 0 {
            // The cloud's answers count where they come before the insurance's, and in time.
            let insured = transfers.probability(row.upload, after: min(board * row.insurance, deadline) - start)
            sent += insured * outcome.insured + (1 - insured) * outcome.instead
        }
        return outcome.own + mixed(sent, outcome.insured + outcome.unsent, sending)
    }

    /// Seconds of a server for a frame that is sent.
    private func server(_ row: PlanRow) -> Double { row.sent > 0 ? space.sent[row.upload].server * conditions.server.slowdown : 0 }

    /// Seconds that the board computes for a frame, packing aside.
    private func computing(_ row: PlanRow, _ sending: Sending) -> Double {
        let board = conditions.board.slowdown
        guard row.sent > 0 else { return board * row.own }
        var sent = board * row.reached
        if row.insurance < .infinity { sent = max(firstAnswer(row, packed: board * row.packed, delay: sending.delay) - board * row.held, sent) }
        return board * row.own + mixed(row.sent * sent, board * unsent(row), sending)
    }

    /// Where frames wait for a place: none is refused.
    private func slowestStage(_ row: PlanRow, _ sending: Sending) -> Double {
        let computing = computing(row, Sending(delay: sending.delay))
        guard row.sent > 0 else { return computing }
        let board = conditions.board.slowdown
        let packing = board * (row.packed - row.reached)
        let transfer = row.bytes * transfers.perByte
        let onTheLink = conditions.link == nil ? .infinity : transfer
        // Each place is held until an answer comes; what waits for the link is counted there.
        let answer = transfers.mean[row.upload] + transfer - space.sent[row.upload].sizes.mean * transfers.perByte
        var place = packing + answer
        if row.insured > 0 {
            let insured = min(place, max(board * (row.insurance - row.reached), 0))
            place += (insured - place) * row.insured / row.sent
        }
        return max(computing + row.sent * board * row.held, row.sent * max(packing, onTheLink, server(row), place / inFlight))
    }

    private func energy(_ row: PlanRow, _ sending: Sending) -> Double {
        var energy = computing(row, sending) * conditions.board.power
        guard row.sent > 0 else { return energy }
        let sent = row.sent * sending.admitted
        energy += sent * conditions.board.slowdown * (row.packed - row.reached) * conditions.board.power
        guard let link = conditions.link else { return energy }
        let serverTime = server(row) + conditions.server.queue.mean
        return energy + link.radio.energyPerFrame(share: min(sent, 1), bytes: row.bytes, serverTime: serverTime, period: conditions.framePeriod)
    }
}
