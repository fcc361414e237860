// SPDX-License-Identifier: Apache-2.0
// What depthwise convolution without dot product is made of: two products of a channel are added up in 16 bits, where they fit
// (2 * 128 * 127 = 32512), before they are widened. The kernels for one window have two taps of a channel side by side, so that widening
// adds up two such sums.
#pragma once
#include "neon_depthwise.h"
#if defined(__aarch64__)

struct products {
    int16x8_t low, high;
};

NEON_INLINE struct products product(int8x16_t x, int8x16_t w) {
    return (struct products){vmull_s8(vget_low_s8(x), vget_low_s8(w)), vmull_high_s8(x, w)};
}

NEON_INLINE struct products plus(struct products p, int8x16_t x, int8x16_t w) {
    return (struct products){vmlal_s8(p.low, vget_low_s8(x), vget_low_s8(w)), vmlal_high_s8(p.high, x, w)};
}

// Instructions on values that are so marked stay in their order. Processors get to what is further on, but not far enough for what
// compilers make of the loops for one window: all products of a pixel before its last steps.
#define IN_ORDER(x) __asm__ volatile("" : "+w"(x))

NEON_INLINE struct products in_order(struct products p) {
    IN_ORDER(p.low);
    IN_ORDER(p.high);
    return p;
}

// The channels of two pixels, or of one, 16 or 8 of each, on their way from sums to bytes, in steps that fill the gaps between the products
// of the next ones. Of two pixels, what the rule has is fetched anew: the registers are taken.
struct finish {
    float32x4_t real[2][4];
    int32x4_t rounded[2][4];
    int16x8_t low[2], high[2];
    uint8x16_t bytes[2];
    const float *multipliers;
    const struct neon_rule *rule;
    uint8_t *output;
    size_t output_step;
};
enum { FINISH_STEPS = 5 };

// Vectors `first` and the one behind it.
NEON_INLINE void convert(struct finish *f, int32x4_t sums[2][2], const size_t pixels, const size_t first) {
    UNROLLED for (size_t p = 0; p < pixels; p++)
        UNROLLED for (size_t v = 0; v < 2; v++) {
            f->real[p][first + v] = vcvtq_f32_s32(sums[p][v]);
            IN_ORDER(f->real[p][first + v]);
        }
}

NEON_INLINE int16x8_t narrowed(int32x4_t even, int32x4_t odd, int16x8_t zero_point, const bool bare) {
    const int16x8_t narrow = vtrn1q_s16(vreinterpretq_s16_s32(even), vreinterpretq_s16_s32(odd));
    return bare ? narrow : vqaddq_s16(narrow, zero_point);
}

NEON_INLINE void finish(struct finish *f, const size_t step, const size_t pixels, const size_t vectors, const bool bare) {
    if (step == 0) UNROLLED for (size_t v = 0; v < vectors; v++) {
        if (pixels == 2) OWN_REGISTER(f->multipliers);
        const float32x4_t multipliers = vld1q_f32(f->multipliers + 4 * v);
        UNROLLED for (size_t p = 0; p < pixels; p++) {
            f->real[p][v] = vmulq_f32(f->real[p][v], multipliers);
            IN_ORDER(f->real[p][v]);
        }
    }
    if (pixels == 2) OWN_REGISTER(f->rule);
    const int16x8_t zero_point = f->rule->zero_point;
    UNROLLED for (size_t p = 0; p < pixels; p++) {
        int32x4_t *rounded = f->rounded[p];
        if (step == 1) {
            UNROLLED for (size_t v = 0; v < vectors; v++) {
                rounded[v] = vcvtnq_s32_f32(f->real[p][v]);
                IN_ORDER(rounded[v]);
            }
        } else if (step == 2) {
            f->low[p] = narrowed(rounded[0], rounded[vectors / 2], zero_point, bare);
            IN_ORDER(f->low[p]);
            if (vectors == 4) {
                f->high[p] = narrowed(rounded[1], rounded[3], zero_point, bare);
                IN_ORDER(f->high[p]);
            }
        } else if (step == 3) {
            if (vectors == 2)
                f->bytes[p] = vcombine_u8(bare ? vqmovun_s16(f->low[p]) : neon_clamp_half(f->low[p], f->rule), vdup_n_u8(0));
            else
                f->bytes[p] = bare ? vqmovun_high_s16(vqmovun_s16(f->low[p]), f->high[p]) : neon_clamp(f->low[p], f->high[p], f->rule);
            IN_ORDER(f->bytes[p]);
        } else if (step == 4 && vectors == 2) {
            vst1_u8(f->output + p * f->output_step, vget_low_u8(f->bytes[p]));
        } else if (step == 4) {
            vst1q_u8(f->output + p * f->output_step, f->bytes[p]);
        }
    }
}

NEON_INLINE void finish_all(struct finish *f, int32x4_t sums[2][2], const size_t pixels, const size_t vectors, const bool bare) {
    convert(f, sums, pixels, vectors - 2);
    UNROLLED for (size_t step = 0; step < FINISH_STEPS; step++) finish(f, step, pixels, vectors, bare);
    f->output += pixels * f->output_step;
}

// The sums stay in order too.
NEON_INLINE void add_products(int32x4_t sums[2], struct products p) {
    sums[0] = vpadalq_s16(sums[0], p.low);
    sums[1] = vpadalq_s16(sums[1], p.high);
    IN_ORDER(sums[0]);
    IN_ORDER(sums[1]);
}
#endif
