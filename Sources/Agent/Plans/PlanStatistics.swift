// SPDX-License-Identifier: Apache-2.0
package import Planning

/// What became of frames under plans: a snapshot.
package struct PlanStatistics: Hashable, Sendable {
    package struct Flown: Hashable, Sendable {
        package var plan: Plan
        package var frames: UInt64 = 0
    }

    /// The plan in use.
    package var plan: Plan
    /// How many the agent chooses among.
    package var plans = 0
    /// The plans that were ever in use, up to ``mostPlans``; what comes after those counts with the last.
    package var flown: [Flown]
    /// Frames that each exit answered; of the last, those that its gate trusts.
    package var exits: [UInt64]
    /// Frames that were sent while the board went on to an exit.
    package var insured: UInt64 = 0
    /// Frames and bytes that were sent, probes aside.
    package var sent: UInt64 = 0
    package var bytes: UInt64 = 0
    /// The same of questions that were asked for the link's sake.
    package var probes: UInt64 = 0
    package var probeBytes: UInt64 = 0
    package var changes: UInt64 = 0
    /// Frames that weren't sent because no buffer was free, or the thread that packs had no room.
    package var unbuffered: UInt64 = 0
    /// Questions that were given up before they were sent.
    package var withdrawn: UInt64 = 0
    /// What couldn't be packed.
    package var unpacked: UInt64 = 0
    /// Answers by another model than the one that the cut is of: they count as none.
    package var foreign: UInt64 = 0
    /// That servers took for answers, by their word.
    package var serverTime = Duration.zero
    /// From handing a question to the thread that packs until it is packed.
    package var packing = TimeHistogram()
    package var conditions: Conditions?
    package var ages = Ages()

    /// Seconds since each was last observed; `nil` before.
    package struct Ages: Hashable, Sendable {
        package var board: Double?
        package var link: Double?
        package var server: Double?
    }

    package static let mostPlans = 32

    package init(plan: Plan, exits: Int) {
        self.plan = plan
        flown = [Flown(plan: plan)]
        flown.reserveCapacity(Self.mostPlans)
        self.exits = [UInt64](repeating: 0, count: exits)
    }

    /// A question is handed to the link.
    mutating func add(_ bytes: Int, isProbe: Bool) {
        if isProbe {
            probes += 1
            probeBytes += UInt64(bytes)
        } else {
            sent += 1
            self.bytes += UInt64(bytes)
        }
    }

    /// The link wouldn't take it.
    mutating func takeBack(_ bytes: Int, isProbe: Bool) {
        if isProbe {
            probes -= 1
            probeBytes -= UInt64(bytes)
        } else {
            sent -= 1
            self.bytes -= UInt64(bytes)
        }
    }

    /// Where frames of a plan are counted.
    mutating func slot(of plan: Plan) -> Int {
        if let known = flown.firstIndex(where: { $0.plan == plan }) { return known }
        if flown.count < Self.mostPlans { flown.append(Flown(plan: plan)) }
        return flown.count - 1
    }

    /// A JSON object.
    package var json: String {
        var object = JSONObject()
        object.add("plan", text: "\(plan)")
        object.add("plans", number: "\(plans)")
        var byPlan = JSONObject()
        for flown in flown { byPlan.add(quoting: "\(flown.plan)", number: "\(flown.frames)") }
        object.add("frames_by_plan", number: byPlan.closed)
        object.add("local_by_exit", array: exits.map { "\($0)" })
        for (key, value) in [
            ("insured", insured), ("sent", sent), ("bytes", bytes), ("probes", probes), ("probe_bytes", probeBytes), ("changes", changes), ("unbuffered", unbuffered),
            ("withdrawn", withdrawn), ("unpacked", unpacked), ("foreign_answers", foreign),
        ] {
            object.add(key, number: "\(value)")
        }
        object.add("server_ms", milliseconds: serverTime)
        for (name, fraction) in [("p50", 0.5), ("p99", 0.99)] {
            if let time = packing.quantile(fraction) { object.add("packing_\(name)_ms", milliseconds: time) }
        }
        if let conditions { object.add("conditions", number: conditions.json) }
        for (name, age) in [("board", ages.board), ("link", ages.link), ("server", ages.server)] {
            if let age { object.add("\(name)_age_s", number: JSONObject.number(age)) }
        }
        return object.closed
    }
}
