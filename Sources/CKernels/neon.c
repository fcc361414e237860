// SPDX-License-Identifier: Apache-2.0
// Cores without dot product. Two 8-bit products of values in -128 ... 127 and weights in -127 ... 127 fit 16 bits:
// 2 * 128 * 127 = 32512.
#include "neon_store.h"
#if defined(__aarch64__)

// Four values of a pixel, for each of 4 channels. A compiler that sees the copies takes high halves of weights apart instead.
NEON_INLINE int8x16_t four_times(const int8_t *from) {
    int8x16_t four;
    __asm__("ld1r {%0.4s}, %1" : "=w"(four) : "Q"(*(const int8_t(*)[4])from));
    return four;
}

// m pixels and 4 * vectors channels. An accumulator keeps two partial sums of each of two channels, which are added up at the end.
NEON_INLINE void qgemm_2x16x4(const struct qgemm_tile *tile, const size_t m, const size_t vectors) {
    const bool small = neon_is_small(tile, vectors);
    const int32x4_t offset = vdupq_n_s32(small ? NEON_FLOAT_OFFSET : 0), zero = vdupq_n_s32(0);
    int32x4_t sums[2][8];
    UNROLLED for (size_t v = 0; v < vectors; v++) {
        const int32x4_t bias = vaddq_s32(vld1q_s32(tile->bias + 4 * v), offset);
        UNROLLED for (size_t i = 0; i < m; i++) {
            sums[i][2 * v] = vzip1q_s32(bias, zero);
            sums[i][2 * v + 1] = vzip2q_s32(bias, zero);
        }
    }
    const int8_t *b = tile->b;
    const size_t step = tile->a_step, segments = tile->segment_count, blocks = tile->segment_blocks;
    for (size_t s = 0; s < segments; s++) {
        const int8_t *a[2], *next[2];
        UNROLLED for (size_t i = 0; i < m; i++) {
            a[i] = (const int8_t *)tile->segments[s] + i * step;
            next[i] = a[i] + 4;
            OWN_REGISTER(next[i]);
        }
        for (size_t k = blocks / 2; k > 0; k--, b += 128) {
            MARK_LOOP("gemm smull", m * vectors * 32);
            int8x16_t first[2], second[2];
            UNROLLED for (size_t i = 0; i < m; i++) {
                first[i] = four_times(a[i]);
                second[i] = four_times(next[i]);
                a[i] += 8;
                next[i] += 8;
            }
            UNROLLED for (size_t v = 0; v < vectors; v++) {
                const int8x16_t column = vld1q_s8(b + 16 * v), after = vld1q_s8(b + 64 + 16 * v);
                UNROLLED for (size_t i = 0; i < m; i++) {
                    const int16x8_t low = vmull_s8(vget_low_s8(first[i]), vget_low_s8(column));
                    const int16x8_t high = vmull_high_s8(first[i], column);
                    sums[i][2 * v] = vpadalq_s16(sums[i][2 * v], vmlal_s8(low, vget_low_s8(second[i]), vget_low_s8(after)));
                    sums[i][2 * v + 1] = vpadalq_s16(sums[i][2 * v + 1], vmlal_high_s8(high, second[i], after));
                }
            }
        }
        if (blocks % 2) {
            int8x16_t pixels[2];
            UNROLLED for (size_t i = 0; i < m; i++) pixels[i] = four_times(a[i]);
            UNROLLED for (size_t v = 0; v < vectors; v++) {
                const int8x16_t column = vld1q_s8(b + 16 * v);
                UNROLLED for (size_t i = 0; i < m; i++) {
                    sums[i][2 * v] = vpadalq_s16(sums[i][2 * v], vmull_s8(vget_low_s8(pixels[i]), vget_low_s8(column)));
                    sums[i][2 * v + 1] = vpadalq_s16(sums[i][2 * v + 1], vmull_high_s8(pixels[i], column));
                }
            }
            b += 64;
        }
    }
    int32x4_t totals[2][4];
    UNROLLED for (size_t i = 0; i < m; i++)
        UNROLLED for (size_t v = 0; v < vectors; v++) totals[i][v] = vpaddq_s32(sums[i][2 * v], sums[i][2 * v + 1]);
    neon_store_tile(tile, totals, m, vectors, small);
}

void qgemm_s8s8_2x16x4_neon(const struct qgemm_tile *tile) {
    if (tile->n > 8) {
        if (tile->m > 1)
            qgemm_2x16x4(tile, 2, 4);
        else
            qgemm_2x16x4(tile, 1, 4);
    } else {
        if (tile->m > 1)
            qgemm_2x16x4(tile, 2, 2);
        else
            qgemm_2x16x4(tile, 1, 2);
    }
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
