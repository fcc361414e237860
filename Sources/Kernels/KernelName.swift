// SPDX-License-Identifier: Apache-2.0
internal import CKernels

/// One entry of the list of kernels: what tests and benchmarks walk through.
package struct KernelName: Hashable, Sendable, CustomStringConvertible {
    /// `binned`, `winograd` and `narrow` (weights of 4 bits) are convolutions too, as `depthwise` is: the same layer in another form.
    package enum Kind: String, CaseIterable, Hashable, Sendable { case convolution, binned, winograd, narrow, depthwise, vector, float }

    package let kind: Kind
    package let name: String
    /// What a processor must have to run it.
    package let features: CPUFeatures
    /// Position within its kind; the first runs everywhere.
    let index: Int

    package var description: String { name }

    /// Every kernel of this architecture, slowest first within a kind.
    private init(kind: Kind, name: UnsafePointer<CChar>, isa: UInt32, index: Int) {
        self.kind = kind
        self.name = unsafe String(cString: name)
        features = CPUFeatures(rawValue: isa)
        self.index = index
    }

    /// Every kernel of this architecture, slowest first within a kind.
    package static let all: [KernelName] = {
        var all: [KernelName] = []
        for index in 0..<qgemm_kernel_count() {
            let kernel = unsafe qgemm_kernel_at(index).pointee
            unsafe all.append(KernelName(kind: .convolution, name: kernel.name, isa: kernel.isa, index: index))
        }
        for index in 0..<qbinned_kernel_count() {
            let kernel = unsafe qbinned_kernel_at(index).pointee
            unsafe all.append(KernelName(kind: .binned, name: kernel.name, isa: kernel.isa, index: index))
        }
        for index in 0..<qwinograd_kernel_count() {
            let kernel = unsafe qwinograd_kernel_at(index).pointee
            unsafe all.append(KernelName(kind: .winograd, name: kernel.name, isa: kernel.isa, index: index))
        }
        for index in 0..<qnarrow_kernel_count() {
            let kernel = unsafe qnarrow_kernel_at(index).pointee
            unsafe all.append(KernelName(kind: .narrow, name: kernel.name, isa: kernel.isa, index: index))
        }
        for index in 0..<qdepthwise_kernel_count() {
            let kernel = unsafe qdepthwise_kernel_at(index).pointee
            unsafe all.append(KernelName(kind: .depthwise, name: kernel.name, isa: kernel.isa, index: index))
        }
        for index in 0..<vector_kernels_count() {
            let kernel = unsafe vector_kernels_at(index).pointee
            unsafe all.append(KernelName(kind: .vector, name: kernel.name, isa: kernel.isa, index: index))
        }
        for index in 0..<float_kernels_count() {
            let kernel = unsafe float_kernels_at(index).pointee
            unsafe all.append(KernelName(kind: .float, name: kernel.name, isa: kernel.isa, index: index))
        }
        return all
    }()
}
