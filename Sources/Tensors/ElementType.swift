// SPDX-License-Identifier: Apache-2.0

/// What one element of a tensor is. Raw values are the names that the safetensors format uses.
package enum ElementType: String, CaseIterable, Hashable, Sendable, Codable {
    case float32 = "F32"
    case float16 = "F16"
    case float64 = "F64"
    case int8 = "I8"
    case uint8 = "U8"
    case int16 = "I16"
    case uint16 = "U16"
    case int32 = "I32"
    case uint32 = "U32"
    case int64 = "I64"
    case uint64 = "U64"
    case bool = "BOOL"

    /// Bytes of one element.
    package var size: Int {
        switch self {
        case .int8, .uint8, .bool: 1
        case .float16, .int16, .uint16: 2
        case .float32, .int32, .uint32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    package var isFloatingPoint: Bool {
        switch self {
        case .float32, .float16, .float64: true
        default: false
        }
    }
}

/// A Swift type that tensors hold; little-endian in memory and in files.
package protocol TensorElement: BitwiseCopyable, Sendable {
    static var elementType: ElementType { get }
}

extension Float: TensorElement { package static var elementType: ElementType { .float32 } }
extension Double: TensorElement { package static var elementType: ElementType { .float64 } }
extension Int8: TensorElement { package static var elementType: ElementType { .int8 } }
extension UInt8: TensorElement { package static var elementType: ElementType { .uint8 } }
extension Int16: TensorElement { package static var elementType: ElementType { .int16 } }
extension UInt16: TensorElement { package static var elementType: ElementType { .uint16 } }
extension Int32: TensorElement { package static var elementType: ElementType { .int32 } }
extension UInt32: TensorElement { package static var elementType: ElementType { .uint32 } }
extension Int64: TensorElement { package static var elementType: ElementType { .int64 } }
extension UInt64: TensorElement { package static var elementType: ElementType { .uint64 } }
