// SPDX-License-Identifier: Apache-2.0
// The rule of struct requantization for 4 channels at a time.
#pragma once
#if defined(__aarch64__)
#include "internal.h"
#include <arm_neon.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define NEON_INLINE static inline __attribute__((always_inline))

// The first n of 4 channels of one pixel.
NEON_INLINE void neon_store(int32x4_t acc, size_t n, const float *multipliers, const struct requantization *r, const uint8_t *residual,
                            void *output) {
    float32x4_t real = vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(multipliers));
    if (residual) {
        uint8_t addend[8] = {0};
        memcpy(addend, residual, n < 4 ? n : 4);
        const int32x4_t q = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vld1_u8(addend)))));
        const float32x4_t centred = vcvtq_f32_s32(vsubq_s32(q, vdupq_n_s32(r->residual_zero_point)));
        real = vaddq_f32(real, vmulq_f32(centred, vdupq_n_f32(r->residual_multiplier)));
    }
    if (r->float_output) {
        float results[4];
        vst1q_f32(results, vminq_f32(vmaxq_f32(real, vdupq_n_f32(r->low)), vdupq_n_f32(r->high)));
        memcpy(output, results, (n < 4 ? n : 4) * sizeof(float));
        return;
    }
    // The limits of +-65536 lie beyond every result and keep the sum in range.
    real = vminq_f32(vmaxq_f32(real, vdupq_n_f32(-65536.0f)), vdupq_n_f32(65536.0f));
    int32x4_t q = vaddq_s32(vcvtnq_s32_f32(real), vdupq_n_s32(r->zero_point));
    q = vminq_s32(vmaxq_s32(q, vdupq_n_s32(r->lower)), vdupq_n_s32(r->upper));
    const uint16x4_t words = vmovn_u32(vreinterpretq_u32_s32(q));
    uint8_t results[8];
    vst1_u8(results, vmovn_u16(vcombine_u16(words, words)));
    memcpy(output, results, n < 4 ? n : 4);
}
#endif
