// SPDX-License-Identifier: Apache-2.0
internal import COpenBLAS
internal import Tensors

/// `c = a · b` in float32 through OpenBLAS, row-major: a `[m, k]` with rows `aStride` apart, b `[k, n]`, or `[n, k]` if it is transposed,
/// c `[m, n]` with rows `cStride` apart, overwritten.
///
/// Threads: OpenBLAS runs on the caller's thread alone (its own thread count is set to 1 for the whole process on first use); an
/// executor divides layers itself. OpenBLAS keeps one work buffer a thread, which it reserves on that thread's first product.
@unsafe
func multiply(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, aStride: Int, aTransposed: Bool = false, _ b: UnsafePointer<Float>, bStride: Int,
    bTransposed: Bool, _ c: UnsafeMutablePointer<Float>, cStride: Int
) {
    _ = OpenBLASThreads.single
    if m == 1, !aTransposed {
        unsafe cblas_sgemv(
            CblasRowMajor, bTransposed ? CblasNoTrans : CblasTrans, blasint(bTransposed ? n : k), blasint(bTransposed ? k : n), 1, b,
            blasint(bStride), a, 1, 0, c, 1)
    } else {
        unsafe cblas_sgemm(
            CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans, bTransposed ? CblasTrans : CblasNoTrans, blasint(m), blasint(n),
            blasint(k), 1, a, blasint(aStride), b, blasint(bStride), 0, c, blasint(cStride))
    }
}

private enum OpenBLASThreads {
    static let single: Void = openblas_set_num_threads(1)
}
