// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// What runs on a relay's thread.
struct LinkRelayLoop {
    /// One direction of a connection.
    private struct Stream {
        var source: CInt
        var destination: CInt
        var chunks: [(due: Duration, bytes: [UInt8])] = []
        var isAtEnd = false

        var heldBytes: Int { chunks.reduce(0) { $0 + $1.bytes.count } }
    }

    private struct Pair {
        var streams: [Stream]
        var isBroken = false
        var descriptors: [CInt] { [streams[0].source, streams[0].destination] }
    }

    private static let maximumHeldBytes = 4 << 20

    private let relay: LinkRelay
    private let target: Int
    private let port: Int
    private var listener: CInt
    private var pairs: [Pair] = []
    private var cuts = 0

    init(relay: LinkRelay, target: Int, listener: CInt) {
        self.relay = relay
        self.target = target
        self.listener = listener
        port = relay.port
    }

    mutating func run() {
        while true {
            let orders = relay.orders.withLock { ($0.condition, $0.cuts, $0.isStopped) }
            if orders.2 { break }
            if orders.1 != cuts || orders.0 == .refusing {
                cuts = orders.1
                closeAll()
            }
            if orders.0 == .refusing, listener >= 0 {
                close(listener)
                listener = -1
            } else if orders.0 != .refusing, listener < 0 {
                listener = Socket.listen(onPort: port)
            }
            wait(orders.0)
        }
        closeAll()
        if listener >= 0 { close(listener) }
    }

    private mutating func closeAll() {
        for descriptor in pairs.flatMap(\.descriptors) { close(descriptor) }
        pairs = []
    }

    private mutating func wait(_ condition: LinkRelay.Condition) {
        let isBlocked = condition == .blackHoled
        var descriptors = [pollfd(fd: relay.bell.descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: isBlocked ? -1 : listener, events: Int16(POLLIN), revents: 0)]
        let now = Background.now()
        var deadline = now + .seconds(listener < 0 && condition != .refusing ? 0 : 3600)
        for pair in pairs where !isBlocked {
            for stream in pair.streams {
                var events: Int32 = 0
                if !stream.isAtEnd && stream.heldBytes < Self.maximumHeldBytes { events |= POLLIN }
                descriptors.append(pollfd(fd: stream.source, events: Int16(events), revents: 0))
                if let first = stream.chunks.first {
                    if first.due <= now {
                        descriptors.append(pollfd(fd: stream.destination, events: Int16(POLLOUT), revents: 0))
                    } else {
                        deadline = min(deadline, first.due)
                    }
                }
            }
        }
        let left = max(.zero, deadline - now)
        let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + (left > .zero ? 1 : 0)
        _ = unsafe poll(&descriptors, nfds_t(descriptors.count), CInt(clamping: milliseconds))
        if descriptors[0].revents != 0 {
            relay.bell.lower()
            // The orders may have changed; obey them before another byte moves.
            return
        }
        if descriptors[1].revents != 0 { acceptOne() }
        guard !isBlocked else { return }
        move(condition)
    }

    private mutating func acceptOne() {
        let client = Socket.accept(from: listener)
        guard client >= 0 else { return }
        let server = Socket.connect(toPort: target)
        guard server >= 0 else {
            close(client)
            return
        }
        pairs.append(Pair(streams: [Stream(source: client, destination: server), Stream(source: server, destination: client)]))
    }

    private mutating func move(_ condition: LinkRelay.Condition) {
        let now = Background.now()
        // A slow link in small pieces, so that no piece holds up the next for long.
        let size = if case .limited = condition { 1400 } else { 65_536 }
        var buffer = [UInt8](repeating: 0, count: size)
        for pair in pairs.indices {
            for stream in pairs[pair].streams.indices {
                receive(into: &buffer, pair, stream, condition, now: now)
                forward(pair, stream, now: now)
                let state = pairs[pair].streams[stream]
                if state.isAtEnd && state.chunks.isEmpty { pairs[pair].isBroken = true }
            }
        }
        for pair in pairs where pair.isBroken { for descriptor in pair.descriptors { close(descriptor) } }
        pairs.removeAll(where: \.isBroken)
    }

    private mutating func receive(into buffer: inout [UInt8], _ pair: Int, _ stream: Int, _ condition: LinkRelay.Condition, now: Duration) {
        let state = pairs[pair].streams[stream]
        guard !state.isAtEnd, state.heldBytes < Self.maximumHeldBytes else { return }
        let count = unsafe recv(state.source, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        if count > 0 {
            let due =
                switch condition {
                case .delayed(let delay): now + delay
                case .limited(let rate): max(now, state.chunks.last?.due ?? now) + .seconds(Double(count) / Double(max(rate, 1)))
                case .open, .blackHoled, .refusing: now
                }
            pairs[pair].streams[stream].chunks.append((due, Array(buffer[..<count])))
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            pairs[pair].streams[stream].isAtEnd = true
        }
    }

    private mutating func forward(_ pair: Int, _ stream: Int, now: Duration) {
        while let first = pairs[pair].streams[stream].chunks.first, first.due <= now {
            let count = unsafe send(
                pairs[pair].streams[stream].destination, first.bytes, first.bytes.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
            if count < 0 {
                if errno != EAGAIN && errno != EINTR { pairs[pair].isBroken = true }
                return
            }
            if count == first.bytes.count {
                pairs[pair].streams[stream].chunks.removeFirst()
            } else {
                pairs[pair].streams[stream].chunks[0].bytes.removeFirst(count)
            }
        }
    }
}
