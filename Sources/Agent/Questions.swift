// SPDX-License-Identifier: Apache-2.0
internal import Answers
internal import Gating

/// What the request thread does with a question: looks at the time and the budget, has the link ask, counts what is refused.
struct Questions: Sendable {
    let link: (any CloudLink)?
    let desk: DecisionDesk
    /// `nil`: nothing is audited.
    let audits: AuditDesk?
    /// `nil`: nothing is limited.
    let budget: BudgetKeeper?
    /// From taking up a frame to where an answer is of no use.
    let expiry: Duration
    let clock: AgentClock

    func ask(_ question: FrameQuestion) {
        let rest = question.taken + expiry - clock.now()
        guard let link, rest > .zero else { return decline(question) }
        guard let refusal = refusal(question, rest, link) else { return }
        desk.count(refusal: refusal)
        decline(question)
    }

    private func decline(_ question: FrameQuestion) {
        if question.auditedScore == nil { desk.handle(.unanswered(question.frame)) } else { audits?.unanswered(question.frame) }
    }

    private func refusal(_ question: FrameQuestion, _ rest: Duration, _ link: any CloudLink) -> String? {
        // Without a message left the image needn't be compressed.
        let purpose: Budget.Purpose = question.auditedScore == nil ? .recovery : .audit
        if let refusal = budget?.refusal(for: purpose) { return refusal }
        var receipt: BudgetKeeper.Receipt?
        let reading = question.reading
        let refusal = link.ask(
            CloudQuestion(
                frame: question.frame, image: question.image, timeout: rest, verdict: reading?.verdict,
                localAnswer: reading?.confidence.map { .classification($0.classification) }, auditedScore: question.auditedScore, isEarly: question.isEarly)
        ) { bytes in
            let spent = budget?.spend(bytes: bytes, for: purpose)
            receipt = spent?.receipt
            desk.compressed(bytes: bytes, budgetLeft: budget?.leftShare ?? 1)
            return spent?.refusal
        }
        if refusal != nil, let receipt { budget?.giveBack(receipt) }
        return refusal
    }
}
