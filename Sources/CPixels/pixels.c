// SPDX-License-Identifier: Apache-2.0
// Plain loops that a compiler makes vectors of: NEON as they stand, AVX2 where the processor has it. Integers: the same result everywhere.
#include "CPixels.h"
#include <string.h>

#if defined(__x86_64__)
#define VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define VECTORS
#endif

static inline uint8_t cut(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

// What a colour sample adds to each of its pixels, and one half for rounding.
static inline int32_t red_of(const struct ycbcr_factors *f, uint8_t cr) { return (cr - 128) * f->red_from_v + 0x8000; }
static inline int32_t blue_of(const struct ycbcr_factors *f, uint8_t cb) { return (cb - 128) * f->blue_from_u + 0x8000; }
static inline int32_t green_of(const struct ycbcr_factors *f, uint8_t cb, uint8_t cr) {
    return 0x8000 - (cb - 128) * f->green_from_u - (cr - 128) * f->green_from_v;
}

enum { BLOCK = 128 };

VECTORS void ycbcr_to_rgb(const struct ycbcr_factors *factors, const uint8_t *luma, const uint8_t *cb, const uint8_t *cr, size_t width,
                          unsigned column_shift, uint8_t *restrict rgb) {
    const struct ycbcr_factors f = *factors;
    for (size_t start = 0; start < width; start += BLOCK) {
        const size_t count = width - start < BLOCK ? width - start : BLOCK;
        const uint8_t *const u = cb + (start >> column_shift), *const v = cr + (start >> column_shift);
        int32_t red[BLOCK], green[BLOCK], blue[BLOCK];
        const size_t shared = column_shift == 1 ? (count + 1) / 2 : 0;
        for (size_t i = 0; i < shared; i++) {
            red[2 * i] = red[2 * i + 1] = red_of(&f, v[i]);
            green[2 * i] = green[2 * i + 1] = green_of(&f, u[i], v[i]);
            blue[2 * i] = blue[2 * i + 1] = blue_of(&f, u[i]);
        }
        for (size_t i = 2 * shared; i < count; i++) {
            red[i] = red_of(&f, v[i]);
            green[i] = green_of(&f, u[i], v[i]);
            blue[i] = blue_of(&f, u[i]);
        }
        uint8_t *const to = rgb + 3 * start;
        for (size_t i = 0; i < count; i++) {
            const int32_t y = (luma[start + i] - f.luma_offset) * f.luma;
            to[3 * i] = cut((y + red[i]) >> 16);
            to[3 * i + 1] = cut((y + green[i]) >> 16);
            to[3 * i + 2] = cut((y + blue[i]) >> 16);
        }
    }
}

typedef uint8_t bytes __attribute__((vector_size(4)));
typedef int32_t sums __attribute__((vector_size(16)));

// A pixel, and what follows in memory: `size` bytes are read.
static inline sums pixel_at(const uint8_t *from, size_t size) {
    bytes pixel = {0, 0, 0, 0};
    memcpy(&pixel, from, size);
    return __builtin_convertvector(pixel, sums);
}

VECTORS void resample_rgb(const uint8_t *line, const ptrdiff_t *starts, const ptrdiff_t *counts, const int32_t *weights, size_t tap_capacity,
                          int fraction_bits, size_t columns, uint8_t *restrict rgb) {
    const int32_t half = (int32_t)1 << (fraction_bits - 1);
    for (size_t column = 0; column < columns; column++, weights += tap_capacity, rgb += 3) {
        const uint8_t *from = line + 3 * starts[column];
        const size_t count = (size_t)counts[column];
        sums even = {half, half, half, half}, odd = {0, 0, 0, 0};
        size_t tap = 0;
        // All but the last pixel have one behind them, whose first byte is read in vain.
        for (; tap + 2 < count; tap += 2, from += 6) {
            even += pixel_at(from, 4) * weights[tap];
            odd += pixel_at(from + 3, 4) * weights[tap + 1];
        }
        for (; tap < count; tap++, from += 3) even += pixel_at(from, 3) * weights[tap];
        even = (even + odd) >> fraction_bits;
        for (int channel = 0; channel < 3; channel++) rgb[channel] = cut(even[channel]);
    }
}
