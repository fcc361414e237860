// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

@main
struct SwiftletDaemon: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "swiftletd", abstract: "The Swiftlet agent.")
}
