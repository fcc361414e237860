// SPDX-License-Identifier: Apache-2.0
// The rule of struct requantization for single values.
#pragma once
#include "include/quantized.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Half to even, for any float: beyond +-65536 the limit, which every 8-bit result saturates long before. NaN gives some integer.
// Adding 3 * 2^22 leaves the integer in the low bits of the sum, rounded by the addition itself.
static inline __attribute__((always_inline)) int32_t round_saturating(float value) {
    value = value < -65536.0f ? -65536.0f : value;
    value = value > 65536.0f ? 65536.0f : value;
    const float shifted = value + 12582912.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return (int32_t)(bits - 0x4B400000u);
}

static inline __attribute__((always_inline)) int32_t clamp(int32_t value, int32_t lower, int32_t upper) {
    value = value < lower ? lower : value;
    return value > upper ? upper : value;
}

static inline __attribute__((always_inline)) void store_accumulator(int32_t accumulator, float multiplier,
                                                                    const struct requantization *r, const uint8_t *residual,
                                                                    void *output, size_t index) {
    float real = (float)accumulator * multiplier;
    if (residual) {
        const float addend = (float)(*residual - r->residual_zero_point) * r->residual_multiplier;
        real = real + addend;
    }
    if (r->float_output) {
        real = real < r->low ? r->low : real;
        ((float *)output)[index] = real > r->high ? r->high : real;
    } else {
        const int32_t q = (int32_t)((uint32_t)round_saturating(real) + (uint32_t)r->zero_point);
        ((uint8_t *)output)[index] = (uint8_t)clamp(q, r->lower, r->upper);
    }
}
