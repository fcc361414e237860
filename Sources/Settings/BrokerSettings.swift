// SPDX-License-Identifier: Apache-2.0

/// How to reach the MQTT broker.
package struct BrokerSettings: Hashable, Sendable {
    package struct TLS: Hashable, Sendable {
        /// The file of the authorities that may sign the broker's certificate; `nil`: those of the system.
        package var authoritiesFile: String?
        /// This side's certificate and its key; both or neither.
        package var certificateFile: String?
        package var keyFile: String?

        package init(authoritiesFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
            self.authoritiesFile = authoritiesFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    package var host: String
    /// 1 … 65535.
    package var port: Int
    package var keepAlive: Duration
    /// `nil`: unencrypted.
    package var tls: TLS?
    package var userName: String?
    package var password: Secret?
    /// The longest wait before the first attempt to connect again; it doubles with each failure, up to `longestBackOff`.
    package var firstBackOff: Duration
    package var longestBackOff: Duration

    package init(
        host: String, port: Int = 1883, keepAlive: Duration = .seconds(30), tls: TLS? = nil, userName: String? = nil,
        password: Secret? = nil, firstBackOff: Duration = .seconds(1), longestBackOff: Duration = .seconds(300)
    ) {
        self.host = host
        self.port = port
        self.keepAlive = keepAlive
        self.tls = tls
        self.userName = userName
        self.password = password
        self.firstBackOff = firstBackOff
        self.longestBackOff = longestBackOff
    }

    init(_ section: inout Section) {
        self.init(host: section.value("host", .host, default: "localhost"))
        port = section.value("port", .integer(1...65535), default: port)
        keepAlive = section.value("keep-alive", .duration(.seconds(5) ... .seconds(3600)), default: keepAlive)
        userName = section.optional("username", .userName)
        if let path = section.optional("password-file", .path(from: section.findings.folder)) {
            do {
                password = try Secret.read(path)
            } catch {
                section.report("password-file", "can't read \(path.quoted): \(error.reason)")
            }
            if section.has("username") == nil { section.report("password-file", "needs broker.username") }
        }
        tls = section.optionalSection("tls") { section in
            let folder = section.findings.folder
            let tls = TLS(
                authoritiesFile: section.optional("authorities-file", .path(from: folder)),
                certificateFile: section.optional("certificate-file", .path(from: folder)),
                keyFile: section.optional("key-file", .path(from: folder)))
            for (one, other) in [("certificate-file", "key-file"), ("key-file", "certificate-file")] {
                if section.has(one) != nil, section.has(other) == nil { section.report(one, "needs \(section.path).\(other)") }
            }
            return tls
        }
        section.section("back-off") { section in
            firstBackOff = section.value("first", .duration(.milliseconds(100) ... .seconds(60)), default: firstBackOff)
            longestBackOff = section.value("longest", .duration(.seconds(1) ... .seconds(3600)), default: longestBackOff)
            if longestBackOff < firstBackOff { section.report("longest", "shorter than \(section.path).first") }
        }
    }
}
