// SPDX-License-Identifier: Apache-2.0
package import Tensors

/// What is known of a tensor before it is computed.
package struct TensorType: Hashable, Sendable, CustomStringConvertible {
    package var type: ElementType
    package var shape: [Int]

    package init(_ type: ElementType, _ shape: [Int]) {
        self.type = type
        self.shape = shape
    }

    package var description: String { "\(type) \(shape)" }
}

extension Value {
    package var tensorType: TensorType { TensorType(type, shape) }
}
