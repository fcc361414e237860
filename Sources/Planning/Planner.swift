// SPDX-License-Identifier: Apache-2.0

/// Keeps the plan in use, and chooses anew where the conditions changed enough.
package struct Planner: Sendable {
    package let space: PlanSpace
    package let policy: Policy
    /// The last choice.
    package private(set) var choice: Choice
    /// The conditions at that time.
    package private(set) var conditions: Conditions

    /// - Parameter plan: the one in use so far, which stays unless another one is better by the policy's hysteresis.
    /// - Precondition: the space has a plan.
    package init(_ space: PlanSpace, policy: Policy, in conditions: Conditions, inUse plan: Int? = nil) {
        (self.space, self.policy, self.conditions) = (space, policy, conditions)
        choice = space.choose(by: policy, in: conditions, inUse: plan)
    }

    package var plan: Plan { space.plans[choice.plan] }

    /// - Returns: whether another plan is in use now.
    package mutating func update(_ conditions: Conditions) -> Bool {
        guard conditions.differs(from: self.conditions, by: policy.step) else { return false }
        let before = choice.plan
        choice = space.choose(by: policy, in: conditions, inUse: before)
        self.conditions = conditions
        return choice.plan != before
    }
}
