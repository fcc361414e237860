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

NEON_INLINE void qgemm_4x16x16(const struct qgemm_tile *tile, const size_t m, int32x4_t *totals) {
    for (size_t c = 0; c < tile->n; c += 4)
        qgemm_4x4x16(tile, m, (const int8_t *)tile->b + 16 * c, tile->bias + c, totals + c / 4);
}

void qgemm_s8s8_4x16x16_neon(const struct qgemm_tile *tile) {
    int32x4_t totals[4 * 4];
    switch (tile->m) {
    case 1: qgemm_4x16x16(tile, 1, totals); break;
    case 2: qgemm_4x16x16(tile, 2, totals); break;
    case 3: qgemm_4x16x16(tile, 3, totals); break;
    default: qgemm_4x16x16(tile, 4, totals); break;
    }
    neon_store_pixels(&(struct neon_pixels){totals, tile->m, 4, tile->n, tile->multipliers, tile->requantization, tile->residual,
                                            tile->output, tile->output_step, tile->residual_step});
}

// One pixel by weights of 4 bits, 16 channels after 16. The 8 in the weights as they are packed is taken out of the bias; the products
// of eight blocks fit 16 bits: 16 * 255 * 15 < 2^16.
void qnarrow_u8s4_1x16x8_neon(const struct qgemm_tile *tile) {
    const uint8_t *const a = tile->segments[0];
    const size_t blocks = tile->segment_blocks;
    const uint32x4_t excess = vdupq_n_u32(8 * neon_sum(a, 8 * blocks));
    const uint8x16_t nibble = vdupq_n_u8(15);
    for (size_t channel = 0; channel < tile->n; channel += 16) {
        const uint8_t *b = (const uint8_t *)tile->b + channel / 16 * tile->b_step;
        uint32x4_t halves[8]; // two sums of two channels each
        UNROLLED for (size_t v = 0; v < 8; v++) halves[v] = vdupq_n_u32(0);
        for (size_t k = 0; k < blocks;) {
            uint16x8_t pairs[8];
            UNROLLED for (size_t v = 0; v < 8; v++) pairs[v] = vdupq_n_u16(0);
            const size_t last = blocks - k < 8 ? blocks : k + 8;
            for (; k < last; k++, b += 64) {
                const uint32x2_t pixel = vreinterpret_u32_u8(vld1_u8(a + 8 * k));
                const uint8x16_t first = vreinterpretq_u8_u32(vdupq_lane_u32(pixel, 0));
                const uint8x16_t second = vreinterpretq_u8_u32(vdupq_lane_u32(pixel, 1));
                UNROLLED for (size_t v = 0; v < 4; v++) {
                    const uint8x16_t both = vld1q_u8(b + 16 * v), low = vandq_u8(both, nibble), high = vshrq_n_u8(both, 4);
                    pairs[2 * v] = vmlal_u8(pairs[2 * v], vget_low_u8(low), vget_low_u8(first));
                    pairs[2 * v + 1] = vmlal_high_u8(pairs[2 * v + 1], low, first);
                    pairs[2 * v] = vmlal_u8(pairs[2 * v], vget_low_u8(high), vget_low_u8(second));
                    pairs[2 * v + 1] = vmlal_high_u8(pairs[2 * v + 1], high, second);
                }
            }
            UNROLLED for (size_t v = 0; v < 8; v++) halves[v] = vpadalq_u16(halves[v], pairs[v]);
        }
        uint32x4_t products[4];
        UNROLLED for (size_t v = 0; v < 4; v++) products[v] = vpaddq_u32(halves[2 * v], halves[2 * v + 1]);
        neon_store_narrow(tile, channel, products, excess);
    }
}
#endif
