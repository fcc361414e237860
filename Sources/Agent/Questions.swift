// SPDX-License-Identifier: Apache-2.0
internal import Answers
internal import Gating
internal import Planning

/// What the request thread does with a question: looks at the time and the budget, packs, has the link ask, counts what is refused.
struct Questions: Sendable {
    let link: (any CloudLink)?
    let desk: DecisionDesk
    /// `nil`: nothing is audited.
    let audits: AuditDesk?
    /// `nil`: nothing is limited.
    let budget: BudgetKeeper?
    /// `nil`: there are no plans.
    let plans: PlanDesk?
    /// `nil`: nothing crosses a cut.
    let buffers: CrossingBuffers?
    /// `nil`: nobody waits for what is packed.
    let packingTurn: PackingTurn?
    /// From taking up a frame to its decision, and to where an answer is of no use.
    let decision: Duration
    let expiry: Duration
    let clock: AgentClock

    func ask(_ question: FrameQuestion) {
        defer { if question.upload != nil { packingTurn?.end() } }
        // The board may have been first.
        guard isWanted(question) else {
            giveBack(question)
            plans?.countWithdrawn()
            return
        }
        let begun = clock.now()
        guard let link, question.taken + expiry > begun else { return decline(question) }
        if let refusal = refusal(question, link, begun) {
            // What came too late to be sent is no refusal.
            if refusal == Self.withdrawal { plans?.countWithdrawn() } else { desk.count(refusal: refusal) }
            decline(question)
        } else {
            giveBack(question)
            if !isWanted(question) { link.cancel(frame: question.frame) }
        }
    }

    private static let withdrawal = "withdrawn"

    /// Whether an answer would still be of use.
    private func isWanted(_ question: FrameQuestion) -> Bool { question.upload == nil || desk.isAsked(question.frame) }

    private func decline(_ question: FrameQuestion) {
        giveBack(question)
        if question.isProbe { return }
        if question.auditedScore == nil { desk.handle(.unanswered(question.frame)) } else { audits?.unanswered(question.frame) }
    }

    private func giveBack(_ question: FrameQuestion) {
        if let buffer = question.upload?.crossing { buffers?.giveBack(buffer) }
    }

    private func refusal(_ question: FrameQuestion, _ link: any CloudLink, _ begun: Duration) -> String? {
        // Without a message left the image needn't be compressed.
        let purpose: Budget.Purpose = question.auditedScore == nil ? .recovery : .audit
        if let refusal = budget?.refusal(for: purpose) { return refusal }
        guard let content = content(question) else {
            plans?.countUnpacked()
            return "what crosses the cut can't be packed"
        }
        var receipt: BudgetKeeper.Receipt?
        var sent: Int?
        let reading = question.reading
        let packed = clock.now()
        // A probe is to meet what a frame would that is sent now; of an audit nothing waits for the answer.
        let due = question.isProbe ? decision : question.auditedScore != nil ? nil : max(question.taken + decision - packed, .zero)
        let refusal = link.ask(
            CloudQuestion(
                frame: question.frame, content: content, purpose: question.isProbe ? .probe : question.upload == nil ? .answer : .plan,
                timeout: max(question.taken + expiry - packed, .milliseconds(1)), due: due,
                verdict: reading?.verdict, localAnswer: reading?.confidence.map { .classification($0.classification) }, auditedScore: question.auditedScore,
                isEarly: question.isEarly)
        ) { bytes in
            guard isWanted(question) else { return Self.withdrawal }
            let spent = budget?.spend(bytes: bytes, for: purpose)
            receipt = spent?.receipt
            desk.compressed(bytes: bytes, budgetLeft: budget?.leftShare ?? 1)
            if spent?.refusal == nil, question.upload != nil || question.isProbe {
                sent = bytes
                desk.handle(.sent(question.frame, bytes: bytes))
                plans?.sent(question, bytes: bytes, packing: clock.now() - begun)
            }
            return spent?.refusal
        }
        if refusal != nil, let receipt { budget?.giveBack(receipt) }
        if let refusal, let sent {
            desk.handle(.sent(question.frame, bytes: nil))
            plans?.refused(question.frame, bytes: sent, isProbe: question.isProbe, reason: refusal)
        }
        return refusal
    }

    /// What is sent; `nil` where it can't be packed.
    private func content(_ question: FrameQuestion) -> CloudQuestion.Content? {
        guard let plans else { return .image(question.image) }
        let material = plans.material
        if let size = question.probe { return .image(question.image, material.probeForm(size)) }
        guard let upload = question.upload else { return .image(question.image) }
        guard let packing = upload.what.payload.packing else { return .image(question.image, material.imageForm(upload.what.payload)) }
        guard let buffer = upload.crossing, let crossing = material.crossings[upload.what.cut] else { return nil }
        let packed = try? crossing.packed(buffer.bytes, bits: packing.bits, form: packing.form)
        return packed.map {
            .activations(PackedActivations(cut: crossing.fullPosition, model: material.fullModel, exit: upload.what.exit, tensors: $0))
        }
    }
}
