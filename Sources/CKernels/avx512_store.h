// SPDX-License-Identifier: Apache-2.0
// The rule of struct requantization for 16 channels at a time, by functions that any AVX-512 kernel can inline.
#pragma once
#if defined(__x86_64__)
#include "avx2_store.h"

#define AVX512_FEATURES "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni"
#define AVX512_VNNI __attribute__((target(AVX512_FEATURES)))
#define AVX512_INLINE static inline __attribute__((always_inline, target(AVX512_FEATURES)))

// struct requantization, spread over vectors once a tile.
struct avx512_rule {
    __m512i zero_point, lower, upper, residual_zero_point; // of 16, 8, 8 and 32 bits
    __m512 residual_multiplier;
    bool saturates; // the zero point is 0 and the limits are those of a byte
};

AVX512_INLINE struct avx512_rule avx512_rule(const struct requantization *r) {
    return (struct avx512_rule){
        .zero_point = _mm512_set1_epi16((int16_t)r->zero_point),
        .lower = _mm512_set1_epi8((char)r->lower),
        .upper = _mm512_set1_epi8((char)r->upper),
        .residual_zero_point = _mm512_set1_epi32(r->residual_zero_point),
        .residual_multiplier = _mm512_set1_ps(r->residual_multiplier),
        .saturates = r->zero_point == 0 && r->lower == 0 && r->upper == 255,
    };
}

// t of the rule.
AVX512_INLINE __m512 avx512_real(__m512i sums, const float *multipliers) {
    return _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(multipliers));
}

// t + u of the rule, for residuals q.
AVX512_INLINE __m512 avx512_added(__m512 t, __m512i q, const struct avx512_rule *r) {
    const __m512 centred = _mm512_cvtepi32_ps(_mm512_sub_epi32(q, r->residual_zero_point));
    return _mm512_add_ps(t, _mm512_mul_ps(centred, r->residual_multiplier));
}

// Rounds half to even. Conversion gives the least integer for what is out of range: right below it, and kept from happening above.
AVX512_INLINE __m512i avx512_rounded(__m512 real) { return _mm512_cvtps_epi32(_mm512_min_ps(real, _mm512_set1_ps(65536.0f))); }

// Saturates four vectors of rounded values to bytes, within 128-bit lanes: lane l gets elements 4l ... 4l + 3 of each vector.
AVX512_INLINE __m512i avx512_lanes(__m512i a, __m512i b, __m512i c, __m512i d, const struct avx512_rule *r) {
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(a, b), r->zero_point);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(c, d), r->zero_point);
    return _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(low, high), r->lower), r->upper);
}

// The same in the order of the vectors. After relu, results mostly need nothing but to saturate.
AVX512_INLINE __m512i avx512_bytes(__m512i a, __m512i b, __m512i c, __m512i d, const struct avx512_rule *r) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i lanes = r->saturates ? _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d)) : avx512_lanes(a, b, c, d, r);
    return _mm512_permutexvar_epi32(order, lanes);
}

// Stores the wanted of 16 * v channels of up to 4 / v pixels, `rows` of them.
AVX512_INLINE void avx512_store_bytes(__m512i bytes, uint8_t *to, size_t step, const size_t rows, const size_t v, __mmask64 wanted) {
    if (v == 2) {
        _mm256_mask_storeu_epi8(to, (__mmask32)wanted, _mm512_castsi512_si256(bytes));
        if (rows > 1) _mm256_mask_storeu_epi8(to + step, (__mmask32)wanted, _mm512_extracti64x4_epi64(bytes, 1));
    } else {
        _mm_mask_storeu_epi8(to, (__mmask16)wanted, _mm512_castsi512_si128(bytes));
        if (rows > 1) _mm_mask_storeu_epi8(to + step, (__mmask16)wanted, _mm512_extracti32x4_epi32(bytes, 1));
        if (rows > 2) _mm_mask_storeu_epi8(to + 2 * step, (__mmask16)wanted, _mm512_extracti32x4_epi32(bytes, 2));
        if (rows > 3) _mm_mask_storeu_epi8(to + 3 * step, (__mmask16)wanted, _mm512_extracti32x4_epi32(bytes, 3));
    }
}

// Stores the results of m pixels and the first tile->n of 16 * v channels; quantised ones that are bounded.
AVX512_INLINE void avx512_store(const struct qgemm_tile *tile, __m512i sums[14][2], const size_t m, const size_t v, const bool adds) {
    const struct avx512_rule rule = avx512_rule(tile->requantization);
    const __mmask64 wanted = UINT64_MAX >> (64 - tile->n);
    const uint8_t *residual = tile->residual;
    uint8_t *output = tile->output;
    const size_t residual_step = tile->residual_step, output_step = tile->output_step;
    __m512 multipliers[2];
    UNROLL for (size_t j = 0; j < v; j++) multipliers[j] = _mm512_loadu_ps(tile->multipliers + 16 * j);
    const size_t group = 4 / v; // pixels whose channels fill a vector of bytes
    UNROLL for (size_t i = 0; i < m; i += group) {
        __m512i q[4];
        UNROLL for (size_t e = 0; e < 4; e++) {
            const size_t p = e / v, j = e % v;
            if (i + p >= m) {
                q[e] = q[0];
                continue;
            }
            __m512 real = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[i + p][j]), multipliers[j]);
            if (adds) {
                const __mmask16 channels = (__mmask16)(wanted >> 16 * j);
                const __m128i q = _mm_maskz_loadu_epi8(channels, residual + (i + p) * residual_step + 16 * j);
                real = avx512_added(real, _mm512_cvtepu8_epi32(q), &rule);
            }
            q[e] = _mm512_cvtps_epi32(real);
        }
        const size_t rows = m - i < group ? m - i : group;
        avx512_store_bytes(avx512_bytes(q[0], q[1], q[2], q[3], &rule), output + i * output_step, output_step, rows, v, wanted);
    }
}
#endif
