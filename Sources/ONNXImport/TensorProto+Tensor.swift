// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

extension ElementType {
    /// - Parameter code: as in `TensorProto.DataType`.
    init(onnx code: Int32) throws(ImportError) {
        switch code {
        case 1: self = .float32
        case 2: self = .uint8
        case 3: self = .int8
        case 4: self = .uint16
        case 5: self = .int16
        case 6: self = .int32
        case 7: self = .int64
        case 9: self = .bool
        case 10: self = .float16
        case 11: self = .float64
        case 12: self = .uint32
        case 13: self = .uint64
        case 0: throw ImportError(.format, "no element type")
        default: throw ImportError(.unsupported, "element type \(code)")
        }
    }
}

extension Tensor {
    /// - Parameter folder: where external data lies; `nil` where none is allowed.
    init(_ proto: Onnx_TensorProto, folder: String?) throws(ImportError) {
        let type = try ElementType(onnx: proto.dataType)
        let shape = proto.dims.map { Int($0) }
        guard shape.count <= Graph.maximumRank else { throw ImportError(.size, "a tensor of \(shape.count) axes") }
        guard let count = shape.checkedElementCount else { throw ImportError(.format, "the shape \(shape)") }
        guard count <= Graph.maximumElements else { throw ImportError(.size, "\(count) elements, at most \(Graph.maximumElements) are read") }
        switch proto.dataLocation {
        case 0: break
        case 1:
            let bytes = try ExternalData(proto.externalData).read(count: count * type.size, folder: folder)
            self.init(type: type, shape: shape, bytes: bytes)
            return
        default: throw ImportError(.unsupported, "data location \(proto.dataLocation)")
        }
        if proto.hasRawData {
            guard proto.rawData.count == count * type.size else {
                throw ImportError(.format, "\(proto.rawData.count) bytes for \(count) elements of \(type)")
            }
            self.init(type: type, shape: shape, bytes: [UInt8](proto.rawData))
            return
        }
        try self.init(proto, typed: type, shape: shape)
    }

    /// From the lists of numbers that stand for raw bytes.
    private init(_ proto: Onnx_TensorProto, typed type: ElementType, shape: [Int]) throws(ImportError) {
        func check(_ found: Int) throws(ImportError) {
            guard found == shape.elementCount else { throw ImportError(.format, "\(found) numbers for \(shape.elementCount) elements of \(type)") }
        }
        func narrowed<Narrow: FixedWidthInteger>(_: Narrow.Type, from numbers: [some FixedWidthInteger]) throws(ImportError) -> [Narrow] {
            try check(numbers.count)
            var result: [Narrow] = []
            for number in numbers {
                guard let fitting = Narrow(exactly: number) else { throw ImportError(.format, "the number \(number) in a tensor of \(type)") }
                result.append(fitting)
            }
            return result
        }
        switch type {
        case .float32:
            try check(proto.floatData.count)
            self.init(shape: shape, proto.floatData)
        case .float64:
            try check(proto.doubleData.count)
            self.init(shape: shape, proto.doubleData)
        case .int64:
            try check(proto.int64Data.count)
            self.init(shape: shape, proto.int64Data)
        case .uint64:
            try check(proto.uint64Data.count)
            self.init(shape: shape, proto.uint64Data)
        case .uint32:
            self.init(shape: shape, try narrowed(UInt32.self, from: proto.uint64Data))
        case .int32: self.init(shape: shape, try narrowed(Int32.self, from: proto.int32Data))
        case .int16: self.init(shape: shape, try narrowed(Int16.self, from: proto.int32Data))
        case .uint16: self.init(shape: shape, try narrowed(UInt16.self, from: proto.int32Data))
        case .int8: self.init(shape: shape, try narrowed(Int8.self, from: proto.int32Data))
        case .uint8: self.init(shape: shape, try narrowed(UInt8.self, from: proto.int32Data))
        case .float16: self.init(type: type, shape: shape, storage: Tensor(shape: shape, try narrowed(UInt16.self, from: proto.int32Data)).storage)
        case .bool: self.init(type: type, shape: shape, bytes: try narrowed(UInt8.self, from: proto.int32Data))
        }
    }

    /// - Precondition: `bytes` are as many as the shape needs.
    private init(type: ElementType, shape: [Int], bytes: [UInt8]) {
        let bytes = type == .bool ? bytes.map { $0 == 0 ? 0 : 1 } : bytes
        let storage = unsafe TensorStorage(count: bytes.count) { target in unsafe target.copyBytes(from: bytes) }
        self.init(type: type, shape: shape, storage: storage)
    }
}
