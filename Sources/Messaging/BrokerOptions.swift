// SPDX-License-Identifier: Apache-2.0

/// Where the broker is and how to treat it.
package struct BrokerOptions: Sendable {
    /// What the broker knows us by; the password never prints.
    package struct Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        package var username: String
        package var password: String?

        package init(username: String, password: String? = nil) {
            self.username = username
            self.password = password
        }

        package var description: String { username }
        package var debugDescription: String { username }
        package var customMirror: Mirror { Mirror(self, children: ["username": username]) }
    }

    /// Encryption; all paths name PEM files, read again at every connection.
    package struct TLS: Sendable {
        /// Who is trusted to sign the broker's certificate; `nil`: whom the system trusts.
        package var authorityFile: String?
        package var certificateFile: String?
        package var keyFile: String?
        /// Accepts a certificate of any host name. For tests and first set-up only.
        package var acceptsAnyHostName: Bool

        package init(authorityFile: String?, certificateFile: String? = nil, keyFile: String? = nil, acceptsAnyHostName: Bool = false) {
            self.authorityFile = authorityFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.acceptsAnyHostName = acceptsAnyHostName
        }
    }

    package var host: String
    package var port: Int
    package var credentials: Credentials?
    package var tls: TLS?
    /// Silence after which the broker is asked whether it is there; 5 … 65535 s, whole seconds. Twice that unanswered ends the connection.
    package var keepAlive: Duration = .seconds(15)
    /// How long a delivery may stay unacknowledged before the connection counts as dead.
    package var acknowledgementTimeout: Duration = .seconds(20)
    /// Bound of the send window; the broker's receive maximum may lower it.
    package var maximumInFlight = 16
    /// Bounds of what waits to be sent; the oldest goes first.
    package var maximumQueuedMessages = 256
    package var maximumQueuedBytes = 8 << 20
    package var supervision = Supervisor.Settings()

    package init(host: String, port: Int, credentials: Credentials? = nil, tls: TLS? = nil) {
        self.host = host
        self.port = port
        self.credentials = credentials
        self.tls = tls
    }
}
