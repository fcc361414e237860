// SPDX-License-Identifier: Apache-2.0

/// A constant or a host-side array of numbers: row-major, contiguous, immutable.
///
/// Activations of a running network live in the engine's arena instead; a `Tensor` is what files, importers and tools hold.
package struct Tensor: Sendable {
    package let type: ElementType
    /// Sizes, outermost first. Empty for a scalar.
    package let shape: [Int]
    package let storage: TensorStorage

    /// - Precondition: `storage` holds exactly the bytes that `shape` and `type` need.
    package init(type: ElementType, shape: [Int], storage: TensorStorage) {
        precondition(storage.count == shape.elementCount * type.size, "the storage doesn't fit the shape")
        self.type = type
        self.shape = shape
        self.storage = storage
    }

    /// - Precondition: `values` has one element for each position of `shape`.
    package init<Element: TensorElement>(shape: [Int], _ values: [Element]) {
        precondition(values.count == shape.elementCount, "\(values.count) values don't fit the shape \(shape)")
        unsafe self.init(
            type: Element.elementType, shape: shape,
            storage: TensorStorage(count: values.count * MemoryLayout<Element>.stride) { bytes in
                unsafe values.withUnsafeBytes { unsafe bytes.copyMemory(from: $0) }
            })
    }

    package static func scalar<Element: TensorElement>(_ value: Element) -> Tensor { Tensor(shape: [], [value]) }

    /// Number of elements.
    package var count: Int { shape.elementCount }

    /// Lends the elements without a copy.
    ///
    /// - Precondition: `Element` is the tensor's type (`UInt8` also reads `bool`, `UInt16` also reads `float16` bits).
    package func withElements<Element: TensorElement, Result, Failure: Error>(
        of _: Element.Type, _ body: (Span<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(type.reads(as: Element.elementType), "a \(type) tensor read as \(Element.elementType)")
        return try unsafe storage.withUnsafeBytes { bytes throws(Failure) in
            try unsafe body(Span(_unsafeElements: bytes.assumingMemoryBound(to: Element.self)))
        }
    }

    /// A copy of the elements.
    ///
    /// - Precondition: as for ``withElements(of:_:)``.
    package func elements<Element: TensorElement>(of type: Element.Type) -> [Element] {
        withElements(of: type) { span in
            unsafe [Element](unsafeUninitializedCapacity: span.count) { buffer, count in
                unsafe span.withUnsafeBufferPointer { count = unsafe buffer.initialize(fromContentsOf: $0) }
            }
        }
    }

    /// The same elements under another shape.
    ///
    /// - Precondition: `shape` has as many elements.
    package func reshaped(_ shape: [Int]) -> Tensor { Tensor(type: type, shape: shape, storage: storage) }

    /// The elements as floats, whatever their type; integers beyond 2²⁴ are rounded.
    package var floats: [Float] {
        switch type {
        case .float32: elements(of: Float.self)
        case .float16: elements(of: UInt16.self).map(Float.init(halfBits:))
        case .float64: elements(of: Double.self).map(Float.init)
        case .int8: elements(of: Int8.self).map(Float.init)
        case .uint8, .bool: elements(of: UInt8.self).map(Float.init)
        case .int16: elements(of: Int16.self).map(Float.init)
        case .uint16: elements(of: UInt16.self).map(Float.init)
        case .int32: elements(of: Int32.self).map(Float.init)
        case .uint32: elements(of: UInt32.self).map(Float.init)
        case .int64: elements(of: Int64.self).map(Float.init)
        case .uint64: elements(of: UInt64.self).map(Float.init)
        }
    }

    /// The elements as integers; `nil` where the type isn't an integer, or a value doesn't fit.
    package var integers: [Int]? {
        switch type {
        case .int8: elements(of: Int8.self).map(Int.init)
        case .uint8, .bool: elements(of: UInt8.self).map(Int.init)
        case .int16: elements(of: Int16.self).map(Int.init)
        case .uint16: elements(of: UInt16.self).map(Int.init)
        case .int32: elements(of: Int32.self).map(Int.init)
        case .uint32: elements(of: UInt32.self).map(Int.init)
        case .int64: elements(of: Int64.self).map(Int.init)
        case .uint64:
            elements(of: UInt64.self).reduce(into: [Int]?.some([])) { result, value in
                if let fitting = Int(exactly: value) { result?.append(fitting) } else { result = nil }
            }
        case .float32, .float16, .float64: nil
        }
    }
}

extension ElementType {
    fileprivate func reads(as other: ElementType) -> Bool {
        self == other || (self == .bool && other == .uint8) || (self == .float16 && other == .uint16)
    }
}

extension [Int] {
    /// The number of elements of a tensor of this shape. 1 for a scalar.
    package var elementCount: Int { reduce(1, *) }

    /// The number of elements, or `nil` when a size is negative or the product overflows: for shapes from outside.
    package var checkedElementCount: Int? {
        var count = 1
        for size in self {
            guard size >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            count = product
        }
        return count
    }
}
