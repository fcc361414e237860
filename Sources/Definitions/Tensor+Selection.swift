// SPDX-License-Identifier: Apache-2.0
internal import Tensors

extension Tensor {
    var bytes: [UInt8] { unsafe storage.withUnsafeBytes { unsafe Array($0) } }

    /// The elements at `positions`, whatever their type; `fill` where a position is −1.
    ///
    /// - Precondition: other positions exist, `fill` is one element long where it is used, and `shape` has as many elements.
    func selecting(_ positions: [Int], shape: [Int], fill: [UInt8] = []) -> Tensor {
        let size = type.size
        let storage = unsafe storage.withUnsafeBytes { source in
            unsafe TensorStorage(count: positions.count * size) { target in
                for (index, position) in positions.enumerated() {
                    for byte in 0..<size {
                        unsafe target[index * size + byte] = position < 0 ? fill[byte] : source[position * size + byte]
                    }
                }
            }
        }
        return Tensor(type: type, shape: shape, storage: storage)
    }

    /// The elements of all `parts`, one part after the other.
    ///
    /// - Precondition: there is a part, and all have one type.
    init(joining parts: [Tensor]) {
        let bytes = parts.flatMap(\.bytes)
        let storage = unsafe TensorStorage(count: bytes.count) { target in unsafe target.copyBytes(from: bytes) }
        self.init(type: parts[0].type, shape: [bytes.count / parts[0].type.size], storage: storage)
    }
}
