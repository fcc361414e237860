// SPDX-License-Identifier: Apache-2.0
internal import Glibc

@main
enum SwiftletDaemon {
    static func main() {
        let request: DaemonRequest
        do {
            request = try DaemonRequest(CommandLine.arguments.dropFirst())
        } catch {
            Daemon.say("Error: \(error.cause)\n\(DaemonRequest.usage)\n  See 'swiftletd --help' for more information.")
            exit(64)
        }
        switch request {
        case .run(let path): exit(Daemon.run(path))
        case .check(let path): exit(Daemon.check(path))
        case .help: exit(Daemon.show(DaemonRequest.overview))
        }
    }
}
