// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution without dot product, of any window.
#include "neon_products.h"
#if defined(__aarch64__)

NEON_INLINE void widen(int32x4_t sums[4], struct products p) {
    sums[0] = vaddw_s16(sums[0], vget_low_s16(p.low));
    sums[1] = vaddw_high_s16(sums[1], p.low);
    sums[2] = vaddw_s16(sums[2], vget_low_s16(p.high));
    sums[3] = vaddw_high_s16(sums[3], p.high);
}

// Any window, any output.
void qdepthwise_s8s8_16x1_neon(const struct qdepthwise_run *run) {
    const size_t height = run->kernel_height, width = run->kernel_width;
    const struct requantization *r = run->requantization;
    const size_t element = r->float_output ? sizeof(float) : 1;
    const int8_t *weights = run->weights;
    for (size_t c = 0; c < run->channels; c += SLICE, weights += SLICE * height * width) {
        const size_t n = run->channels - c < SLICE ? run->channels - c : SLICE;
        for (size_t i = 0; i < run->pixels; i++) {
            int32x4_t sums[4];
            UNROLLED for (size_t v = 0; v < 4; v++) sums[v] = vld1q_s32(run->bias + c + 4 * v);
            const int8_t *w = weights;
            for (size_t x = 0; x < width; x++) {
                const size_t offset = i * run->pixel_step + x * run->tap_step + c;
                size_t y = 0;
                for (; y + 1 < height; y += 2, w += 32)
                    widen(sums, plus(product(flipped(neon_load_first(run->rows[y] + offset, n)), vld1q_s8(w)),
                                     flipped(neon_load_first(run->rows[y + 1] + offset, n)), vld1q_s8(w + 16)));
                if (y < height) {
                    widen(sums, product(flipped(neon_load_first(run->rows[y] + offset, n)), vld1q_s8(w)));
                    w += 16;
                }
            }
            neon_store_pixels(&(struct neon_pixels){sums, 1, 4, n, run->multipliers + c, r,
                                                    run->residual ? run->residual + i * run->residual_step + c : NULL,
                                                    (uint8_t *)run->output + (i * run->output_step + c) * element, 0, 0});
        }
    }
}

// Weights, bias and multipliers are brought into the order of the kernel for any window, for each run anew.
void neon_depthwise_other(const struct qdepthwise_run *run, size_t group) {
    const size_t size = run->kernel_width, units = depthwise_unit_count(size, group), channels = depthwise_unit_run(size, group);
    const uint8_t *rows[MOST_TAPS];
    struct qdepthwise_run slice = *run;
    slice.rows = rows;
    const size_t element = run->requantization->float_output ? sizeof(float) : 1;
    for (size_t c = 0; c < run->channels; c += SLICE) {
        int8_t weights[MOST_TAPS * MOST_TAPS * SLICE];
        int32_t bias[SLICE];
        float multipliers[SLICE];
        const int8_t *packed = (const int8_t *)run->weights + c * units * group;
        for (size_t channel = 0; channel < SLICE; channel++) {
            const size_t position = channel / channels * channels + channel % channels / 2 + channel % 2 * (channels / 2);
            bias[channel] = run->bias[c + position];
            multipliers[channel] = run->multipliers[c + position];
            for (size_t i = 0; i < units * group; i++) {
                const int tap = depthwise_tap(size, group, i / group, i % group, channel % 2);
                if (tap >= 0) weights[(size_t)tap * SLICE + channel] = packed[(i / group * SLICE + position) * group + i % group];
            }
        }
        for (size_t y = 0; y < size; y++) rows[y] = run->rows[y] + c;
        slice.channels = run->channels - c < SLICE ? run->channels - c : SLICE;
        slice.weights = weights;
        slice.bias = bias;
        slice.multipliers = multipliers;
        slice.residual = run->residual ? run->residual + c : NULL;
        slice.output = (uint8_t *)run->output + c * element;
        qdepthwise_s8s8_16x1_neon(&slice);
    }
}
#endif
