// SPDX-License-Identifier: Apache-2.0

/// A topic of the protocol (`Config/protocol.md`). Direction is a level of its own, so that two access-control patterns cover a device.
package enum Topic: Hashable, Sendable, CustomStringConvertible {
    /// `d/<device>/up/status`: availability, retained, also the will.
    case deviceStatus(ClientID)
    /// `d/<device>/up/reported`: the reported state, retained.
    case reported(ClientID)
    /// `d/<device>/up/evt/<kind>`: something happened.
    case event(ClientID, EventKind)
    /// `d/<device>/up/tele`: a snapshot of counters, not kept.
    case telemetry(ClientID)
    /// `d/<device>/up/infer/<model>`: a request to the full model.
    case request(ClientID, ModelName)
    /// `d/<device>/up/cancel/<model>`: a request needs no more answer.
    case cancel(ClientID, ModelName)
    /// `d/<device>/dn/infer`: the device's one inbox for replies.
    case replies(ClientID)
    /// `c/pool/<model>/state`: whether anybody can answer, retained with an expiry.
    case poolState(ModelName)
    /// `c/worker/<worker>/status`: a worker's birth and will, retained.
    case workerStatus(ClientID)

    /// What every topic starts with; the number is the protocol's major version.
    package static let prefix = "swiftlet/v1"

    package var description: String {
        switch self {
        case .deviceStatus(let device): "\(Self.prefix)/d/\(device)/up/status"
        case .reported(let device): "\(Self.prefix)/d/\(device)/up/reported"
        case .event(let device, let kind): "\(Self.prefix)/d/\(device)/up/evt/\(kind)"
        case .telemetry(let device): "\(Self.prefix)/d/\(device)/up/tele"
        case .request(let device, let model): "\(Self.prefix)/d/\(device)/up/infer/\(model)"
        case .cancel(let device, let model): "\(Self.prefix)/d/\(device)/up/cancel/\(model)"
        case .replies(let device): "\(Self.prefix)/d/\(device)/dn/infer"
        case .poolState(let model): "\(Self.prefix)/c/pool/\(model)/state"
        case .workerStatus(let worker): "\(Self.prefix)/c/worker/\(worker)/status"
        }
    }

    /// `nil` for anything that is no topic of this version.
    package init?(_ text: String) {
        guard text.utf8.count <= 256 else { return nil }
        let prefix = Self.prefix + "/"
        guard text.hasPrefix(prefix) else { return nil }
        let levels = text.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        let topic: Topic? =
            switch (levels.first, levels.count) {
            case ("d", 4...): Self.device(levels)
            case ("c", 4): Self.cloud(levels)
            default: nil
            }
        guard let topic else { return nil }
        self = topic
    }

    private static func device(_ levels: [Substring]) -> Topic? {
        guard let device = ClientID(levels[1]) else { return nil }
        switch (levels[2], levels[3], levels.count) {
        case ("up", "status", 4): return .deviceStatus(device)
        case ("up", "reported", 4): return .reported(device)
        case ("up", "tele", 4): return .telemetry(device)
        case ("dn", "infer", 4): return .replies(device)
        case ("up", "evt", 5): return EventKind(levels[4]).map { .event(device, $0) }
        case ("up", "infer", 5): return ModelName(levels[4]).map { .request(device, $0) }
        case ("up", "cancel", 5): return ModelName(levels[4]).map { .cancel(device, $0) }
        default: return nil
        }
    }

    private static func cloud(_ levels: [Substring]) -> Topic? {
        switch (levels[1], levels[3]) {
        case ("pool", "state"): ModelName(levels[2]).map { .poolState($0) }
        case ("worker", "status"): ClientID(levels[2]).map { .workerStatus($0) }
        default: nil
        }
    }
}

/// A subscription of the protocol.
package enum TopicFilter: Hashable, Sendable, CustomStringConvertible {
    /// One topic.
    case exactly(Topic)
    /// Everything that is sent down to one device.
    case down(ClientID)
    /// The status of every worker.
    case allWorkers
    /// The requests of all devices to one model, each given to one worker of the pool.
    case requests(pool: ClientID, ModelName)
    /// The cancellations of all devices for one model, each given to every worker.
    case cancellations(ModelName)

    package var description: String {
        switch self {
        case .exactly(let topic): topic.description
        case .down(let device): "\(Topic.prefix)/d/\(device)/dn/#"
        case .allWorkers: "\(Topic.prefix)/c/worker/+/status"
        case .requests(let pool, let model): "$share/\(pool)/\(Topic.prefix)/d/+/up/infer/\(model)"
        case .cancellations(let model): "\(Topic.prefix)/d/+/up/cancel/\(model)"
        }
    }
}
