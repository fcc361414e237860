// SPDX-License-Identifier: Apache-2.0
// Cores without dot product. Two 8-bit products of values in -128 ... 127 and weights in -127 ... 127 fit 16 bits:
// 2 * 128 * 127 = 32512.
#include "neon_store.h"
#if defined(__aarch64__)

// m pixels and 4 channels. Each accumulator keeps four partial sums along the depth, which are added up at the end.
NEON_INLINE void qgemm_4x4x16(const struct qgemm_tile *tile, const size_t m, const int8_t *b, const int32_t *bias, int32x4_t *totals) {
    int32x4_t sums[4][4];
    UNROLLED for (size_t i = 0; i < m; i++)
        UNROLLED for (size_t j = 0; j < 4; j++) sums[i][j] = vdupq_n_s32(0);
    const size_t step = tile->a_step, segments = tile->segment_count, blocks = tile->segment_blocks;
    const bool half = (tile->segment_depth - 1) % 16 < 8; // of the last block of a segment
    for (size_t s = 0; s < segments; s++) {
        const int8_t *a = (const int8_t *)tile->segments[s];
        for (size_t k = half; k < blocks; k++, a += 16, b += 256) {
            MARK_LOOP("gemm smull", m * 64);
            int8x16_t pixels[4];
            UNROLLED for (size_t i = 0; i < m; i++) pixels[i] = vld1q_s8(a + i * step);
            UNROLLED for (size_t j = 0; j < 4; j++) {
                const int8x16_t column = vld1q_s8(b + 16 * j);
                UNROLLED for (size_t i = 0; i < m; i++) {
                    const int16x8_t products = vmlal_high_s8(vmull_s8(vget_low_s8(pixels[i]), vget_low_s8(column)), pixels[i], column);
                    sums[i][j] = vpadalq_s16(sums[i][j], products);
                }
            }
        }
        if (half) {
            int8x8_t pixels[4];
            UNROLLED for (size_t i = 0; i < m; i++) pixels[i] = vld1_s8(a + i * step);
            UNROLLED for (size_t j = 0; j < 4; j++) {
                const int8x8_t column = vld1_s8(b + 16 * j);
                UNROLLED for (size_t i = 0; i < m; i++) sums[i][j] = vpadalq_s16(sums[i][j], vmull_s8(pixels[i], column));
            }
            b += 256;
        }
    }
    UNROLLED for (size_t i = 0; i < m; i++) {
        const int32x4_t total = vpaddq_s32(vpaddq_s32(sums[i][0], sums[i][1]), vpaddq_s32(sums[i][2], sums[i][3]));
        totals[4 * i] = vaddq_s32(total, vld1q_s32(bias));
    }
}

void qgemm_s8s8_4x16x16_neon(const struct qgemm_tile *tile) {
    int32x4_t totals[4 * 4];
    for (size_t c = 0; c < tile->n; c += 4) {
        const int8_t *b = (const int8_t *)tile->b + 16 * c;
        const int32_t *bias = tile->bias + c;
        switch (tile->m) {
        case 1: qgemm_4x4x16(tile, 1, b, bias, totals + c / 4); break;
        case 2: qgemm_4x4x16(tile, 2, b, bias, totals + c / 4); break;
        case 3: qgemm_4x4x16(tile, 3, b, bias, totals + c / 4); break;
        default: qgemm_4x4x16(tile, 4, b, bias, totals + c / 4); break;
        }
    }
    neon_store_pixels(&(struct neon_pixels){totals, tile->m, 4, tile->n, tile->multipliers, tile->requantization, tile->residual,
                                            tile->output, tile->output_step, tile->residual_step});
}
#endif
