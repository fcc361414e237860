// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The interface of this machine that a connection goes through.
package struct NetworkInterface: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable { case wifi, cellular, wired }

    /// As the kernel calls it.
    package var name: String
    /// `nil` where it can't be told, as of a tunnel.
    package var kind: Kind?

    /// - Parameter classes: the kernel's folder of interfaces.
    package init(name: String, classes: String = "/sys/class/net") {
        self.name = name
        func has(_ file: String) -> Bool { unsafe access("\(classes)/\(name)/\(file)", F_OK) == 0 }
        // What is a modem says its name: of the kernel, and of systemd's predictable ones (systemd.net-naming-scheme(7)).
        let isModem = ["ww", "ppp", "rmnet"].contains(where: name.hasPrefix)
        kind = has("wireless") || has("phy80211") ? .wifi : isModem ? .cellular : has("device") ? .wired : nil
    }

    /// `nil` where it can't be told: the socket isn't connected, or its address belongs to no interface any more.
    init?(of socket: CInt) {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let own = unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe getsockname(socket, address, &length) == 0 ? Self.host(address) : nil
            }
        }
        guard let own, let name = Self.name(of: own) else { return nil }
        self.init(name: name)
    }

    private static func name(of host: [UInt8]) -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return nil }
        defer { unsafe freeifaddrs(list) }
        var next = unsafe list
        while let entry = unsafe next?.pointee {
            if let address = unsafe entry.ifa_addr, unsafe Self.host(address) == host {
                // Behind a colon stands the label of an alias.
                return unsafe String(cString: entry.ifa_name).split(separator: ":").first.map { String($0) }
            }
            unsafe next = entry.ifa_next
        }
        return nil
    }

    /// 4 or 16 bytes; an IPv4 address within IPv6 is the IPv4 address.
    private static func host(_ address: UnsafePointer<sockaddr>) -> [UInt8]? {
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET:
            return unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
                unsafe withUnsafeBytes(of: address.pointee.sin_addr) { unsafe Array($0) }
            }
        case AF_INET6:
            let bytes = unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
                unsafe withUnsafeBytes(of: address.pointee.sin6_addr) { unsafe Array($0) }
            }
            let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 255 && bytes[11] == 255
            return isMapped ? Array(bytes[12...]) : bytes
        default: return nil
        }
    }
}
