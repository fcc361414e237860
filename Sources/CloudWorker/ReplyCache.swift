// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The last replies by request, so that a request that arrives twice is computed once and answered alike.
struct ReplyCache {
    struct Key: Hashable {
        var device: ClientID
        var id: RequestID
    }

    enum Entry {
        case underWay
        /// Its device needs no reply.
        case cancelled
        case answered(Reply)
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var order: [Key] = []

    init(capacity: Int) { self.capacity = capacity }

    subscript(key: Key) -> Entry? { entries[key] }

    /// Enters a request, or its reply; the oldest entries make room.
    mutating func enter(_ entry: Entry, for key: Key) {
        if entries.updateValue(entry, forKey: key) == nil { order.append(key) }
        while order.count > capacity { entries[order.removeFirst()] = nil }
    }

    /// Forgets a request that was not answered for good.
    mutating func forget(_ key: Key) {
        guard entries.removeValue(forKey: key) != nil else { return }
        order.removeAll { $0 == key }
    }
}
