// SPDX-License-Identifier: Apache-2.0
// usmmla: the products of 2 pixels with 2 channels over 8 values, exactly, of unsigned with signed values.
#include "neon_store.h"
#if defined(__aarch64__)

#if defined(__clang__)
#define NEON_I8MM_FEATURES "i8mm"
#else
#define NEON_I8MM_FEATURES "arch=armv8.2-a+i8mm"
#endif
#define NEON_I8MM __attribute__((target(NEON_I8MM_FEATURES)))
#define NEON_I8MM_INLINE static inline __attribute__((always_inline, target(NEON_I8MM_FEATURES)))

NEON_I8MM_INLINE uint8x16_t low_halves(uint8x16_t first, uint8x16_t second) {
    return vreinterpretq_u8_u64(vzip1q_u64(vreinterpretq_u64_u8(first), vreinterpretq_u64_u8(second)));
}
NEON_I8MM_INLINE uint8x16_t high_halves(uint8x16_t first, uint8x16_t second) {
    return vreinterpretq_u8_u64(vzip2q_u64(vreinterpretq_u64_u8(first), vreinterpretq_u64_u8(second)));
}

// m pixels and the first 4 * vectors of 16 channels; an odd last pixel is its own partner.
NEON_I8MM_INLINE void qgemm_4x16x8(const struct qgemm_tile *tile, const size_t m, const size_t vectors) {
    const bool small = neon_is_small(tile, vectors);
    const int32x4_t offset = vdupq_n_s32(small ? NEON_FLOAT_OFFSET : 0);
    const size_t pairs = (m + 1) / 2, columns = 2 * vectors;
    int32x4_t sums[2][8]; // [pair of pixels][pair of channels]: two pixels of two channels each
    UNROLLED for (size_t p = 0; p < pairs; p++)
        UNROLLED for (size_t c = 0; c < columns; c++) {
            const int32x2_t bias = vld1_s32(tile->bias + 2 * c);
            sums[p][c] = vaddq_s32(vcombine_s32(bias, bias), offset);
        }
    const int8_t *b = tile->b;
    const size_t step = tile->a_step, segments = tile->segment_count, blocks = tile->segment_blocks;
    for (size_t s = 0; s < segments; s++) {
        const uint8_t *a = tile->segments[s];
        size_t k = blocks;
        for (; k >= 2; k -= 2, a += 16, b += 256) {
            MARK_LOOP("gemm usmmla", m * vectors * 64);
            uint8x16_t first[2], second[2];
            UNROLLED for (size_t p = 0; p < pairs; p++) {
                const uint8x16_t even = vld1q_u8(a + 2 * p * step), odd = 2 * p + 1 < m ? vld1q_u8(a + (2 * p + 1) * step) : even;
                first[p] = low_halves(even, odd);
                second[p] = high_halves(even, odd);
            }
            UNROLLED for (size_t c = 0; c < columns; c++) {
                const int8x16_t column = vld1q_s8(b + 16 * c);
                UNROLLED for (size_t p = 0; p < pairs; p++) sums[p][c] = vusmmlaq_s32(sums[p][c], first[p], column);
            }
            UNROLLED for (size_t c = 0; c < columns; c++) {
                const int8x16_t column = vld1q_s8(b + 128 + 16 * c);
                UNROLLED for (size_t p = 0; p < pairs; p++) sums[p][c] = vusmmlaq_s32(sums[p][c], second[p], column);
            }
        }
        if (k > 0) {
            uint8x16_t first[2];
            UNROLLED for (size_t p = 0; p < pairs; p++) {
                const uint8x8_t even = vld1_u8(a + 2 * p * step);
                first[p] = vcombine_u8(even, 2 * p + 1 < m ? vld1_u8(a + (2 * p + 1) * step) : even);
            }
            UNROLLED for (size_t c = 0; c < columns; c++) {
                const int8x16_t column = vld1q_s8(b + 16 * c);
                UNROLLED for (size_t p = 0; p < pairs; p++) sums[p][c] = vusmmlaq_s32(sums[p][c], first[p], column);
            }
            b += 128;
        }
    }
    int32x4_t rows[4][4];
    UNROLLED for (size_t i = 0; i < m; i++)
        UNROLLED for (size_t v = 0; v < vectors; v++) {
            const int64x2_t left = vreinterpretq_s64_s32(sums[i / 2][2 * v]), right = vreinterpretq_s64_s32(sums[i / 2][2 * v + 1]);
            rows[i][v] = vreinterpretq_s32_s64(i % 2 ? vzip2q_s64(left, right) : vzip1q_s64(left, right));
        }
    neon_store_tile(tile, rows, m, vectors, small);
}

NEON_I8MM_INLINE void qgemm_any_m(const struct qgemm_tile *tile, const size_t vectors) {
    switch (tile->m) {
    case 1: qgemm_4x16x8(tile, 1, vectors); break;
    case 2: qgemm_4x16x8(tile, 2, vectors); break;
    case 3: qgemm_4x16x8(tile, 3, vectors); break;
    default: qgemm_4x16x8(tile, 4, vectors); break;
    }
}

NEON_I8MM void qgemm_u8s8_4x16x8_neoni8mm(const struct qgemm_tile *tile) {
    if (tile->n > 8)
        qgemm_any_m(tile, 4);
    else
        qgemm_any_m(tile, 2);
}
#endif
