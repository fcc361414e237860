// SPDX-License-Identifier: Apache-2.0
internal import Agent
internal import Glibc
internal import Threads

/// What systemd wants to know (sd_notify(3), sd_watchdog_enabled(3)); nothing where it doesn't run us.
struct ServiceManager: Sendable {
    private let socketPath: String?
    /// A sign of life is due at least this often; `nil` where none is.
    private let watchdog: Duration?

    init() {
        socketPath = Self.variable("NOTIFY_SOCKET")
        let isForUs = Self.variable("WATCHDOG_PID").map { $0 == "\(getpid())" } ?? true
        watchdog = isForUs ? Self.variable("WATCHDOG_USEC").flatMap(Int64.init).flatMap { $0 > 0 ? .microseconds($0) : nil } : nil
        // Child processes are none of systemd's business.
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsafe unsetenv(name) }
    }

    private static func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

    /// Sends `VARIABLE=value`; failure has no consequence but systemd's own.
    func notify(_ message: String) {
        guard let socketPath, socketPath.hasPrefix("/") || socketPath.hasPrefix("@") else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(socketPath.utf8)
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // A leading @ stands for the abstract namespace (unix(7)).
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let bytes = Array(message.utf8)
        _ = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bytes.withUnsafeBytes { unsafe sendto(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL), address, length) }
            }
        }
    }

    /// Gives signs of life for as long as the frame thread makes progress: a frame that takes longer than half the watchdog's time stops them.
    func watch(_ agent: Agent) throws(AgentError) {
        guard let watchdog else { return }
        _ = try WorkerThread.ofAgent("swiftlet-alive") {
            let microseconds = watchdog / 4 / .microseconds(1)
            while true {
                if agent.computingTime.map({ $0 < watchdog / 2 }) ?? true { notify("WATCHDOG=1") }
                usleep(UInt32(min(microseconds, 10_000_000)))
            }
        }
    }
}
