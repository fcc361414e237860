// SPDX-License-Identifier: Apache-2.0
// sdot: four products of signed 8-bit values into int32, exactly.
#include "neondot.h"
#include "neon_store.h"
#if defined(__aarch64__)

// m pixels and the first 4 * vectors of 16 channels. Blocks of weights are taken four at a time, one for each lane of 16 bytes of a pixel.
NEON_DOT_INLINE void qgemm_6x16x4(const struct qgemm_tile *tile, const size_t m, const size_t vectors) {
    const bool small = neon_is_small(tile, vectors);
    const int32x4_t offset = vdupq_n_s32(small ? NEON_FLOAT_OFFSET : 0);
    int32x4_t sums[6][4];
    UNROLLED for (size_t v = 0; v < vectors; v++) sums[0][v] = vaddq_s32(vld1q_s32(tile->bias + 4 * v), offset);
    UNROLLED for (size_t i = 1; i < m; i++)
        UNROLLED for (size_t v = 0; v < vectors; v++) sums[i][v] = sums[0][v];
    const int8_t *b = tile->b;
    const size_t step = tile->a_step, segments = tile->segment_count, blocks = tile->segment_blocks;
    for (size_t s = 0; s < segments; s++) {
        const int8_t *a[6];
        UNROLLED for (size_t i = 0; i < m; i++) a[i] = (const int8_t *)tile->segments[s] + i * step;
        for (size_t k = blocks / 4; k > 0; k--, b += 256) {
            MARK_LOOP("gemm sdot", m * vectors * 64);
            int8x16_t pixels[6];
            UNROLLED for (size_t i = 0; i < m; i++) {
                pixels[i] = vld1q_s8(a[i]);
                a[i] += 16;
                OWN_REGISTER(a[i]);
            }
#define BLOCK(lane)                                                                                      \
    UNROLLED for (size_t v = 0; v < vectors; v++) {                                                               \
        const int8x16_t column = vld1q_s8(b + 64 * lane + 16 * v);                                       \
        UNROLLED for (size_t i = 0; i < m; i++) sums[i][v] = vdotq_laneq_s32(sums[i][v], column, pixels[i], lane); \
    }
            BLOCK(0)
            BLOCK(1)
            BLOCK(2)
            BLOCK(3)
#undef BLOCK
        }
        for (size_t k = blocks % 4; k > 0; k--, b += 64) {
            int8x16_t columns[4];
            UNROLLED for (size_t v = 0; v < vectors; v++) columns[v] = vld1q_s8(b + 16 * v);
            UNROLLED for (size_t i = 0; i < m; i++) {
                int32_t four;
                memcpy(&four, a[i], sizeof four);
                a[i] += 4;
                OWN_REGISTER(a[i]);
                const int8x8_t pixel = vreinterpret_s8_s32(vset_lane_s32(four, vdup_n_s32(0), 0));
                UNROLLED for (size_t v = 0; v < vectors; v++) sums[i][v] = vdotq_lane_s32(sums[i][v], columns[v], pixel, 0);
            }
        }
    }
    neon_store_tile(tile, sums, m, vectors, small);
}

NEON_DOT_INLINE void qgemm_any_m(const struct qgemm_tile *tile, const size_t vectors) {
    switch (tile->m) {
    case 1: qgemm_6x16x4(tile, 1, vectors); break;
    case 2: qgemm_6x16x4(tile, 2, vectors); break;
    case 3: qgemm_6x16x4(tile, 3, vectors); break;
    case 4: qgemm_6x16x4(tile, 4, vectors); break;
    case 5: qgemm_6x16x4(tile, 5, vectors); break;
    default: qgemm_6x16x4(tile, 6, vectors); break;
    }
}

NEON_DOT void qgemm_s8s8_6x16x4_neondot(const struct qgemm_tile *tile) {
    if (tile->n > 8)
        qgemm_any_m(tile, 4);
    else
        qgemm_any_m(tile, 2);
}

// One pixel by weights of 4 bits, 16 channels after 16: udot with the weights as they are packed, whose 8 is taken out of the bias.
NEON_DOT void qnarrow_u8s4_1x16x8_neondot(const struct qgemm_tile *tile) {
    const uint8_t *const a = tile->segments[0];
    const size_t blocks = tile->segment_blocks;
    const uint32x4_t excess = vdupq_n_u32(8 * neon_sum(a, 8 * blocks));
    const uint8x16_t nibble = vdupq_n_u8(15);
    for (size_t channel = 0; channel < tile->n; channel += 16) {
        const uint8_t *b = (const uint8_t *)tile->b + channel / 16 * tile->b_step;
        uint32x4_t first[4], second[4]; // of the halves of each block
        UNROLLED for (size_t v = 0; v < 4; v++) first[v] = second[v] = vdupq_n_u32(0);
        for (size_t k = 0; k < blocks; k++, b += 64) {
            const uint8x8_t pixel = vld1_u8(a + 8 * k);
            UNROLLED for (size_t v = 0; v < 4; v++) {
                const uint8x16_t pairs = vld1q_u8(b + 16 * v);
                first[v] = vdotq_lane_u32(first[v], vandq_u8(pairs, nibble), pixel, 0);
                second[v] = vdotq_lane_u32(second[v], vshrq_n_u8(pairs, 4), pixel, 1);
            }
        }
        uint32x4_t products[4];
        UNROLLED for (size_t v = 0; v < 4; v++) products[v] = vaddq_u32(first[v], second[v]);
        neon_store_narrow(tile, channel, products, excess);
    }
}
#endif
