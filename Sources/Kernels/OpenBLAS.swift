// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The two functions of OpenBLAS that products use, looked up when the first layer that needs them is prepared: a process without such a layer
/// pays neither for the library's code nor for its threads and buffers.
///
/// OpenBLAS starts its threads when it is loaded, as many as `OPENBLAS_NUM_THREADS` says: it is set to 1, because an executor divides layers itself.
/// OpenBLAS keeps one work buffer a thread, which it reserves on that thread's first product.
@unsafe
struct OpenBLAS: Sendable {
    /// Row-major order, and whether an operand is transposed, as cblas.h numbers them.
    enum Code {
        static let rowMajor: CInt = 101
        static let plain: CInt = 111
        static let transposed: CInt = 112
    }

    typealias MatrixProduct =
        @convention(c) (
            CInt, CInt, CInt, CInt, CInt, CInt, Float, UnsafePointer<Float>?, CInt, UnsafePointer<Float>?, CInt, Float,
            UnsafeMutablePointer<Float>?, CInt
        ) -> Void
    typealias VectorProduct =
        @convention(c) (
            CInt, CInt, CInt, CInt, Float, UnsafePointer<Float>?, CInt, UnsafePointer<Float>?, CInt, Float, UnsafeMutablePointer<Float>?, CInt
        ) -> Void

    let sgemm: MatrixProduct
    let sgemv: VectorProduct

    /// `nil` where the library isn't installed.
    static let shared: OpenBLAS? = {
        unsafe setenv("OPENBLAS_NUM_THREADS", "1", 1)
        guard let library = unsafe dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL), let sgemm = unsafe dlsym(library, "cblas_sgemm"),
            let sgemv = unsafe dlsym(library, "cblas_sgemv")
        else { return nil }
        return unsafe OpenBLAS(
            sgemm: unsafeBitCast(sgemm, to: MatrixProduct.self), sgemv: unsafeBitCast(sgemv, to: VectorProduct.self))
    }()
}
