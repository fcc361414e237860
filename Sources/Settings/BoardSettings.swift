// SPDX-License-Identifier: Apache-2.0

/// How fast a kind of board is, and what it draws, as a file of `Board/` says it.
package struct BoardSettings: Hashable, Sendable {
    /// Who measured it, and when.
    package struct Measurement: Hashable, Sendable {
        package var by: String
        package var on: String

        package init(by: String, on: String) {
            self.by = by
            self.on = on
        }
    }

    package var name: String
    /// `nil`: what the file says is assumed.
    package var measured: Measurement?
    /// Watts that computing draws, beside what the board draws anyway.
    package var power: Double
    /// 10⁹ multiplications with addition a second, of a network that isn't among ``networks``.
    package var speed: Double
    /// How many times slower than the machine that asks it packs and compresses, which no kernel of networks makes faster.
    package var packingSlowdown: Double
    /// The 95th percentile of a run's time, as a factor on the median.
    package var variation = 1.0
    /// Seconds of one run, by the name of the bundle.
    package var networks: [String: Double] = [:]

    package init(name: String, power: Double, speed: Double, packingSlowdown: Double) {
        (self.name, self.power, self.speed, self.packingSlowdown) = (name, power, speed, packingSlowdown)
    }

    /// Seconds of one run of a network.
    package func time(of network: String, multiplyAccumulates: Int) -> Double {
        networks[network] ?? Double(multiplyAccumulates) / (speed * 1e9)
    }
}

extension BoardSettings: SettingsFile {
    package static func read(_ root: inout Section) -> BoardSettings? {
        let name = root.required("name", .userName)
        let measured = root.optionalSection("measured") { section in
            (section.required("by", .userName), section.required("on", .date))
        }
        let power = root.required("power", .number(0...1000, unit: "W"))
        let speed = root.required("speed", .number(0.001...100_000, unit: "GMAC/s"))
        let packing = root.required("packing-slowdown", .number(0.01...1000))
        let variation = root.value("variation", .number(1...100), default: 1)
        let networks = root.table("networks", .duration(.microseconds(1) ... .seconds(3600)))
        guard let name, let power, let speed, let packing else { return nil }
        var board = BoardSettings(name: name, power: power, speed: speed, packingSlowdown: packing)
        if let measured, let by = measured.0, let date = measured.1 { board.measured = Measurement(by: by, on: date) }
        board.variation = variation
        for network in networks { board.networks[network.name] = network.value.seconds }
        return board
    }
}

extension ValueKind where Value == String {
    /// A day as ISO 8601 has it.
    fileprivate static var date: Self {
        Self("a date as 2026-11-21") { text in
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }) else { return nil }
            guard let month = Int(parts[1]), let day = Int(parts[2]) else { return nil }
            return (1...12).contains(month) && (1...31).contains(day) ? text : nil
        } format: {
            $0
        }
    }
}
