// SPDX-License-Identifier: Apache-2.0
import Glibc
import Messaging
import TestSupport
import Testing

struct NetworkInterfaceTests {
    @Test func theKindIsWhatTheKernelSaysAndForModemsTheName() throws {
        let classes = TemporaryFolder()
        for name in ["wlp3s0", "wlp3s0/wireless", "wwan0", "eth0", "ppp0", "rmnet_data0", "lo"] { try #require(unsafe mkdir(classes(name), 0o755) == 0) }
        for (name, kind) in [("wlp3s0", .wifi), ("wwan0", .cellular), ("ppp0", .cellular), ("rmnet_data0", .cellular), ("eth0", .wired), ("lo", .wired), ("gone", .wired)]
            as [(String, NetworkInterface.Kind)]
        {
            #expect(NetworkInterface(name: name, classes: classes.path).kind == kind, "\(name)")
        }
    }
}
