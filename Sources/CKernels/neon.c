// SPDX-License-Identifier: Apache-2.0
// Cores without dot product. Two 8-bit products of values in -128 ... 127 and weights in -127 ... 127 fit 16 bits:
// 2 * 128 * 127 = 32512.
#include "neon_store.h"
#if defined(__aarch64__)

// Each sum keeps four partial sums along the depth, which are added up at the end.
NEON_INLINE void qgemm_4x4x16(const struct qgemm_tile *tile, const size_t m) {
    int32x4_t sums[4][4];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < 4; j++) sums[i][j] = vdupq_n_s32(0);
    const int8_t *b = tile->b;
    for (size_t s = 0; s < tile->segment_count; s++) {
        const int8_t *a = (const int8_t *)tile->segments[s];
        for (size_t k = 0; k < tile->segment_blocks; k++, a += 16, b += 64) {
            int8x16_t rows[4];
            for (size_t i = 0; i < m; i++) rows[i] = vld1q_s8(a + i * tile->a_step);
            for (size_t j = 0; j < 4; j++) {
                const int8x16_t column = vld1q_s8(b + 16 * j);
                for (size_t i = 0; i < m; i++) {
                    const int16x8_t products = vmlal_high_s8(vmull_s8(vget_low_s8(rows[i]), vget_low_s8(column)), rows[i], column);
                    sums[i][j] = vpadalq_s16(sums[i][j], products);
                }
            }
        }
    }
    const size_t element = tile->requantization->float_output ? sizeof(float) : 1;
    const int32x4_t bias = vld1q_s32(tile->bias);
    for (size_t i = 0; i < m; i++) {
        const int32x4_t sum = vpaddq_s32(vpaddq_s32(sums[i][0], sums[i][1]), vpaddq_s32(sums[i][2], sums[i][3]));
        neon_store(vaddq_s32(sum, bias), tile->n, tile->multipliers, tile->requantization,
                   tile->residual ? tile->residual + i * tile->residual_step : NULL,
                   (uint8_t *)tile->output + i * tile->output_step * element);
    }
}

void qgemm_s8s8_4x4x16_neon(const struct qgemm_tile *tile) {
    switch (tile->m) {
    case 1: qgemm_4x4x16(tile, 1); break;
    case 2: qgemm_4x4x16(tile, 2); break;
    case 3: qgemm_4x4x16(tile, 3); break;
    default: qgemm_4x4x16(tile, 4); break;
    }
}

// The first n of 16 channels, minus 128.
NEON_INLINE int8x16_t flipped(const uint8_t *from, size_t n) {
    uint8_t bytes[16] = {0};
    if (n < 16) {
        memcpy(bytes, from, n);
        from = bytes;
    }
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(from), vdupq_n_u8(0x80)));
}

NEON_INLINE void widen(int32x4_t sums[4], int16x8_t low, int16x8_t high) {
    sums[0] = vaddw_s16(sums[0], vget_low_s16(low));
    sums[1] = vaddw_high_s16(sums[1], low);
    sums[2] = vaddw_s16(sums[2], vget_low_s16(high));
    sums[3] = vaddw_high_s16(sums[3], high);
}

NEON_INLINE void qdepthwise(const struct qdepthwise_run *run, const size_t height, const size_t width) {
    const int8_t *weights = run->weights;
    const size_t element = run->requantization->float_output ? sizeof(float) : 1;
    for (size_t c = 0; c < run->channels; c += 16, weights += 16 * height * width) {
        const size_t n = run->channels - c;
        for (size_t i = 0; i < run->pixels; i++) {
            int32x4_t sums[4];
            for (size_t v = 0; v < 4; v++) sums[v] = vld1q_s32(run->bias + c + 4 * v);
            const int8_t *w = weights;
            for (size_t x = 0; x < width; x++) {
                const size_t offset = i * run->pixel_step + x * run->tap_step + c;
                size_t y = 0;
                for (; y + 1 < height; y += 2, w += 32) {
                    const int8x16_t first = flipped(run->rows[y] + offset, n), second = flipped(run->rows[y + 1] + offset, n);
                    const int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16);
                    widen(sums, vmlal_s8(vmull_s8(vget_low_s8(first), vget_low_s8(w0)), vget_low_s8(second), vget_low_s8(w1)),
                          vmlal_high_s8(vmull_high_s8(first, w0), second, w1));
                }
                if (y < height) {
                    const int8x16_t last = flipped(run->rows[y] + offset, n), w0 = vld1q_s8(w);
                    widen(sums, vmull_s8(vget_low_s8(last), vget_low_s8(w0)), vmull_high_s8(last, w0));
                    w += 16;
                }
            }
            for (size_t v = 0; v < 4 && 4 * v < n; v++) {
                const size_t channel = c + 4 * v;
                neon_store(sums[v], n - 4 * v, run->multipliers + channel, run->requantization,
                           run->residual ? run->residual + i * run->residual_step + channel : NULL,
                           (uint8_t *)run->output + (i * run->output_step + channel) * element);
            }
        }
    }
}

void qdepthwise_s8s8_16x1_neon(const struct qdepthwise_run *run) { qdepthwise(run, run->kernel_height, run->kernel_width); }
void qdepthwise3x3_s8s8_16x1_neon(const struct qdepthwise_run *run) { qdepthwise(run, 3, 3); }
void qdepthwise5x5_s8s8_16x1_neon(const struct qdepthwise_run *run) { qdepthwise(run, 5, 5); }
#endif
