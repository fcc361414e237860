// SPDX-License-Identifier: Apache-2.0
internal import CMosquitto
internal import Glibc
internal import Synchronization

/// One MQTT 5 connection by libmosquitto, from CONNECT to its end: the overlay around the C handle.
///
/// Used on one thread only. A new connection takes a new session: libmosquitto would otherwise send what was unacknowledged again, and
/// keep the limits of the last broker. Nothing here blocks but the look-up of the host's name.
@safe struct MosquittoSession: ~Copyable {
    /// What the library's callbacks said, in order.
    enum Event {
        case accepted(isSessionPresent: Bool, receiveMaximum: Int?, maximumPacketBytes: Int?)
        case refused(code: Int32)
        case subscribed(id: Int32, codes: [Int32])
        case delivered(id: Int32, code: Int32)
        case received(InboundMessage)
        case disconnected(code: Int32)
    }

    /// The reason code of an acknowledged message that nobody subscribes to.
    static let noSubscribers = Int32(MQTT_RC_NO_MATCHING_SUBSCRIBERS.rawValue)

    /// Where the callbacks write; they run inside calls of this session's methods, on their thread.
    private final class Inbox {
        var events: [Event] = []
        var lastError: String?
    }

    private let handle: OpaquePointer
    private let inbox: Inbox
    private let broker: BrokerOptions
    /// The last moment that the library writes: until the broker has accepted us, wishes to write mean nothing under TLS.
    private var isAccepted = false
    private var isConnected = false

    /// What a session needs besides the broker.
    struct Terms {
        var clientID: String
        var cleanStart: Bool
        var sessionExpiry: Duration
        var receiveMaximum: Int
        var maximumPacketBytes: Int
        var will: OutboundMessage?
        var willDelay: Duration
    }

    /// A prepared session; `start` opens the connection.
    static func prepared(_ terms: Terms, broker: BrokerOptions) throws(LinkFault) -> MosquittoSession {
        if let cause = library { throw LinkFault(.resource, "load libmosquitto", cause) }
        let inbox = Inbox()
        guard let handle = unsafe mosquitto_new(terms.clientID, terms.cleanStart, Unmanaged.passUnretained(inbox).toOpaque()) else {
            throw LinkFault(.resource, "new session of \(terms.clientID)", text(ofError: errno))
        }
        let session = unsafe MosquittoSession(handle: handle, inbox: inbox, broker: broker)
        try session.set(terms)
        return session
    }

    private init(handle: OpaquePointer, inbox: Inbox, broker: BrokerOptions) {
        unsafe self.handle = handle
        self.inbox = inbox
        self.broker = broker
    }

    private func set(_ terms: Terms) throws(LinkFault) {
        unsafe Self.setCallbacks(of: handle)
        // Without this the library writes to the socket from inside `publish`, and may call back there.
        unsafe mosquitto_threaded_set(handle, true)
        unsafe mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5)
        unsafe mosquitto_int_option(handle, MOSQ_OPT_RECEIVE_MAXIMUM, CInt(terms.receiveMaximum))
        unsafe mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1)
        try setCredentials()
        try setTLS()
        if let will = terms.will { try setWill(will, delay: terms.willDelay) }

        var properties = MosquittoProperties()
        properties.add(MQTT_PROP_SESSION_EXPIRY_INTERVAL, seconds: terms.sessionExpiry)
        properties.add(MQTT_PROP_MAXIMUM_PACKET_SIZE, UInt32(clamping: terms.maximumPacketBytes))
        // The call that connects without blocking takes no properties. This one keeps them before it looks at the missing host and
        // refuses (lib/connect.c, 2.0.11 and later); a test of a resumed session holds us to it.
        _ = unsafe mosquitto_connect_bind_v5(handle, nil, 0, 0, nil, properties.list)
    }

    deinit { unsafe mosquitto_destroy(handle) }

    /// Debian's folder of the authorities that the system trusts (update-ca-certificates(8)).
    private static let systemAuthorities = "/etc/ssl/certs"

    /// Why the library can't be used, if so.
    private static let library: String? = {
        if let cause = unsafe mosquitto_load() { return unsafe String(cString: cause) }
        _ = mosquitto_lib_init()
        return nil
    }()

    /// Held while a connection begins: the library sets up TLS for the whole process at the first one and guards that by a plain flag
    /// (net__init_tls in lib/net_mosq.c). Two at once end in two slots for one pointer, and in an assertion when a certificate is checked.
    private static let beginning = Mutex(())

    /// Looks the host up and begins to connect.
    mutating func start() throws(LinkFault) {
        errno = 0
        let seconds = CInt(clamping: broker.keepAlive.components.seconds)
        let result = Self.beginning.withLock { _ in
            unsafe mosquitto_connect_bind_async(handle, broker.host, CInt(broker.port), seconds, nil)
        }
        try check(result, "connect to \(broker.host):\(broker.port)")
        guard socket >= 0 else { throw LinkFault(.refused, "connect to \(broker.host):\(broker.port)", "no socket") }
    }

    var socket: CInt { unsafe mosquitto_socket(handle) }

    /// Whether `advance` should be called as soon as the socket takes bytes.
    var wantsToWrite: Bool {
        if !isConnected { return true }
        // During the TLS handshake the library's wish to write stays set when it is long fulfilled (want_write in net_mosq.c).
        if broker.tls != nil && !isAccepted { return false }
        return unsafe mosquitto_want_write(handle)
    }

    /// Whether bytes may lie decrypted in the library, unseen by `poll`.
    var needsPolling: Bool { broker.tls != nil }

    /// Reads, writes and keeps alive, as far as that goes without waiting; hands out what happened.
    mutating func advance(isReadable: Bool, isWritable: Bool) throws(LinkFault) -> [Event] {
        let place = "\(broker.host):\(broker.port)"
        if !isConnected {
            guard isWritable else { return [] }
            let error = socketError
            guard error == 0 else {
                throw LinkFault(error == ETIMEDOUT ? .timeout : .refused, "connect to \(place)", Self.text(ofError: error))
            }
            isConnected = true
            setUserTimeout()
        }
        if isReadable && broker.tls != nil && !isAccepted && isAtEnd {
            throw LinkFault(.tls, "TLS handshake with \(place)", "the broker closed the connection")
        }
        // A stale EAGAIN would end the library's loops early.
        errno = 0
        var result = isReadable || needsPolling ? unsafe mosquitto_loop_read(handle, 1) : MOSQ_ERR_SUCCESS.code
        if result == MOSQ_ERR_SUCCESS.code && socket >= 0 {
            errno = 0
            result = unsafe mosquitto_loop_write(handle, 1)
        }
        if result == MOSQ_ERR_SUCCESS.code && socket >= 0 { result = unsafe mosquitto_loop_misc(handle) }
        let events = inbox.events
        inbox.events.removeAll(keepingCapacity: true)
        for case .accepted in events { isAccepted = true }
        if events.isEmpty { try check(result, "connection to \(place)") }
        return events
    }

    /// The id of the subscription request.
    func subscribe(_ filter: String) throws(LinkFault) -> Int32 {
        var id: CInt = 0
        try check(unsafe mosquitto_subscribe_v5(handle, &id, filter, 1, 0, nil), "subscribe to \(filter)")
        return id
    }

    /// The id that `delivered` will bear.
    func publish(_ message: OutboundMessage, lifetime: Duration?) throws(LinkFault) -> Int32 {
        var properties = MosquittoProperties()
        if let lifetime { properties.add(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, seconds: max(lifetime, .seconds(1))) }
        if let topic = message.responseTopic { properties.add(MQTT_PROP_RESPONSE_TOPIC, topic) }
        if let correlation = message.correlation { properties.add(MQTT_PROP_CORRELATION_DATA, correlation) }
        var id: CInt = 0
        try check(
            unsafe mosquitto_publish_v5(
                handle, &id, message.topic, CInt(message.payload.count), message.payload, message.quality.rawValue, message.isRetained,
                properties.list), "publish on \(message.topic)")
        return id
    }

    /// Sends DISCONNECT; the broker then drops our will.
    func disconnect() { unsafe mosquitto_disconnect_v5(handle, 0, nil) }

    private func setCredentials() throws(LinkFault) {
        guard let credentials = broker.credentials else { return }
        try check(unsafe mosquitto_username_pw_set(handle, credentials.username, credentials.password), "set the user name")
    }

    private func setTLS() throws(LinkFault) {
        guard let tls = broker.tls else { return }
        for file in [tls.authorityFile, tls.certificateFile, tls.keyFile] {
            if let file, unsafe access(file, R_OK) != 0 {
                throw LinkFault(.tls, "read \(file)", Self.text(ofError: errno))
            }
        }
        let folder = tls.authorityFile == nil ? Self.systemAuthorities : nil
        let result = unsafe mosquitto_tls_set(handle, tls.authorityFile, folder, tls.certificateFile, tls.keyFile, nil)
        guard result == MOSQ_ERR_SUCCESS.code else { throw LinkFault(.tls, "set up TLS", Self.text(ofResult: result)) }
        unsafe mosquitto_tls_insecure_set(handle, tls.acceptsAnyHostName)
    }

    private func setWill(_ will: OutboundMessage, delay: Duration) throws(LinkFault) {
        var properties = MosquittoProperties()
        if delay > .zero { properties.add(MQTT_PROP_WILL_DELAY_INTERVAL, seconds: delay) }
        let result = unsafe mosquitto_will_set_v5(
            handle, will.topic, CInt(will.payload.count), will.payload, will.quality.rawValue, will.isRetained, properties.list)
        try check(result, "set the will")
        // On success the library owns the properties.
        unsafe properties.list = nil
    }

    /// Lets the kernel end a connection whose bytes nobody acknowledges, also when we wait for nothing.
    private func setUserTimeout() {
        var milliseconds = CUnsignedInt(clamping: 2000 * broker.keepAlive.components.seconds)
        _ = unsafe setsockopt(socket, CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, &milliseconds, socklen_t(MemoryLayout<CUnsignedInt>.size))
    }

    private var socketError: CInt {
        var error: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        return unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno
    }

    private var isAtEnd: Bool {
        var byte: UInt8 = 0
        return unsafe recv(socket, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)) == 0
    }
}

/// What the library's result codes mean.
extension MosquittoSession {
    private func check(_ result: CInt, _ operation: String) throws(LinkFault) {
        guard result != MOSQ_ERR_SUCCESS.code, result != MOSQ_ERR_CONN_PENDING.code else { return }
        let error = errno
        let detail = inbox.lastError
        inbox.lastError = nil
        let code: LinkFault.Code
        var cause = detail ?? Self.text(ofResult: result)
        switch result {
        case MOSQ_ERR_EAI.code, MOSQ_ERR_LOOKUP.code: code = .lookup
        case MOSQ_ERR_TLS.code, MOSQ_ERR_TLS_HANDSHAKE.code: code = .tls
        case MOSQ_ERR_AUTH.code: code = .authentication
        case MOSQ_ERR_ACL_DENIED.code: code = .accessControl
        case MOSQ_ERR_KEEPALIVE.code, MOSQ_ERR_TIMEOUT.code: code = .timeout
        case MOSQ_ERR_CONN_LOST.code, MOSQ_ERR_NO_CONN.code: code = .closed
        case MOSQ_ERR_CONN_REFUSED.code: code = .refused
        case MOSQ_ERR_NOMEM.code: code = .resource
        case MOSQ_ERR_ERRNO.code where error == EPROTO && broker.tls != nil: code = .tls
        case MOSQ_ERR_ERRNO.code where error == ETIMEDOUT:
            code = .timeout
            cause = Self.text(ofError: error)
        case MOSQ_ERR_ERRNO.code:
            code = isAccepted ? .closed : .refused
            cause = Self.text(ofError: error)
        default: code = .protocolViolation
        }
        throw LinkFault(code, operation, cause)
    }

    /// The fault that a reason code of MQTT 5 (CONNACK, DISCONNECT) or a result of the library stands for.
    static func fault(ofReason reason: CInt, operation: String) -> LinkFault {
        let code: LinkFault.Code =
            switch UInt32(bitPattern: reason) {
            case MQTT_RC_BAD_USERNAME_OR_PASSWORD.rawValue, MQTT_RC_NOT_AUTHORIZED.rawValue, MQTT_RC_CLIENTID_NOT_VALID.rawValue,
                MQTT_RC_BANNED.rawValue, MQTT_RC_BAD_AUTHENTICATION_METHOD.rawValue:
                .authentication
            case MQTT_RC_SERVER_UNAVAILABLE.rawValue, MQTT_RC_SERVER_BUSY.rawValue, MQTT_RC_SERVER_SHUTTING_DOWN.rawValue,
                MQTT_RC_CONNECTION_RATE_EXCEEDED.rawValue, MQTT_RC_QUOTA_EXCEEDED.rawValue:
                .brokerUnavailable
            case MQTT_RC_SESSION_TAKEN_OVER.rawValue: .takenOver
            case MQTT_RC_KEEP_ALIVE_TIMEOUT.rawValue: .timeout
            case 0..<128:
                switch reason {
                case MOSQ_ERR_KEEPALIVE.code, MOSQ_ERR_TIMEOUT.code: .timeout
                case MOSQ_ERR_TLS.code: .tls
                case MOSQ_ERR_PROTOCOL.code, MOSQ_ERR_MALFORMED_PACKET.code, MOSQ_ERR_OVERSIZE_PACKET.code: .protocolViolation
                default: .closed
                }
            default: .protocolViolation
            }
        let cause = reason >= 128 ? "reason code \(reason)" : text(ofResult: reason)
        return LinkFault(code, operation, cause)
    }

    private static func text(ofResult result: CInt) -> String { unsafe String(cString: mosquitto_strerror(result)) }

    private static func text(ofError error: CInt) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        return unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return "error \(error)" }
            return unsafe strerror_r(error, base, buffer.count) == 0 ? unsafe String(cString: base) : "error \(error)"
        }
    }
}

extension MosquittoSession {
    /// The callbacks only note what happened; each runs inside `advance`.
    private static func setCallbacks(of handle: OpaquePointer) {
        unsafe mosquitto_connect_v5_callback_set(handle) { _, context, code, flags, properties in
            guard let context = unsafe context else { return }
            let inbox = unsafe Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue()
            guard code == 0 else { return inbox.events.append(.refused(code: code)) }
            inbox.events.append(
                unsafe .accepted(
                    isSessionPresent: flags & 1 != 0, receiveMaximum: MosquittoProperties.integer16(MQTT_PROP_RECEIVE_MAXIMUM, in: properties),
                    maximumPacketBytes: MosquittoProperties.integer32(MQTT_PROP_MAXIMUM_PACKET_SIZE, in: properties)))
        }
        unsafe mosquitto_disconnect_v5_callback_set(handle) { _, context, code, _ in
            guard let context = unsafe context else { return }
            unsafe Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue().events.append(.disconnected(code: code))
        }
        unsafe mosquitto_subscribe_v5_callback_set(handle) { _, context, id, count, codes, _ in
            guard let context = unsafe context, let codes = unsafe codes else { return }
            let granted = unsafe UnsafeBufferPointer(start: codes, count: Int(count))
            unsafe Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue().events.append(.subscribed(id: id, codes: Array(granted)))
        }
        unsafe mosquitto_publish_v5_callback_set(handle) { _, context, id, code, _ in
            guard let context = unsafe context else { return }
            unsafe Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue().events.append(.delivered(id: id, code: code))
        }
        unsafe mosquitto_message_v5_callback_set(handle) { _, context, message, properties in
            guard let context = unsafe context, let message = unsafe message?.pointee, let topic = unsafe message.topic else { return }
            let payload = unsafe UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen))
            let received = unsafe InboundMessage(
                topic: String(cString: topic), payload: Array(payload), isRetained: message.retain,
                lifetime: MosquittoProperties.integer32(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, in: properties).map { .seconds($0) },
                correlation: MosquittoProperties.binary(MQTT_PROP_CORRELATION_DATA, in: properties))
            unsafe Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue().events.append(.received(received))
        }
        unsafe mosquitto_log_callback_set(handle) { _, context, level, text in
            guard level == MOSQ_LOG_ERR, let context = unsafe context, let text = unsafe text else { return }
            unsafe Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue().lastError = String(cString: text)
        }
    }
}

extension mosq_err_t {
    fileprivate var code: CInt { CInt(rawValue) }
}
