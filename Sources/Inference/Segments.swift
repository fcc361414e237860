// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// The places in a program at which a run may begin or end, and what crosses each of them.
struct Segments {
    /// A value that has been computed before a cut and is read behind it.
    struct Crossing {
        var value: Value
        /// Every place where it lies or is wanted.
        var places: [(slot: Slot, copyIn: StridedCopy)]
        /// From the first of the places, row-major.
        var copyOut: StridedCopy
    }

    struct Cut {
        /// Entries of the program before it.
        var entry: Int
        var crossing: [Crossing]
    }

    /// By position in the graph's nodes.
    let cuts: [Int: Cut]

    init(_ lowering: Lowering) {
        let graph = lowering.graph
        let positions = lowering.stops.filter { (0...graph.nodes.count).contains($0) }.union([0, graph.nodes.count])
        guard !lowering.stops.isEmpty else {
            cuts = [:]
            return
        }
        var cuts: [Int: Cut] = [:]
        for cut in graph.cuts where positions.contains(cut.position) {
            let entry = lowering.boundaries[cut.position]
            let crossing = cut.crossing.compactMap { id -> Crossing? in
                let places = lowering.residences.filter {
                    $0.value == id && $0.entry <= entry && lowering.buffers[$0.slot.index].last >= entry
                }
                guard let first = places.first else { return nil }
                let size = graph[id].type.size
                return Crossing(
                    value: graph[id],
                    places: places.map { place in
                        let rowMajor = Geometry(shape: place.geometry.shape, layout: .rowMajor)
                        return (place.slot, StridedCopy(from: rowMajor, to: place.geometry, elementSize: size))
                    },
                    copyOut: StridedCopy(
                        from: first.geometry, to: Geometry(shape: first.geometry.shape, layout: .rowMajor), elementSize: size))
            }
            cuts[cut.position] = Cut(entry: entry, crossing: crossing)
        }
        self.cuts = cuts
    }
}
