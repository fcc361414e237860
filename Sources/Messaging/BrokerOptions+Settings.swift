// SPDX-License-Identifier: Apache-2.0
package import Settings

extension BrokerOptions {
    /// What the configuration says of the broker.
    package init(_ settings: BrokerSettings) {
        self.init(
            host: settings.host, port: settings.port,
            credentials: settings.userName.map { Credentials(username: $0, password: settings.password?.exposed) },
            tls: settings.tls.map { TLS(authorityFile: $0.authoritiesFile, certificateFile: $0.certificateFile, keyFile: $0.keyFile) })
        keepAlive = settings.keepAlive
        supervision.base = settings.firstBackOff
        supervision.cap = settings.longestBackOff
    }
}
