// SPDX-License-Identifier: Apache-2.0
import Glibc
import Messaging
import TestSupport
import Testing

struct NetworkInterfaceTests {
    @Test func theKindIsWhatTheKernelSaysAndForModemsTheName() throws {
        let classes = TemporaryFolder()
        for name in ["wlp3s0", "wlp3s0/device", "wlp3s0/wireless", "wwan0", "wwp0s20u4", "wwp0s20u4/device", "eth0", "eth0/device", "ppp0", "rmnet_data0", "lo", "wg0", "tun0"] { try #require(unsafe mkdir(classes(name), 0o755) == 0) }
        for (name, kind) in [
            ("wlp3s0", .wifi), ("wwan0", .cellular), ("wwp0s20u4", .cellular), ("ppp0", .cellular), ("rmnet_data0", .cellular), ("eth0", .wired), ("lo", nil), ("wg0", nil), ("tun0", nil),
            ("gone", nil),
        ] as [(String, NetworkInterface.Kind?)]
        {
            #expect(NetworkInterface(name: name, classes: classes.path).kind == kind, "\(name)")
        }
    }
}
