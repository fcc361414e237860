// SPDX-License-Identifier: Apache-2.0
internal import Networks

/// Who computes and who reads each value of a graph, as of the moment it was made.
struct Uses {
    private var producers: [Int?]
    private var readers: [[Int]]
    private var outputs: Set<ValueID>

    init(_ graph: Graph) {
        producers = Array(repeating: nil, count: graph.values.count)
        readers = Array(repeating: [], count: graph.values.count)
        outputs = Set(graph.outputs)
        for (index, node) in graph.nodes.enumerated() {
            for case let id? in node.inputs { readers[id.rawValue].append(index) }
            for id in node.outputs { producers[id.rawValue] = index }
        }
    }

    /// The position of the node that computes the value; `nil` for inputs and constants.
    func producer(of id: ValueID?) -> Int? { id.flatMap { producers[$0.rawValue] } }

    /// The positions of the nodes that read the value, in order, one for each time that they read it.
    func readers(of id: ValueID) -> [Int] { readers[id.rawValue] }

    func isOutput(_ id: ValueID) -> Bool { outputs.contains(id) }

    /// Whether nothing but one input of the node at `index` needs the value.
    func isRead(_ id: ValueID, onlyBy index: Int) -> Bool { readers[id.rawValue] == [index] && !outputs.contains(id) }
}
