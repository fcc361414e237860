// SPDX-License-Identifier: Apache-2.0
internal import Demonstration
internal import Glibc
internal import Planning
internal import Settings

/// How long choosing takes in processor time, among all plans of a network at as many levels of its gates as make a large space.
struct ChoiceTiming: Encodable {
    /// Choices that are timed, each at another bandwidth, with the plan before in use.
    static let choices = 1000
    private static let leastPlans = 5000

    var plans: Int
    var choices: Int
    var median_us: Double
    var p99_us: Double
    var worst_us: Double
    /// Replaying all plans, once when a network is loaded.
    var preparation_ms: Double

    /// - Parameters:
    ///   - settings: whose family and levels are taken, and more levels until there are ``leastPlans``, up to a risk of a half.
    init(_ settings: PolicySettings, table: CalibrationTable, costs: CostTable, endFloor: Double, policy: Policy, in conditions: Conditions) {
        var settings = settings
        var plans = settings.plans(of: table, costs: costs, endFloor: endFloor)
        var risk = 0.0005
        while plans.count < Self.leastPlans, settings.only == nil, risk < 0.5 {
            // Twice as many each time, since equal thresholds make no new plans.
            for _ in 0..<max(settings.levels.count, 1) {
                risk += 0.0005
                settings.levels.append(.risk(risk))
            }
            plans = settings.plans(of: table, costs: costs, endFloor: endFloor)
        }
        let clock = ContinuousClock()
        let start = clock.now
        let space = PlanSpace(plans, table: table, costs: costs, endFloor: endFloor)
        preparation_ms = (clock.now - start).milliseconds.rounded(to: 2)
        var (inUse, times) = (space.choose(by: policy, in: conditions).plan, [Double]())
        for index in 0..<Self.choices {
            var moved = conditions
            moved.link?.radio.uplink = PlanSweep.range.lowerBound * pow(200, Double(index % 100) / 99)
            let before = Self.processorTime
            inUse = space.choose(by: policy, in: moved, inUse: inUse).plan
            times.append((Self.processorTime - before) * 1e6)
        }
        times.sort()
        self.plans = plans.count
        choices = Self.choices
        median_us = times[times.count / 2].rounded(to: 1)
        p99_us = times[times.count * 99 / 100].rounded(to: 1)
        worst_us = (times.last ?? 0).rounded(to: 1)
    }

    /// Seconds that this thread has computed: what else runs on the machine doesn't count.
    private static var processorTime: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    var text: String {
        let times = "\(fixed(median_us, 0)) µs in the median, \(fixed(p99_us, 0)) µs in 99 of 100, \(fixed(worst_us, 0)) µs at worst"
        return "\(counted(plans, "plan")): a choice takes \(times) of one core (\(choices) choices); replaying them, once, \(fixed(preparation_ms, 0)) ms"
    }
}
