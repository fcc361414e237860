// SPDX-License-Identifier: Apache-2.0

/// What the questions to the cloud may cost, in messages and bytes; `nil`: as much as they like.
package struct BudgetSettings: Hashable, Sendable {
    package var messagesPerMinute: Int?
    package var messagesPerHour: Int?
    package var messagesPerDay: Int?
    package var bytesPerMinute: Int?
    package var bytesPerHour: Int?
    package var bytesPerDay: Int?
    /// The share of each that only audits may use, where a certified gate is audited, 0 … 0.9. Without one, audits find the budget spent whenever much is recovered, as after a
    /// change of the scene: just when the certificate is in doubt. A tenth of 5,000 questions a day is 500 audits, which notice within about a day that three times as many answers
    /// differ as may.
    package var auditReserve = 0.1

    package init() {}

    init(_ section: inout Section) {
        messagesPerMinute = section.optional("messages-per-minute", .integer(1...1_000_000))
        messagesPerHour = section.optional("messages-per-hour", .integer(1...1_000_000))
        messagesPerDay = section.optional("messages-per-day", .integer(1...100_000_000))
        bytesPerMinute = section.optional("bytes-per-minute", .bytes(Self.bytes))
        bytesPerHour = section.optional("bytes-per-hour", .bytes(Self.bytes))
        bytesPerDay = section.optional("bytes-per-day", .bytes(Self.bytes))
        auditReserve = section.value("audit-reserve", .fraction(0...0.9), default: auditReserve)
        for (shorter, longer, keys) in [
            (messagesPerMinute, messagesPerHour, ("messages-per-minute", "messages-per-hour")), (messagesPerHour, messagesPerDay, ("messages-per-hour", "messages-per-day")),
            (messagesPerMinute, messagesPerDay, ("messages-per-minute", "messages-per-day")), (bytesPerMinute, bytesPerHour, ("bytes-per-minute", "bytes-per-hour")),
            (bytesPerHour, bytesPerDay, ("bytes-per-hour", "bytes-per-day")), (bytesPerMinute, bytesPerDay, ("bytes-per-minute", "bytes-per-day")),
        ] {
            if let shorter, let longer, shorter > longer { section.report(keys.0, "more than \(keys.1)") }
        }
    }

    private static let bytes = 1000...1_000_000_000_000
}
