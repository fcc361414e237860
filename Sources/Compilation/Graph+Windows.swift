// SPDX-License-Identifier: Apache-2.0
package import Networks
internal import Tensors

extension Graph {
    /// Padding of images with a constant moves into the window of the convolution or pool behind it, where that pads with the same value:
    /// 0 before a convolution or an average that counts pads, −∞ before a maximum, and 0 before a maximum of nothing negative.
    package func foldingPads() -> Graph {
        var graph = self
        graph.rewrite { graph, uses, index in
            let node = graph.nodes[index]
            guard let source = node.input(0), uses.isRead(source, onlyBy: index), let producer = uses.producer(of: source),
                case .pad(let padding) = graph.nodes[producer].operation, padding.isSpatial, let image = graph.nodes[producer].input(0)
            else { return false }
            switch node.operation {
            case .convolution(var convolution) where padding.value == 0:
                convolution.window.widenPads(by: padding)
                graph.nodes[index].operation = .convolution(convolution)
            case .pool(var pooling) where graph.canPad(pooling, by: padding, of: image, uses: uses):
                if pooling.kind == .average { pooling.countsPadding = true }
                pooling.window.widenPads(by: padding)
                graph.nodes[index].operation = .pool(pooling)
            default: return false
            }
            graph.nodes[index].inputs[0] = image
            return true
        }
        return graph.withoutDeadCode()
    }

    private func canPad(_ pooling: Pooling, by padding: Padding, of image: ValueID, uses: Uses) -> Bool {
        let window = pooling.window
        guard !pooling.ceilMode, self[image].type == .float32 else { return false }
        switch pooling.kind {
        case .average: return padding.value == 0 && (window.padsBefore + window.padsAfter).allSatisfy { $0 == 0 }
        case .maximum:
            // Every window must still hold an element of the image.
            guard window.size.indices.allSatisfy({ axis in
                let extent = window.extent(axis: axis)
                return window.dilations[axis] == 1 && window.padsBefore[axis] + padding.before[axis + 2] < extent
                    && window.padsAfter[axis] + padding.after[axis + 2] < extent
            }) else { return false }
            return padding.value == -.infinity || (padding.value == 0 && isNonnegative(image, uses: uses))
        }
    }

    /// Whether no element of a value can be below 0.
    private func isNonnegative(_ id: ValueID, uses: Uses) -> Bool {
        guard let producer = uses.producer(of: id) else { return false }
        switch nodes[producer].operation {
        case .activation(let activation): return activation.isNonnegative
        case .convolution, .gemm, .binary: return nodes[producer].operation.fusedActivation?.isNonnegative ?? false
        case .softmax: return true
        case .concatenation: return nodes[producer].inputs.allSatisfy { $0.map { isNonnegative($0, uses: uses) } ?? false }
        case .pool, .mean, .reshape, .transpose, .slice, .split:
            return nodes[producer].input(0).map { isNonnegative($0, uses: uses) } ?? false
        default: return false
        }
    }

    /// An average over whole images becomes the mean over the spatial axes.
    package func averagingWholeImages() -> Graph {
        var graph = self
        graph.rewrite { graph, _, index in
            guard case .pool(let pooling) = graph.nodes[index].operation, pooling.kind == .average, let x = graph.nodes[index].input(0)
            else { return false }
            let window = pooling.window
            let shape = graph[x].shape
            guard window.size == Array(shape[2...]), window.dilations.allSatisfy({ $0 == 1 }),
                (window.padsBefore + window.padsAfter).allSatisfy({ $0 == 0 })
            else { return false }
            graph.nodes[index].operation = .mean(axes: Array(2..<shape.count), keepsDimensions: true)
            return true
        }
        return graph
    }
}

extension Padding {
    /// Whether it adds a constant around images `[n, c, spatial…]` and touches nothing else.
    fileprivate var isSpatial: Bool {
        mode == .constant && before.count > 2 && (before[..<2] + after[..<2]).allSatisfy { $0 == 0 } && (before + after).allSatisfy { $0 >= 0 }
    }
}

extension Window {
    fileprivate mutating func widenPads(by padding: Padding) {
        for axis in size.indices {
            padsBefore[axis] += padding.before[axis + 2]
            padsAfter[axis] += padding.after[axis + 2]
        }
    }
}
