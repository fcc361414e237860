// SPDX-License-Identifier: Apache-2.0
internal import Networks
internal import Tensors

/// The type that elements are computed in: double for real numbers, 64 bits for integers, which are cut to their type at the end.
/// Cutting a wrapped 64-bit result gives the wrapped result of the narrower type.
protocol WideNumber: Comparable, Sendable {
    static var zero: Self { get }
    /// Not above any element.
    static var lowest: Self { get }

    init(truncating real: Double)
    static func add(_ a: Self, _ b: Self) -> Self
    static func subtract(_ a: Self, _ b: Self) -> Self
    static func multiply(_ a: Self, _ b: Self) -> Self
    /// Integers truncate.
    static func divide(_ a: Self, _ b: Self) throws(EvaluationError) -> Self

    /// Of integers, only ``Activation/none`` and ``Activation/relu`` are defined.
    func activated(by activation: Activation) -> Self

    static func read(_ tensor: Tensor) -> [Self]
    static func tensor(_ values: [Self], type: ElementType, shape: [Int]) -> Tensor
}

extension Double: WideNumber {
    static var lowest: Double { -.infinity }

    init(truncating real: Double) { self = real }
    static func add(_ a: Double, _ b: Double) -> Double { a + b }
    static func subtract(_ a: Double, _ b: Double) -> Double { a - b }
    static func multiply(_ a: Double, _ b: Double) -> Double { a * b }
    static func divide(_ a: Double, _ b: Double) -> Double { a / b }
    func activated(by activation: Activation) -> Double { activation(self) }

    static func read(_ tensor: Tensor) -> [Double] {
        tensor.type == .float64 ? tensor.elements(of: Double.self) : tensor.floats.map(Double.init)
    }

    static func tensor(_ values: [Double], type: ElementType, shape: [Int]) -> Tensor {
        switch type {
        case .float64: Tensor(shape: shape, values)
        case .float16: Tensor(type: .float16, shape: shape, storage: Tensor(shape: shape, values.map { Float($0).halfBits }).storage)
        default: Tensor(shape: shape, values.map(Float.init))
        }
    }
}

extension Int64: WideNumber {
    static var lowest: Int64 { .min }

    static func read(_ tensor: Tensor) -> [Int64] { tensor.integers?.map(Int64.init) ?? [] }
}

extension UInt64: WideNumber {
    static var lowest: UInt64 { 0 }

    static func read(_ tensor: Tensor) -> [UInt64] { tensor.elements(of: UInt64.self) }
}

extension WideNumber where Self: FixedWidthInteger {
    init(truncating real: Double) { self = real.isNaN ? 0 : Self(exactly: real.rounded(.towardZero)) ?? (real < 0 ? .min : .max) }
    static func add(_ a: Self, _ b: Self) -> Self { a &+ b }
    static func subtract(_ a: Self, _ b: Self) -> Self { a &- b }
    static func multiply(_ a: Self, _ b: Self) -> Self { a &* b }

    static func divide(_ a: Self, _ b: Self) throws(EvaluationError) -> Self {
        guard b != 0 else { throw EvaluationError(.division, "an integer was divided by zero") }
        return a.dividedReportingOverflow(by: b).partialValue
    }

    func activated(by activation: Activation) -> Self { activation == .relu && self < 0 ? 0 : self }

    static func tensor(_ values: [Self], type: ElementType, shape: [Int]) -> Tensor {
        switch type {
        case .int8: Tensor(shape: shape, values.map { Int8(truncatingIfNeeded: $0) })
        case .uint8: Tensor(shape: shape, values.map { UInt8(truncatingIfNeeded: $0) })
        case .int16: Tensor(shape: shape, values.map { Int16(truncatingIfNeeded: $0) })
        case .uint16: Tensor(shape: shape, values.map { UInt16(truncatingIfNeeded: $0) })
        case .int32: Tensor(shape: shape, values.map { Int32(truncatingIfNeeded: $0) })
        case .uint32: Tensor(shape: shape, values.map { UInt32(truncatingIfNeeded: $0) })
        case .uint64: Tensor(shape: shape, values.map { UInt64(truncatingIfNeeded: $0) })
        case .bool:
            Tensor(type: .bool, shape: shape, storage: Tensor(shape: shape, values.map { $0 == 0 ? 0 : 1 as UInt8 }).storage)
        default: Tensor(shape: shape, values.map { Int64(truncatingIfNeeded: $0) })
        }
    }
}
