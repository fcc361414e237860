// SPDX-License-Identifier: Apache-2.0
// sdot: four products of signed 8-bit values into int32, exactly.
#include "neon_store.h"
#if defined(__aarch64__)

#if defined(__clang__)
#define NEON_DOT_FEATURES "dotprod"
#else
#define NEON_DOT_FEATURES "arch=armv8.2-a+dotprod"
#endif
#define NEON_DOT __attribute__((target(NEON_DOT_FEATURES)))
#define NEON_DOT_INLINE static inline __attribute__((always_inline, target(NEON_DOT_FEATURES)))

NEON_DOT_INLINE void qgemm_8x8x4(const struct qgemm_tile *tile, const size_t m) {
    int32x4_t low[8], high[8];
    for (size_t i = 0; i < m; i++) {
        low[i] = vld1q_s32(tile->bias);
        high[i] = vld1q_s32(tile->bias + 4);
    }
    const int8_t *b = tile->b;
    for (size_t s = 0; s < tile->segment_count; s++) {
        const int8_t *a = (const int8_t *)tile->segments[s];
        size_t k = tile->segment_blocks;
        for (; k >= 4; k -= 4, a += 16, b += 128) {
            int8x16_t rows[8];
            for (size_t i = 0; i < m; i++) rows[i] = vld1q_s8(a + i * tile->a_step);
#define STEP(lane)                                                                       \
        do {                                                                                 \
            const int8x16_t b_low = vld1q_s8(b + 32 * lane), b_high = vld1q_s8(b + 32 * lane + 16); \
            for (size_t i = 0; i < m; i++) {                                                 \
                low[i] = vdotq_laneq_s32(low[i], b_low, rows[i], lane);                      \
                high[i] = vdotq_laneq_s32(high[i], b_high, rows[i], lane);                   \
            }                                                                                \
        } while (0)
            STEP(0);
            STEP(1);
            STEP(2);
            STEP(3);
#undef STEP
        }
        for (; k > 0; k--, a += 4, b += 32) {
            const int8x16_t b_low = vld1q_s8(b), b_high = vld1q_s8(b + 16);
            for (size_t i = 0; i < m; i++) {
                int32_t four;
                memcpy(&four, a + i * tile->a_step, sizeof four);
                const int8x16_t row = vreinterpretq_s8_s32(vdupq_n_s32(four));
                low[i] = vdotq_s32(low[i], b_low, row);
                high[i] = vdotq_s32(high[i], b_high, row);
            }
        }
    }
    const size_t element = tile->requantization->float_output ? sizeof(float) : 1;
    for (size_t i = 0; i < m; i++) {
        uint8_t *output = (uint8_t *)tile->output + i * tile->output_step * element;
        const uint8_t *residual = tile->residual ? tile->residual + i * tile->residual_step : NULL;
        neon_store(low[i], tile->n, tile->multipliers, tile->requantization, residual, output);
        if (tile->n > 4)
            neon_store(high[i], tile->n - 4, tile->multipliers + 4, tile->requantization, residual ? residual + 4 : NULL,
                       output + 4 * element);
    }
}

NEON_DOT void qgemm_s8s8_8x8x4_neondot(const struct qgemm_tile *tile) {
    switch (tile->m) {
    case 1: qgemm_8x8x4(tile, 1); break;
    case 2: qgemm_8x8x4(tile, 2); break;
    case 3: qgemm_8x8x4(tile, 3); break;
    case 4: qgemm_8x8x4(tile, 4); break;
    case 5: qgemm_8x8x4(tile, 5); break;
    case 6: qgemm_8x8x4(tile, 6); break;
    case 7: qgemm_8x8x4(tile, 7); break;
    default: qgemm_8x8x4(tile, 8); break;
    }
}
#endif
