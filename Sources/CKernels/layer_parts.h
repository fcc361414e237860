// SPDX-License-Identifier: Apache-2.0
// What the layers of every instruction set share.
#pragma once
#include "internal.h"
#include "requantize.h"
#include <math.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

// Where one iteration of the outer loops of a broadcast reads.
struct position {
    size_t index[BROADCAST_LOOPS];
    size_t a, b;
};

ALWAYS_INLINE struct position position_of(const struct broadcast *p, size_t iteration) {
    struct position at = {{0}, 0, 0};
    for (size_t i = p->loops; i-- > 0;) {
        at.index[i] = iteration % p->count[i];
        iteration /= p->count[i];
        at.a += at.index[i] * p->a_stride[i];
        at.b += at.index[i] * p->b_stride[i];
    }
    return at;
}

ALWAYS_INLINE void advance(const struct broadcast *p, struct position *at) {
    for (size_t i = p->loops; i-- > 0;) {
        at->a += p->a_stride[i];
        at->b += p->b_stride[i];
        if (++at->index[i] < p->count[i]) return;
        at->a -= p->count[i] * p->a_stride[i];
        at->b -= p->count[i] * p->b_stride[i];
        at->index[i] = 0;
    }
}

// exp(x) within 2 units in the last place for x in -87.3 ... 88.3, beyond them the value at the limit; NaN stays.
// x = n ln 2 + r with |r| <= ln 2 / 2 and ln 2 in two parts (Cody and Waite); exp(r) by its Taylor series to the seventh power,
// whose remainder is below 2^-26.
ALWAYS_INLINE float exponential(float x) {
    x = x < -87.3f ? -87.3f : x;
    x = x > 88.3f ? 88.3f : x;
    const float shifted = x * 0x1.715476p+0f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    const uint32_t power_bits = (bits + 127u) << 23; // the low bits of `shifted` hold n
    float power;
    memcpy(&power, &power_bits, sizeof power);
    float r = x - n * 0x1.62e4p-1f;
    r = r - n * 0x1.7f7d1cp-20f;
    float series = 1.0f / 5040;
    series = series * r + 1.0f / 720;
    series = series * r + 1.0f / 120;
    series = series * r + 1.0f / 24;
    series = series * r + 1.0f / 6;
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    return series * power;
}

ALWAYS_INLINE float limited(float x, float low, float high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

ALWAYS_INLINE float activated(int32_t kind, float p, float q, float x) {
    switch (kind) {
    case ACTIVATION_CLAMP: return limited(x, p, q);
    case ACTIVATION_LEAKY_RELU: return x < 0 ? p * x : x;
    case ACTIVATION_SIGMOID: return 1.0f / (1.0f + exponential(-x));
    case ACTIVATION_HARD_SIGMOID: return limited(p * x + q, 0, 1);
    case ACTIVATION_HARD_SWISH: return x * limited(x * (1.0f / 6) + 0.5f, 0, 1);
    default: return x / (1.0f + exponential(-x));
    }
}
