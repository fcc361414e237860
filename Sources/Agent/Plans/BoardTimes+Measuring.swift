// SPDX-License-Identifier: Apache-2.0
internal import Images
internal import Inference
internal import Networks
internal import Planning
internal import Tensors

extension BoardTimes {
    /// Measures a loaded network, in the parts in which plans run it, and the packing of what crosses its cuts: medians of as many runs as fit `limit`, one at least.
    ///
    /// Of packings those that don't fit it any more are taken to be as quick, for each number, as those in the same form. Of preparing nothing is known before frames come.
    ///
    /// - Parameter pixels: an image for the network.
    init(measuring executor: Executor, _ material: PlanMaterial, pixels: Span<UInt8>, limit: Duration = .milliseconds(300)) throws(InferenceError) {
        let clock = ContinuousClock()
        let begun = clock.now
        let exits = material.places.exits
        let stops = Set(material.places.stops).union(exits).subtracting([0]).sorted()
        var runs: [[Double]] = []
        var packer = PackingTimes(material)
        repeat {
            var times: [Double] = []
            var start = clock.now
            func lap() {
                let now = clock.now
                times.append((now - start).inSeconds)
                start = now
            }
            try executor.begin(pixels: pixels)
            lap()
            var position = 0
            for (exit, place) in exits.enumerated() where place == 0 {
                try executor.run(head: exit)
                lap()
            }
            for stop in stops {
                try executor.run(segment: position..<stop)
                lap()
                for (exit, place) in exits.enumerated() where place == stop {
                    try executor.run(head: exit)
                    lap()
                }
                position = stop
                if runs.isEmpty, let form = material.crossings[stop] {
                    var memory = [UInt8](repeating: 0, count: form.bytes)
                    try executor.copyCrossing(at: stop, into: &memory)
                    packer.memories[stop] = memory
                    start = clock.now
                }
            }
            runs.append(times)
        } while runs.count < 9 && clock.now - begun < limit / 2
        let medians = runs[0].indices.map { place in runs.map { $0[place] }.sorted()[runs.count / 2] }
        var next = medians.makeIterator()
        var seconds = next.next() ?? 0
        var arrivals = [Arrival(position: 0, seconds: seconds)]
        var heads = [Double](repeating: 0, count: exits.count)
        for (exit, place) in exits.enumerated() where place == 0 { heads[exit] = next.next() ?? 0 }
        for stop in stops {
            seconds += next.next() ?? 0
            arrivals.append(Arrival(position: stop, seconds: seconds))
            for (exit, place) in exits.enumerated() where place == stop { heads[exit] = next.next() ?? 0 }
        }
        self.init(arrivals: arrivals, heads: heads, packing: packer.measure(pixels, until: begun + limit))
    }
}

private struct PackingTimes {
    let material: PlanMaterial
    /// What crosses each cut.
    var memories: [Int: [UInt8]] = [:]

    init(_ material: PlanMaterial) { self.material = material }

    /// For each upload of the table.
    func measure(_ pixels: Span<UInt8>, until end: ContinuousClock.Instant) -> [Double] {
        let clock = ContinuousClock()
        let sent = material.table.sent
        var times = [Double?](repeating: nil, count: sent.count)
        // Of all forms something, before the time is over.
        var kinds: [Payload: Int] = [:]
        let order = sent.indices.map { index -> (rank: Int, index: Int) in
            kinds[sent[index].upload.payload, default: 0] += 1
            return (kinds[sent[index].upload.payload] ?? 0, index)
        }.sorted { ($0.rank, $0.index) < ($1.rank, $1.index) }
        let side = max(Int(Double(pixels.count / 3).squareRoot()), 1)
        let image = side * side * 3 <= pixels.count ? Image(width: side, height: side, channels: 3, pixels: (0..<side * side * 3).map { pixels[$0] }) : nil
        for (_, index) in order where clock.now < end {
            let start = clock.now
            if pack(sent[index].upload, image) { times[index] = (clock.now - start).inSeconds }
        }
        return sent.indices.map { index in times[index] ?? guess(sent[index].upload, times) }
    }

    private func pack(_ upload: Upload, _ image: Image?) -> Bool {
        guard let packing = upload.payload.packing else {
            guard let image else { return false }
            return (try? material.imageForm(upload.payload).encode(image)) != nil
        }
        guard let crossing = material.crossings[upload.cut], let memory = memories[upload.cut] else { return false }
        return (try? crossing.packed(memory, bits: packing.bits, form: packing.form)) != nil
    }

    private func guess(_ upload: Upload, _ times: [Double?]) -> Double {
        func count(_ upload: Upload) -> Double { Double(material.crossings[upload.cut]?.bytes ?? 1) }
        let sent = material.table.sent
        let known = sent.indices.filter { times[$0] != nil }
        let alike = known.filter { sent[$0].upload.payload == upload.payload }
        let rates = (alike.isEmpty ? known : alike).compactMap { index in times[index].map { $0 / count(sent[index].upload) } }
        return rates.isEmpty ? 0 : rates.sorted()[rates.count / 2] * count(upload)
    }
}
