// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Planning
internal import Threads

/// Measures a ``DividedPair`` on images, several at a time, each on a thread and with networks of its own. What comes out doesn't depend on the number of threads.
struct Tabulation {
    let pair: DividedPair
    let cuts: [PlanDetails.Cut]
    let images: LabelledImages

    /// All that is kept of the images: 8 bytes for each exit and upload.
    fileprivate struct State: Sendable {
        var next = 0
        var running: Int
        var rows: [DividedRun.Row?]
        var done = 0
        var error: (any Error)?
    }

    func table(threads: Int) throws -> CalibrationTable {
        let (pair, cuts, images) = (pair, cuts, images)
        let state = Monitor(State(running: threads, rows: Array(repeating: nil, count: images.count)))
        for _ in 0..<threads {
            _ = try WorkerThread("swiftlet-table") {
                do {
                    let run = try DividedRun(pair, cuts: cuts)
                    while let index = state.withLock({ $0.takeNext() }) {
                        let (image, label) = try images.image(at: index)
                        let row = try run.row(image, label: label)
                        state.change { state in
                            state.rows[index] = row
                            state.done += 1
                        }
                    }
                } catch {
                    state.withLock { if $0.error == nil { $0.error = error } }
                }
                state.change { $0.running -= 1 }
            }
        }
        var bar = ProgressBar("measuring \(pair.uploads(cuts).count) uploads", total: images.count)
        var shown = -1
        while true {
            let (done, isOver) = state.wait { state -> Monitor<State>.Next<(Int, Bool)> in
                state.done > shown || state.running == 0 ? .done((state.done, state.running == 0)) : .wait(nil)
            }
            shown = done
            bar.update(done)
            if isOver { break }
        }
        let (rows, error) = state.withLock { ($0.rows.compactMap(\.self), $0.error) }
        if let error { throw error }
        return table(of: rows)
    }

    private func table(of rows: [DividedRun.Row]) -> CalibrationTable {
        let positions = pair.board.exitPositions
        let exits = positions.indices.map { exit in
            CalibrationTable.Exit(
                position: positions[exit], scores: rows.map { $0.exits[exit].score }, right: SampleSet(of: rows.count) { rows[$0].exits[exit].isRight })
        }
        let sent = pair.uploads(cuts).enumerated().map { place, upload in
            CalibrationTable.Sent(upload, bytes: rows.map { $0.sent[place].bytes }, right: SampleSet(of: rows.count) { rows[$0].sent[place].isRight })
        }
        return CalibrationTable(exits: exits, sent: sent, full: SampleSet(of: rows.count) { rows[$0].fullIsRight })
    }
}

extension Tabulation.State {
    /// The next image to measure; `nil` when there is none, or one has failed.
    fileprivate mutating func takeNext() -> Int? {
        guard error == nil, next < rows.count else { return nil }
        next += 1
        return next - 1
    }
}
