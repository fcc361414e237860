// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension Importer {
    mutating func addInitializers() throws(ImportError) {
        for proto in model.initializer {
            do throws(ImportError) {
                guard !proto.name.isEmpty else { throw ImportError(.format, "has no name") }
                let id = graph.add(Value(name: proto.name, constant: try Tensor(proto, folder: folder)))
                guard ids.updateValue(id, forKey: proto.name) == nil else { throw ImportError(.format, "appears twice") }
            } catch {
                throw error.within("initialiser '\(proto.name)'")
            }
        }
    }

    mutating func addInputs(_ bindings: [String: InputBinding]) throws(ImportError) {
        let initialized = Set(ids.keys)
        let declared = Set(model.input.map(\.name)).subtracting(initialized)
        if let name = Set(bindings.keys).subtracting(declared).min() {
            throw ImportError(.invalid, "the model has no such input", subject: "input '\(name)'")
        }
        for info in model.input where !initialized.contains(info.name) {
            do throws(ImportError) {
                guard !info.name.isEmpty else { throw ImportError(.format, "has no name") }
                guard ids[info.name] == nil else { throw ImportError(.format, "appears twice") }
                ids[info.name] = try addInput(info, bindings[info.name])
            } catch {
                throw error.within("input '\(info.name)'")
            }
        }
    }

    private mutating func addInput(_ info: Onnx_ValueInfoProto, _ binding: InputBinding?) throws(ImportError) -> ValueID {
        guard info.type.hasTensorType else { throw ImportError(.unsupported, "an input that is no tensor") }
        let type = try ElementType(onnx: info.type.tensorType.elemType)
        let value: Value
        switch binding {
        case .constant(let tensor):
            guard tensor.type == type else { throw ImportError(.invalid, "bound to \(tensor.type), expected \(type)") }
            return graph.add(Value(name: info.name, constant: tensor))
        case .sample(let tensor):
            guard tensor.type == type else { throw ImportError(.invalid, "bound to \(tensor.type), expected \(type)") }
            value = Value(name: info.name, type: type, shape: tensor.shape)
        case .shape(let shape): value = Value(name: info.name, type: type, shape: shape)
        case nil: value = Value(name: info.name, type: type, shape: try declaredShape(info.type.tensorType))
        }
        let id = graph.add(value)
        graph.inputs.append(id)
        if case .sample(let tensor) = binding { samples[id] = tensor }
        return id
    }

    private func declaredShape(_ type: Onnx_TypeProto.Tensor) throws(ImportError) -> [Int] {
        guard type.hasShape else { throw ImportError(.unsupported, "a shape that isn't declared") }
        var shape: [Int] = []
        for (axis, size) in type.shape.dim.enumerated() {
            guard size.hasDimValue || axis == 0 else { throw ImportError(.unsupported, "axis \(axis) has an open size '\(size.dimParam)'") }
            shape.append(size.hasDimValue ? Int(size.dimValue) : 1)
        }
        guard let count = shape.checkedElementCount, count <= Graph.maximumElements, shape.count <= Graph.maximumRank else {
            throw ImportError(.size, "the shape \(shape)")
        }
        return shape
    }

    /// Sets the outputs. One that is an input, a constant or another output gets a node of its own.
    mutating func finish() throws(ImportError) {
        guard !model.output.isEmpty else { throw ImportError(.format, "the graph has no output") }
        for info in model.output {
            guard var id = ids[info.name] else { throw ImportError(.invalid, "is never computed", subject: "output '\(info.name)'") }
            if graph[id].constant != nil || graph.inputs.contains(id) || graph.outputs.contains(id) {
                let source = graph[id]
                id = graph.add(
                    .activation(.none), name: info.name, inputs: [id],
                    output: Value(name: info.name, type: source.type, shape: source.shape))
            }
            graph[id].name = info.name
            graph.outputs.append(id)
        }
    }
}
