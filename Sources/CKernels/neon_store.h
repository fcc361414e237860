// SPDX-License-Identifier: Apache-2.0
// The rule of struct requantization for up to 16 channels of a pixel.
#pragma once
#if defined(__aarch64__)
#include "internal.h"
#include "loop_marker.h"
#include <arm_neon.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define NEON_INLINE static inline __attribute__((always_inline))

// A loop over the registers of a tile: they are registers only where its index is a constant.
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

// The sum of a multiple of 8 bytes.
NEON_INLINE uint32_t neon_sum(const uint8_t *bytes, size_t count) {
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i += 8) sum += vaddlv_u8(vld1_u8(bytes + i));
    return sum;
}

// Keeps a pointer in a register of its own. Compilers compute it from another one else, with additions in the innermost loop, or
// fetch what it points to before the loop, into more registers than there are.
#define OWN_REGISTER(pointer) __asm__("" : "+r"(pointer))

struct neon_rule {
    float32x4_t multipliers[4];
    float32x4_t residual_multiplier;
    int16x8_t zero_point;
    uint8x8_t residual_zero_point;
    uint8x16_t lower, upper;
};

NEON_INLINE struct neon_rule neon_rule(const struct requantization *r, const float *multipliers, const size_t vectors) {
    struct neon_rule rule = {
        .residual_multiplier = vdupq_n_f32(r->residual_multiplier),
        .zero_point = vdupq_n_s16((int16_t)r->zero_point),
        .residual_zero_point = vdup_n_u8((uint8_t)r->residual_zero_point),
        .lower = vdupq_n_u8((uint8_t)r->lower),
        .upper = vdupq_n_u8((uint8_t)r->upper),
    };
    UNROLLED for (size_t v = 0; v < vectors; v++) rule.multipliers[v] = vld1q_f32(multipliers + 4 * v);
    return rule;
}

// Adds the residual's part to 8 channels.
NEON_INLINE void neon_add_residual(float32x4_t real[2], const struct neon_rule *rule, uint8x8_t residual) {
    const int16x8_t centred = vreinterpretq_s16_u16(vsubl_u8(residual, rule->residual_zero_point));
    real[0] = vaddq_f32(real[0], vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(centred))), rule->residual_multiplier));
    real[1] = vaddq_f32(real[1], vmulq_f32(vcvtq_f32_s32(vmovl_high_s16(centred)), rule->residual_multiplier));
}

// The narrowing steps saturate, each beyond what can still change the result.
NEON_INLINE int16x8_t neon_round(const float32x4_t real[2], const struct neon_rule *rule) {
    const int16x8_t rounded = vqmovn_high_s32(vqmovn_s32(vcvtnq_s32_f32(real[0])), vcvtnq_s32_f32(real[1]));
    return vqaddq_s16(rounded, rule->zero_point);
}

NEON_INLINE uint8x16_t neon_clamp(int16x8_t low, int16x8_t high, const struct neon_rule *rule) {
    return vminq_u8(vmaxq_u8(vqmovun_high_s16(vqmovun_s16(low), high), rule->lower), rule->upper);
}

NEON_INLINE uint8x8_t neon_clamp_half(int16x8_t values, const struct neon_rule *rule) {
    return vmin_u8(vmax_u8(vqmovun_s16(values), vget_low_u8(rule->lower)), vget_low_u8(rule->upper));
}

// 8 channels from their accumulators; with those of the residual where there is one.
NEON_INLINE int16x8_t neon_requantize(const int32x4_t sums[2], const float32x4_t multipliers[2], const struct neon_rule *rule,
                                      const uint8_t *residual) {
    float32x4_t real[2] = {vmulq_f32(vcvtq_f32_s32(sums[0]), multipliers[0]), vmulq_f32(vcvtq_f32_s32(sums[1]), multipliers[1])};
    if (residual) neon_add_residual(real, rule, vld1_u8(residual));
    return neon_round(real, rule);
}

// Stores the 4 * vectors channels of a pixel, vectors being 2 or 4.
NEON_INLINE void neon_store(const int32x4_t sums[4], const size_t vectors, const struct neon_rule *rule, const uint8_t *residual,
                            uint8_t *output) {
    const int16x8_t low = neon_requantize(sums, rule->multipliers, rule, residual);
    if (vectors == 2)
        vst1_u8(output, neon_clamp_half(low, rule));
    else
        vst1q_u8(output, neon_clamp(low, neon_requantize(sums + 2, rule->multipliers + 2, rule, residual ? residual + 8 : NULL), rule));
}

// What makes a small sum the bits of a float: 3 * 2^22 + sum, exactly. A float becomes the nearest integer, half to even, when as much
// is added to it.
#define NEON_FLOAT_OFFSET 0x4B400000
#define NEON_FLOAT_SHIFT 12582912.0f

// 8 channels of a layer whose results are small. Conversions take turns on one unit of recent cores, additions don't.
NEON_INLINE int16x8_t neon_requantize_small(const int32x4_t offset_sums[2], const float32x4_t multipliers[2], const struct neon_rule *rule,
                                            const uint8_t *residual) {
    const float32x4_t shift = vdupq_n_f32(NEON_FLOAT_SHIFT);
    float32x4_t real[2] = {
        vmulq_f32(vsubq_f32(vreinterpretq_f32_s32(offset_sums[0]), shift), multipliers[0]),
        vmulq_f32(vsubq_f32(vreinterpretq_f32_s32(offset_sums[1]), shift), multipliers[1]),
    };
    if (residual) neon_add_residual(real, rule, vld1_u8(residual));
    const int16x8_t first = vreinterpretq_s16_f32(vaddq_f32(real[0], shift)), second = vreinterpretq_s16_f32(vaddq_f32(real[1], shift));
    return vqaddq_s16(vuzp1q_s16(first, second), rule->zero_point);
}

NEON_INLINE void neon_store_small(const int32x4_t offset_sums[4], const size_t vectors, const struct neon_rule *rule,
                                  const uint8_t *residual, uint8_t *output) {
    const int16x8_t low = neon_requantize_small(offset_sums, rule->multipliers, rule, residual);
    if (vectors == 2) {
        vst1_u8(output, neon_clamp_half(low, rule));
        return;
    }
    const int16x8_t high = neon_requantize_small(offset_sums + 2, rule->multipliers + 2, rule, residual ? residual + 8 : NULL);
    vst1q_u8(output, neon_clamp(low, high, rule));
}

// Stores a run of pixels of which each has `vectors` (2 or 4) accumulators of 4 channels, of which the first n channels are stored. Takes
// any output, and is meant for what is rare or has to go through memory anyway.
struct neon_pixels {
    const int32x4_t *sums; // [count][vectors]
    size_t count, vectors, n;
    const float *multipliers; // [4 * vectors]
    const struct requantization *requantization;
    const uint8_t *residual; // null, or the first pixel's
    void *output;
    size_t output_step, residual_step;
};
void neon_store_pixels(const struct neon_pixels *p);

// Whether a tile's sums are kept with NEON_FLOAT_OFFSET in them, for neon_store_tile.
NEON_INLINE bool neon_is_small(const struct qgemm_tile *tile, const size_t vectors) {
    return tile->requantization->small && !tile->requantization->float_output && tile->n == 4 * vectors;
}

// Stores a tile of m pixels, at most 6, and 4 * vectors channels.
NEON_INLINE void neon_store_tile(const struct qgemm_tile *tile, const int32x4_t sums[][4], const size_t m, const size_t vectors, bool small) {
    const struct requantization *r = tile->requantization;
    if (!small) {
        int32x4_t stored[6 * 4];
        UNROLLED for (size_t i = 0; i < m; i++)
            UNROLLED for (size_t v = 0; v < vectors; v++) stored[i * vectors + v] = sums[i][v];
        neon_store_pixels(&(struct neon_pixels){stored, m, vectors, tile->n, tile->multipliers, r, tile->residual, tile->output,
                                                tile->output_step, tile->residual_step});
        return;
    }
    const struct neon_rule rule = neon_rule(r, tile->multipliers, vectors);
    uint8_t *output = tile->output;
    const size_t step = tile->output_step, residual_step = tile->residual_step;
    const uint8_t *residual = tile->residual;
    if (!residual) {
        UNROLLED for (size_t i = 0; i < m; i++, output += step) neon_store_small(sums[i], vectors, &rule, NULL, output);
        return;
    }
    UNROLLED for (size_t i = 0; i < m; i++, output += step, residual += residual_step)
        neon_store_small(sums[i], vectors, &rule, residual, output);
}

// Stores 16 channels, or as many as there are, of a tile of one pixel whose products are too large by `excess`.
NEON_INLINE void neon_store_narrow(const struct qgemm_tile *tile, size_t channel, const uint32x4_t products[4], uint32x4_t excess) {
    const size_t element = tile->requantization->float_output ? sizeof(float) : 1;
    int32x4_t sums[4];
    UNROLLED for (size_t v = 0; v < 4; v++)
        sums[v] = vaddq_s32(vreinterpretq_s32_u32(vsubq_u32(products[v], excess)), vld1q_s32(tile->bias + channel + 4 * v));
    neon_store_pixels(&(struct neon_pixels){sums, 1, 4, tile->n - channel < 16 ? tile->n - channel : 16, tile->multipliers + channel,
                                            tile->requantization, tile->residual ? tile->residual + channel : NULL,
                                            (uint8_t *)tile->output + channel * element, 0, 0});
}
#endif
