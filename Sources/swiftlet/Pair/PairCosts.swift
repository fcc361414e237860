// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Planning

/// What a frame costs on a board, without its radio: to compare with sending every frame.
struct BoardOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What one run of its network takes on the board; with it, time and energy are compared with sending every frame.", valueName: "ms"))
    var boardTime: Double?

    @Option(help: ArgumentHelp("What computing draws, beside what the board draws anyway.", valueName: "W"))
    var boardPower = 3.0

    @Option(help: ArgumentHelp("What one frame takes in the cloud.", valueName: "ms"))
    var serverTime = 10.0

    @Option(help: ArgumentHelp("From one frame to the next.", valueName: "ms"))
    var framePeriod = 100.0

    func validate() throws {
        for (name, value) in [("board-time", boardTime ?? 1), ("board-power", boardPower), ("server-time", serverTime), ("frame-period", framePeriod)] {
            guard value.isFinite, value > 0, value <= 1e6 else { throw ValidationError("--\(name) must be above 0") }
        }
    }
}

/// A pair beside sending every frame, on one radio: per frame, on average, in ratios of what sending every frame takes.
struct PairCost: Encodable {
    var radio: String
    /// Seconds until the answer.
    var time: Double
    var time_ratio: Double
    /// Joules, of transfers and waiting alone, as the papers count.
    var energy: Double
    var energy_ratio: Double
    /// Joules with the radio's promotions and tails, at the frame period.
    var energy_with_tails: Double
    var energy_with_tails_ratio: Double

    /// - Parameters:
    ///   - share: of the frames that go to the cloud, 0 … 1.
    ///   - bytes: of such an upload, mean.
    ///   - allBytes: of an upload where every frame is sent, mean.
    ///   - runs: of the board's network for one frame, mean.
    /// - Returns: `nil` without a time on the board.
    static func costs(share: Double, bytes: Double, allBytes: Double, board: BoardOptions, runs: Double) -> [PairCost]? {
        guard let boardTime = board.boardTime.map({ $0 / 1000 * runs }) else { return nil }
        let (server, period) = (board.serverTime / 1000, board.framePeriod / 1000)
        return [Radio.threeG, .lte, .wifi].map { radio in
            let every = radio.requestTime(bytes: allBytes, serverTime: server)
            let time = boardTime + share * radio.requestTime(bytes: bytes, serverTime: server)
            let everyEnergy = radio.requestEnergy(bytes: allBytes, serverTime: server)
            let energy = boardTime * board.boardPower + share * radio.requestEnergy(bytes: bytes, serverTime: server)
            let everyWithTails = radio.energyPerFrame(share: 1, bytes: allBytes, serverTime: server, period: period)
            let withTails = boardTime * board.boardPower + radio.energyPerFrame(share: share, bytes: bytes, serverTime: server, period: period)
            return PairCost(
                radio: radio.name, time: time, time_ratio: time / every, energy: energy, energy_ratio: energy / everyEnergy, energy_with_tails: withTails,
                energy_with_tails_ratio: withTails / everyWithTails)
        }
    }
}
