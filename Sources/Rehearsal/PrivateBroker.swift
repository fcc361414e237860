// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A mosquitto of our own: on a free loopback port, with a private folder and configuration, ended when we end.
///
/// The calls wait until the broker is where they bring it, at most some seconds.
package final class PrivateBroker: Sendable {
    /// mosquitto's path; `nil` where it isn't installed.
    package static var executable: String? { ChildProcess.find("mosquitto") }

    package let port: Int
    /// Holds the configuration and the log; removed by `stop`.
    package let directory: String
    private let executable: String
    private let process = Mutex<ChildProcess?>(nil)

    /// Starts a broker that lets everybody in, unless `configuration`, further lines of mosquitto.conf(5), says otherwise. The
    /// function gets the broker's folder.
    package init(configuration: (String) throws(RehearsalError) -> [String] = { _ in [] }) throws(RehearsalError) {
        guard let executable = Self.executable else { throw RehearsalError(.missing, "start a broker", "mosquitto is not installed") }
        self.executable = executable
        var template = Array((temporaryDirectory + "/swiftlet-broker-XXXXXX").utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw RehearsalError("make a folder in \(temporaryDirectory)") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        port = Socket.freePort()
        guard port != 0 else { throw RehearsalError("find a free port") }
        var lines = try configuration(directory)
        if !lines.contains(where: { $0.hasPrefix("allow_anonymous") }) { lines.insert("allow_anonymous true", at: 0) }
        // `listener` begins a section of its own, so what belongs to the listener follows it.
        // Nagle's algorithm holds small messages back, see the README.
        lines = ["listener \(port) 127.0.0.1"] + lines + ["persistence false", "set_tcp_nodelay true", "log_dest file \(directory)/broker.log"]
        // As root the broker would turn into a user who can't read our folder.
        if geteuid() == 0 { lines.append("user root") }
        try writeFile(directory + "/broker.conf", lines.joined(separator: "\n") + "\n")
        try start()
    }

    deinit { stop() }

    /// Starts the broker where it doesn't run, on the same port, and waits until it accepts connections.
    package func start() throws(RehearsalError) {
        if process.withLock({ $0?.isRunning ?? false }) { return }
        let child = try ChildProcess(executable, ["-c", directory + "/broker.conf"], output: .discarded, errors: .file(directory + "/broker.err"))
        process.withLock { $0 = child }
        let end = Background.now() + .seconds(10)
        while true {
            let socket = Socket.connect(toPort: port)
            if socket >= 0 {
                close(socket)
                return
            }
            // Its end comes at once; otherwise a pause before the next try.
            if let ending = child.wait(for: .milliseconds(5)) {
                throw RehearsalError(.notReady, "start mosquitto", "it ended (\(ending)), see \(directory)/broker.log and broker.err")
            }
            guard Background.now() < end else { throw RehearsalError(.notReady, "start mosquitto", "it accepts no connection on port \(port)") }
        }
    }

    /// Kills the broker (SIGKILL): no goodbyes, no wills.
    package func crash() {
        let child = process.withLock { $0 }
        child?.kill(SIGKILL)
        _ = child?.wait()
    }

    /// Stops the broker in order and removes its folder with all the files in it.
    package func stop() {
        let child = process.withLock { process in
            defer { process = nil }
            return process
        }
        guard let child else { return }
        child.end()
        if let stream = unsafe opendir(directory) {
            while let entry = unsafe readdir(stream) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                unsafe unlink(directory + "/" + name)
            }
            unsafe closedir(stream)
        }
        unsafe rmdir(directory)
    }
}

/// Where temporary folders go.
private var temporaryDirectory: String { unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp" }

/// Writes a new file that only we can read.
package func writeFile(_ path: String, _ text: String) throws(RehearsalError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw RehearsalError("write \(path)") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard unsafe write(descriptor, bytes, bytes.count) == bytes.count else { throw RehearsalError("write \(path)") }
}
