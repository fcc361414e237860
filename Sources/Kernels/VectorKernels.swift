// SPDX-License-Identifier: Apache-2.0
internal import CKernels

/// The set of memory-bound kernels for some instruction set.
@safe
struct VectorKernels: Sendable {
    let table: vector_kernels
    let name: String

    init(features: CPUFeatures) {
        unsafe table = vector_kernels_choose(features.rawValue).pointee
        name = unsafe String(cString: table.name)
    }
}
