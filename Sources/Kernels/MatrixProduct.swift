// SPDX-License-Identifier: Apache-2.0
internal import Tensors

/// `c = a · b`, or `c += a · b`, in float32, row-major: a `[m, k]` with rows `aStride` apart, or `[k, m]` if it is transposed, b `[k, n]`, or `[n, k]` if it is
/// transposed, c `[m, n]` with rows `cStride` apart.
///
/// Through ``OpenBLAS`` where it is installed, otherwise by plain loops. Runs on the caller's thread.
@unsafe
func multiply(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, aStride: Int, aTransposed: Bool = false, _ b: UnsafePointer<Float>, bStride: Int,
    bTransposed: Bool, _ c: UnsafeMutablePointer<Float>, cStride: Int, adds: Bool = false
) {
    guard let library = unsafe OpenBLAS.shared else {
        unsafe multiplyByLoops(
            m: m, n: n, k: k, a, aStride: aStride, aTransposed: aTransposed, b, bStride: bStride, bTransposed: bTransposed, c, cStride: cStride,
            adds: adds)
        return
    }
    let (plain, transposed) = (OpenBLAS.Code.plain, OpenBLAS.Code.transposed)
    let kept: Float = adds ? 1 : 0
    if m == 1 {
        unsafe library.sgemv(
            OpenBLAS.Code.rowMajor, bTransposed ? plain : transposed, CInt(bTransposed ? n : k), CInt(bTransposed ? k : n), 1, b,
            CInt(bStride), a, CInt(aTransposed ? aStride : 1), kept, c, 1)
    } else {
        unsafe library.sgemm(
            OpenBLAS.Code.rowMajor, aTransposed ? transposed : plain, bTransposed ? transposed : plain, CInt(m), CInt(n), CInt(k), 1, a,
            CInt(aStride), b, CInt(bStride), kept, c, CInt(cStride))
    }
}

@unsafe
private func multiplyByLoops(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, aStride: Int, aTransposed: Bool, _ b: UnsafePointer<Float>, bStride: Int,
    bTransposed: Bool, _ c: UnsafeMutablePointer<Float>, cStride: Int, adds: Bool
) {
    for i in 0..<m {
        let row = unsafe c + i * cStride
        if !adds { for j in 0..<n { unsafe row[j] = 0 } }
        for p in 0..<k {
            let factor = unsafe aTransposed ? a[p * aStride + i] : a[i * aStride + p]
            let other = unsafe bTransposed ? b + p : b + p * bStride
            let step = bTransposed ? bStride : 1
            for j in 0..<n { unsafe row[j] += factor * other[j * step] }
        }
    }
}

/// Loads what products need, so that the first run doesn't: for layers of two computed factors to call when they are prepared.
func prepareProducts() { _ = unsafe OpenBLAS.shared }
