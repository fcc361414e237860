// SPDX-License-Identifier: Apache-2.0
// The rule of struct requantization for 8 channels at a time, by functions that any AVX2 kernel can inline.
#pragma once
#if defined(__x86_64__)
#include "internal.h"
#include <immintrin.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX2_INLINE static inline __attribute__((always_inline, target("avx2,fma")))

// Loops over registers: their counts are constants where they are inlined.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// struct requantization, spread over vectors once for many stores.
struct avx2_rule {
    __m256 residual_multiplier, low, high;
    __m256i residual_zero_point;         // 32 bits
    __m256i zero_point, lower, upper;    // 16 bits; bytes
    bool float_output;
};

AVX2_INLINE struct avx2_rule avx2_rule(const struct requantization *r) {
    return (struct avx2_rule){
        .residual_multiplier = _mm256_set1_ps(r->residual_multiplier),
        .low = _mm256_set1_ps(r->low),
        .high = _mm256_set1_ps(r->high),
        .residual_zero_point = _mm256_set1_epi32(r->residual_zero_point),
        .zero_point = _mm256_set1_epi16((int16_t)r->zero_point),
        .lower = _mm256_set1_epi8((char)r->lower),
        .upper = _mm256_set1_epi8((char)r->upper),
        .float_output = r->float_output,
    };
}

// acc * multiplier + residual, 8 channels.
AVX2_INLINE __m256 avx2_real(__m256i acc, const float *multipliers, const struct avx2_rule *r, const uint8_t *residual) {
    __m256 real = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_loadu_ps(multipliers));
    if (residual) {
        const __m256i q = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)residual));
        const __m256 centred = _mm256_cvtepi32_ps(_mm256_sub_epi32(q, r->residual_zero_point));
        real = _mm256_add_ps(real, _mm256_mul_ps(centred, r->residual_multiplier));
    }
    return real;
}

// Rounds half to even. Conversion gives the least integer for what is out of range: right below it, and kept from happening above.
AVX2_INLINE __m256i avx2_rounded(__m256 real) { return _mm256_cvtps_epi32(_mm256_min_ps(real, _mm256_set1_ps(65536.0f))); }

// Saturates four vectors of rounded values to bytes; each half holds the halves of a, b, c and d.
AVX2_INLINE __m256i avx2_saturated(__m256i a, __m256i b, __m256i c, __m256i d, const struct avx2_rule *r) {
    const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(a, b), r->zero_point);
    const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(c, d), r->zero_point);
    return _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(low, high), r->lower), r->upper);
}

// 8-bit results of 16 channels.
AVX2_INLINE __m128i avx2_bytes(__m256 a, __m256 b, const struct avx2_rule *r) {
    // Packing works within 128-bit lanes: a0..3 b0..3 a4..7 b4..7 is put in order before the last step.
    const __m256i packed = _mm256_packs_epi32(avx2_rounded(a), avx2_rounded(b));
    const __m256i words = _mm256_permute4x64_epi64(_mm256_adds_epi16(packed, r->zero_point), 0xD8);
    const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    return _mm_min_epu8(_mm_max_epu8(bytes, _mm256_castsi256_si128(r->lower)), _mm256_castsi256_si128(r->upper));
}

// The first n of 16 channels of one pixel.
AVX2_INLINE void avx2_store(__m256i low, __m256i high, size_t n, const float *multipliers, const struct avx2_rule *r,
                            const uint8_t *residual, void *output) {
    uint8_t addend[16] = {0};
    if (residual && n < 16) {
        memcpy(addend, residual, n);
        residual = addend;
    }
    const __m256 a = avx2_real(low, multipliers, r, residual);
    const __m256 b = avx2_real(high, multipliers + 8, r, residual ? residual + 8 : NULL);
    if (r->float_output) {
        float results[16];
        float *to = n < 16 ? results : output;
        _mm256_storeu_ps(to, _mm256_min_ps(_mm256_max_ps(a, r->low), r->high));
        _mm256_storeu_ps(to + 8, _mm256_min_ps(_mm256_max_ps(b, r->low), r->high));
        if (n < 16) memcpy(output, results, n * sizeof(float));
        return;
    }
    const __m128i bytes = avx2_bytes(a, b, r);
    if (n >= 16) {
        _mm_storeu_si128((__m128i *)output, bytes);
    } else if (n == 8) {
        _mm_storel_epi64((__m128i *)output, bytes);
    } else {
        uint8_t results[16];
        _mm_storeu_si128((__m128i *)results, bytes);
        memcpy(output, results, n);
    }
}
#endif
