// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Planning
internal import Settings

/// The link and the server that plans are chosen for.
struct PlanConditions: ParsableArguments {
    @Option(help: ArgumentHelp("The link: 3g, lte, wifi or wired, with the powers of its radio; none: nothing arrives.", valueName: "name"))
    var link = LinkName.lte

    @Option(help: ArgumentHelp("What it carries upwards, as 6Mbit/s, instead of what is usual for it.", valueName: "rate"))
    var uplink: BitRate?

    @Option(help: ArgumentHelp("From the last byte sent to the answer of a server that takes no time, as 40ms.", valueName: "time"))
    var roundTrip: LengthOfTime?

    @Option(help: "How many times slower the server is than measured.")
    var serverSlowdown = 1.0

    @Option(help: ArgumentHelp("What a request waits there.", valueName: "time"))
    var queue = LengthOfTime(seconds: 0)

    @Option(help: ArgumentHelp("From one frame to the next.", valueName: "time"))
    var period = LengthOfTime(seconds: 0.05)

    func validate() throws {
        guard (0.001...1_000_000).contains(serverSlowdown) else { throw ValidationError("--server-slowdown must be 0.001 … 1000000") }
        guard period.seconds > 0 else { throw ValidationError("--period must be above 0") }
        guard link != .none || uplink == nil && roundTrip == nil else { throw ValidationError("--link none carries nothing: leave out --uplink and --round-trip") }
    }

    var radio: Radio? {
        guard var radio = link.radio else { return nil }
        if let uplink { radio.uplink = uplink.megabits }
        if let roundTrip { radio.roundTrip = roundTrip.seconds }
        return radio
    }

    /// - Parameter variation: of the board's times, the 95th percentile as a factor.
    func conditions(power: Double, variation: Double) -> Conditions {
        Conditions(
            board: .init(highSlowdown: variation, power: power), link: radio.map { Conditions.Link(radio: $0) },
            server: .init(slowdown: serverSlowdown, queue: Octiles(queue.seconds)), framePeriod: period.seconds)
    }
}

enum LinkName: String, CaseIterable, ExpressibleByArgument {
    case threeG = "3g", lte, wifi, wired, none

    var radio: Radio? {
        switch self {
        case .threeG: .threeG
        case .lte: .lte
        case .wifi: .wifi
        case .wired: .wired
        case .none: nil
        }
    }
}

enum SweptEstimate: String, CaseIterable, ExpressibleByArgument { case bandwidth }

/// As `40ms`.
struct LengthOfTime: ExpressibleByArgument {
    let seconds: Double

    private static let kind = ValueKind.duration(.zero ... .seconds(3600))

    init(seconds: Double) { self.seconds = seconds }

    init?(argument: String) {
        guard let time = Self.kind.parse(argument) else { return nil }
        seconds = time / .seconds(1)
    }

    var defaultValueDescription: String { Self.kind.format(.microseconds(Int64(seconds * 1e6))) }
}

/// A length of time, or `none`.
struct OptionalTime: ExpressibleByArgument {
    let seconds: Double?

    init(seconds: Double?) { self.seconds = seconds }

    init?(argument: String) {
        guard argument != "none" else {
            seconds = nil
            return
        }
        guard let time = LengthOfTime(argument: argument), time.seconds > 0 else { return nil }
        seconds = time.seconds
    }

    var defaultValueDescription: String { seconds.map { LengthOfTime(seconds: $0).defaultValueDescription } ?? "none" }
}

/// As `6Mbit/s`.
struct BitRate: ExpressibleByArgument {
    let megabits: Double

    static let kind = ValueKind.bitRate(0.001...1_000_000)

    init?(argument: String) {
        guard let rate = Self.kind.parse(argument) else { return nil }
        megabits = rate
    }
}
