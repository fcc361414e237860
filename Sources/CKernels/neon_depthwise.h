// SPDX-License-Identifier: Apache-2.0
// What the depthwise kernels of all NEON levels share. They take a slice of 16 channels at a time along a row of pixels.
#pragma once
#include "convolution.h"
#include "neon_store.h"
#if defined(__aarch64__)

enum { SLICE = 16, TAIL_PIXELS = 16, MOST_TAPS = 5 };

NEON_INLINE int8x16_t flipped(uint8x16_t x) { return vreinterpretq_s8_u8(veorq_u8(x, vdupq_n_u8(0x80))); }

// The first n of 16 channels; the others are 0.
NEON_INLINE uint8x16_t neon_load_first(const uint8_t *from, size_t n) {
    if (n >= 16) return vld1q_u8(from);
    if (n == 8) return vcombine_u8(vld1_u8(from), vdup_n_u8(0));
    uint8_t bytes[16] = {0};
    memcpy(bytes, from, n);
    return vld1q_u8(bytes);
}

NEON_INLINE void neon_store_first(uint8_t *to, uint8x16_t values, size_t n) {
    if (n == 8) {
        vst1_u8(to, vget_low_u8(values));
        return;
    }
    uint8_t bytes[16];
    vst1q_u8(bytes, values);
    memcpy(to, bytes, n);
}

// Steps in columns from a pixel's window to the next one's, where that is whole columns; 0 elsewhere.
NEON_INLINE size_t neon_stride(const struct qdepthwise_run *run) {
    return run->pixel_step % run->tap_step == 0 ? run->pixel_step / run->tap_step : 0;
}

// What the kernels for slices take; other runs are rare in networks.
NEON_INLINE bool neon_takes_slices(const struct qdepthwise_run *run) {
    const size_t stride = neon_stride(run);
    return (stride == 1 || stride == 2) && run->requantization->small && !run->requantization->float_output && !run->residual;
}

// Neither zero point nor limits change what saturation gives: so it is behind a relu.
NEON_INLINE bool neon_is_bare(const struct requantization *r) { return r->zero_point == 0 && r->lower == 0 && r->upper == 255; }

// The bytes of two rows of pixels side by side, of the even channels and of the odd ones. For the accumulators of 16 channels, so ordered,
// neon_turned_back has them in their order again.
struct turned {
    int8x16_t even, odd;
};
NEON_INLINE struct turned turned(int8x16_t first, int8x16_t second) {
    return (struct turned){vtrn1q_s8(first, second), vtrn2q_s8(first, second)};
}

// The 16 channels of a pixel from products of accumulators and multipliers, for small results, with NEON_FLOAT_SHIFT in them.
NEON_INLINE uint8x16_t neon_turned_back(const float32x4_t shifted[4], const struct neon_rule *rule, const bool bare) {
    int16x8_t rounded[4];
    UNROLLED for (size_t v = 0; v < 4; v++) rounded[v] = vreinterpretq_s16_f32(shifted[v]);
    const int16x8_t low = vtrn1q_s16(rounded[0], rounded[2]), high = vtrn1q_s16(rounded[1], rounded[3]);
    if (bare) return vqmovun_high_s16(vqmovun_s16(low), high);
    return neon_clamp(vqaddq_s16(low, rule->zero_point), vqaddq_s16(high, rule->zero_point), rule);
}

// What the kernels for slices don't take, with weights in units of so many taps.
void neon_depthwise_other(const struct qdepthwise_run *run, size_t group);

// Runs `kernel`, which takes slices of 16 channels and windows `taps` high and wide, over all channels. `weight_bytes` belong to each
// slice. The channels beyond the last whole slice are taken some pixels at a time, by way of a copy.
NEON_INLINE void neon_depthwise_slices(const struct qdepthwise_run *run, const size_t taps, size_t weight_bytes,
                                       void (*kernel)(const struct qdepthwise_run *slice)) {
    const uint8_t *rows[MOST_TAPS];
    struct qdepthwise_run slice = *run;
    slice.channels = SLICE;
    slice.rows = rows;
    size_t c = 0;
    for (; c + SLICE <= run->channels; c += SLICE) {
        for (size_t y = 0; y < taps; y++) rows[y] = run->rows[y] + c;
        slice.weights = (const int8_t *)run->weights + c / SLICE * weight_bytes;
        slice.bias = run->bias + c;
        slice.multipliers = run->multipliers + c;
        slice.output = (uint8_t *)run->output + c;
        kernel(&slice);
    }
    const size_t n = run->channels - c, stride = neon_stride(run);
    if (n == 0) return;
    uint8_t columns[(2 * TAIL_PIXELS + MOST_TAPS) * MOST_TAPS * SLICE], output[TAIL_PIXELS * SLICE];
    for (size_t y = 0; y < taps; y++) rows[y] = columns + y * SLICE;
    slice.tap_step = taps * SLICE;
    slice.pixel_step = stride * slice.tap_step;
    slice.weights = (const int8_t *)run->weights + c / SLICE * weight_bytes;
    slice.bias = run->bias + c;
    slice.multipliers = run->multipliers + c;
    slice.output = output;
    slice.output_step = SLICE;
    for (size_t first = 0; first < run->pixels; first += TAIL_PIXELS) {
        slice.pixels = run->pixels - first < TAIL_PIXELS ? run->pixels - first : TAIL_PIXELS;
        const size_t width = (slice.pixels - 1) * stride + taps;
        for (size_t x = 0; x < width; x++)
            for (size_t y = 0; y < taps; y++)
                vst1q_u8(columns + (x * taps + y) * SLICE,
                         neon_load_first(run->rows[y] + first * run->pixel_step + x * run->tap_step + c, n));
        kernel(&slice);
        for (size_t i = 0; i < slice.pixels; i++)
            neon_store_first((uint8_t *)run->output + (first + i) * run->output_step + c, vld1q_u8(output + i * SLICE), n);
    }
}
#endif
