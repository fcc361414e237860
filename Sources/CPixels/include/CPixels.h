// SPDX-License-Identifier: Apache-2.0
// What every pixel of a camera's frame goes through before the network: one row at a time, in integers.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Factors from Y, U = Cb - 128 and V = Cr - 128 to RGB, in units of 2⁻¹⁶; below 2¹⁸, so that no sum leaves 32 bits.
struct ycbcr_factors {
    int32_t luma, luma_offset; // (Y - offset) · luma
    int32_t red_from_v, green_from_u, green_from_v, blue_from_u;
};

/// One row of `width` pixels to `3 · width` bytes of RGB, rounded and cut to 0 … 255.
/// `cb` and `cr` have a sample for each pixel, or one for two where `column_shift` is 1: then `(width + 1) / 2`.
void ycbcr_to_rgb(const struct ycbcr_factors *factors, const uint8_t *luma, const uint8_t *cb, const uint8_t *cr, size_t width,
                  unsigned column_shift, uint8_t *rgb);

/// One row of RGB to `columns` pixels, each the sum of `counts[i]` pixels from `starts[i]` on with `weights[i · tap_capacity …]`, of `fraction_bits`
/// each, rounded and cut to 0 … 255. Weights of a pixel add up to one; no byte beyond the last pixel that is named is read.
void resample_rgb(const uint8_t *line, const ptrdiff_t *starts, const ptrdiff_t *counts, const int32_t *weights, size_t tap_capacity,
                  int fraction_bits, size_t columns, uint8_t *rgb);
