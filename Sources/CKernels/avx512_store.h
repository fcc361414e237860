// SPDX-License-Identifier: Apache-2.0
// The rule of struct requantization for 16 channels at a time, by functions that any AVX-512 kernel can inline.
#pragma once
#if defined(__x86_64__)
#include "avx2_store.h"

#define AVX512_FEATURES "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni"
#define AVX512_VNNI __attribute__((target(AVX512_FEATURES)))
#define AVX512_INLINE static inline __attribute__((always_inline, target(AVX512_FEATURES)))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// t + u of the rule, for residuals q.
AVX512_INLINE __m512 avx512_added(__m512 t, __m512i q, const struct requantization *r) {
    const __m512 centred = _mm512_cvtepi32_ps(_mm512_sub_epi32(q, _mm512_set1_epi32(r->residual_zero_point)));
    return _mm512_add_ps(t, _mm512_mul_ps(centred, _mm512_set1_ps(r->residual_multiplier)));
}

AVX512_INLINE __m512 avx512_real(__m512i sums, __m512 multipliers, const struct requantization *r, const uint8_t *residual) {
    const __m512 real = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), multipliers);
    return residual ? avx512_added(real, _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)residual)), r) : real;
}

// Rounds half to even. Conversion gives the least integer for what is out of range: right below it, and kept from happening above.
AVX512_INLINE __m512i avx512_rounded(__m512 real) { return _mm512_cvtps_epi32(_mm512_min_ps(real, _mm512_set1_ps(65536.0f))); }

// Puts the 32-bit elements of avx512_bytes in the order of their vectors.
#define AVX512_LANES_IN_ORDER _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)

// Saturates four vectors of rounded values to bytes, in 128-bit lanes: lane l holds elements 4l ... 4l + 3 of each vector.
AVX512_INLINE __m512i avx512_bytes(__m512i a, __m512i b, __m512i c, __m512i d, const struct requantization *r) {
    const __m512i zero_point = _mm512_set1_epi16((int16_t)r->zero_point);
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero_point);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero_point);
    const __m512i bytes = _mm512_packus_epi16(low, high);
    return _mm512_min_epu8(_mm512_max_epu8(bytes, _mm512_set1_epi8((char)r->lower)), _mm512_set1_epi8((char)r->upper));
}

// Stores the results of m pixels and 16 * v channels, all of them wanted, quantised.
AVX512_INLINE void avx512_store(const struct qgemm_tile *tile, __m512i sums[14][4], const size_t m, const size_t v, const bool residual) {
    const struct requantization *r = tile->requantization;
    const __m512i order = AVX512_LANES_IN_ORDER;
    __m512 multipliers[4];
    UNROLL for (size_t j = 0; j < v; j++) multipliers[j] = _mm512_loadu_ps(tile->multipliers + 16 * j);
    uint8_t *output = tile->output;
    // As many pixels as make four vectors.
    const size_t group = v == 1 ? 4 : v == 2 ? 2 : 1;
    UNROLL for (size_t i = 0; i < m; i += group) {
        __m512i q[4];
        UNROLL for (size_t p = 0; p < group; p++)
            UNROLL for (size_t j = 0; j < v; j++) {
                if (i + p >= m) continue;
                const uint8_t *addend = residual ? tile->residual + (i + p) * tile->residual_step + 16 * j : NULL;
                q[p * v + j] = avx512_rounded(avx512_real(sums[i + p][j], multipliers[j], r, addend));
            }
        UNROLL for (size_t e = 1; e < 4; e++)
            if (e >= v && i + e / v >= m) q[e] = q[0];
        if (v == 3) q[3] = q[0];
        const __m512i bytes = _mm512_permutexvar_epi32(order, avx512_bytes(q[0], q[1], q[2], q[3], r));
        uint8_t *to = output + i * tile->output_step;
        if (v == 4) {
            _mm512_storeu_si512(to, bytes);
        } else if (v == 3) {
            _mm256_storeu_si256((__m256i *)to, _mm512_castsi512_si256(bytes));
            _mm_storeu_si128((__m128i *)(to + 32), _mm512_extracti32x4_epi32(bytes, 2));
        } else if (v == 2) {
            _mm256_storeu_si256((__m256i *)to, _mm512_castsi512_si256(bytes));
            if (i + 1 < m) _mm256_storeu_si256((__m256i *)(to + tile->output_step), _mm512_extracti64x4_epi64(bytes, 1));
        } else {
            _mm_storeu_si128((__m128i *)to, _mm512_castsi512_si128(bytes));
            if (i + 1 < m) _mm_storeu_si128((__m128i *)(to + tile->output_step), _mm512_extracti32x4_epi32(bytes, 1));
            if (i + 2 < m) _mm_storeu_si128((__m128i *)(to + 2 * tile->output_step), _mm512_extracti32x4_epi32(bytes, 2));
            if (i + 3 < m) _mm_storeu_si128((__m128i *)(to + 3 * tile->output_step), _mm512_extracti32x4_epi32(bytes, 3));
        }
    }
}

// Any of tile->n channels from stored sums [m][64], quantised or not.
AVX512_VNNI void avx512_store_any(const struct qgemm_tile *tile, const int32_t *sums);
#endif
