// SPDX-License-Identifier: Apache-2.0
internal import CPixels

/// Luma and colour difference of ITU-R BT.601 to RGB in integers of 2⁻¹⁶, rounded and cut to 0 … 255.
///
/// With `y = (Y − 16) · 255/219` and colour differences of `255/224` (full range: as they are),
/// `R = y + 1.402 V`, `G = y − 0.344136 U − 0.714136 V`, `B = y + 1.772 U`, where U = Cb − 128 and V = Cr − 128.
/// The colour of a subsampled plane is that of the sample that covers the pixel, not interpolated.
package struct YCbCr: Sendable {
    private let factors: ycbcr_factors

    package init(isFullRange: Bool) {
        let lumaScale = isFullRange ? 1 : 255.0 / 219
        let chromaScale = isFullRange ? 1 : 255.0 / 224
        func fixed(_ factor: Double) -> Int32 { Int32((factor * 65_536).rounded()) }
        factors = ycbcr_factors(
            luma: fixed(lumaScale), luma_offset: isFullRange ? 0 : 16, red_from_v: fixed(1.402 * chromaScale),
            green_from_u: fixed(0.344136 * chromaScale), green_from_v: fixed(0.714136 * chromaScale), blue_from_u: fixed(1.772 * chromaScale))
    }

    /// The grey of one luma sample.
    package func grey(_ luma: UInt8) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(((Int32(luma) - factors.luma_offset) &* factors.luma &+ 0x8000) >> 16, 0), 255))
    }

    /// Converts one row.
    ///
    /// - Parameters:
    ///   - chroma: Cb and Cr, a sample for each pixel, or where `isHalved` one for two, rounded up.
    ///   - rgb: takes three bytes a pixel from `first` on.
    @_lifetime(rgb: copy rgb)
    package func convert(luma: Span<UInt8>, chroma: (Span<UInt8>, Span<UInt8>), isHalved: Bool, into rgb: inout MutableSpan<UInt8>, at first: Int) {
        let samples = isHalved ? (luma.count + 1) / 2 : luma.count
        precondition(chroma.0.count == samples && chroma.1.count == samples && first >= 0 && first + 3 * luma.count <= rgb.count, "a row of one width")
        guard !luma.isEmpty else { return }
        unsafe withUnsafePointer(to: factors) { factors in
            unsafe luma.withUnsafeBufferPointer { luma in
                unsafe chroma.0.withUnsafeBufferPointer { cb in
                    unsafe chroma.1.withUnsafeBufferPointer { cr in
                        unsafe rgb.withUnsafeMutableBufferPointer { rgb in
                            unsafe ycbcr_to_rgb(
                                factors, luma.baseAddress!, cb.baseAddress!, cr.baseAddress!, luma.count, isHalved ? 1 : 0, rgb.baseAddress! + first)
                        }
                    }
                }
            }
        }
    }
}
