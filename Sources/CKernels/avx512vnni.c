// SPDX-License-Identifier: Apache-2.0
// vpdpbusd in 512 bits: four products of u8 and s8 into int32, exactly.
#include "avx2_store.h"
#if defined(__x86_64__)

#define AVX512_FEATURES "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni"
#define AVX512_VNNI __attribute__((target(AVX512_FEATURES)))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL
#endif
#define AVX512_VNNI_INLINE static inline __attribute__((always_inline, target(AVX512_FEATURES)))

// The sums of m pixels and 16 or 32 channels; constants where this is inlined, so that the sums stay in registers.
AVX512_VNNI_INLINE void qgemm(const struct qgemm_tile *tile, const size_t m, const bool wide) {
    const uint8_t *rows[16];
    __m512i low[16], high[16];
    UNROLL for (size_t i = 0; i < m; i++) {
        rows[i] = (const uint8_t *)tile->a + i * tile->a_stride;
        low[i] = _mm512_loadu_si512(tile->bias);
        high[i] = wide ? _mm512_loadu_si512(tile->bias + 16) : low[i];
    }
    const int8_t *b = tile->b;
    for (size_t k = 0; k < tile->blocks; k++, b += wide ? 128 : 64) {
        const __m512i b_low = _mm512_loadu_si512(b), b_high = wide ? _mm512_loadu_si512(b + 64) : b_low;
        UNROLL for (size_t i = 0; i < m; i++) {
            int32_t four;
            memcpy(&four, rows[i] + 4 * k, sizeof four);
            const __m512i a = _mm512_set1_epi32(four);
            low[i] = _mm512_dpbusd_epi32(low[i], a, b_low);
            if (wide) high[i] = _mm512_dpbusd_epi32(high[i], a, b_high);
        }
    }
    const struct avx2_rule rule = avx2_rule(tile->requantization);
    const size_t element = rule.float_output ? sizeof(float) : 1;
    UNROLL for (size_t i = 0; i < m; i++) {
        const uint8_t *residual = tile->residual ? tile->residual + i * tile->stride : NULL;
        uint8_t *output = (uint8_t *)tile->output + i * tile->stride * element;
        avx2_store(_mm512_castsi512_si256(low[i]), _mm512_extracti64x4_epi64(low[i], 1), tile->n, tile->multipliers, &rule, residual, output);
        if (wide && tile->n > 16)
            avx2_store(_mm512_castsi512_si256(high[i]), _mm512_extracti64x4_epi64(high[i], 1), tile->n - 16, tile->multipliers + 16, &rule,
                       residual ? residual + 16 : NULL, output + 16 * element);
    }
}

#define CASE(m, wide) \
    case m: qgemm(tile, m, wide); break;

AVX512_VNNI void qgemm_u8s8_16x16x4_avx512vnni(const struct qgemm_tile *tile) {
    switch (tile->m) {
        CASE(1, false) CASE(2, false) CASE(3, false) CASE(4, false) CASE(5, false) CASE(6, false) CASE(7, false) CASE(8, false)
        CASE(9, false) CASE(10, false) CASE(11, false) CASE(12, false) CASE(13, false) CASE(14, false) CASE(15, false)
    default: qgemm(tile, 16, false); break;
    }
}

AVX512_VNNI void qgemm_u8s8_12x32x4_avx512vnni(const struct qgemm_tile *tile) {
    switch (tile->m) {
        CASE(1, true) CASE(2, true) CASE(3, true) CASE(4, true) CASE(5, true) CASE(6, true) CASE(7, true) CASE(8, true) CASE(9, true) CASE(10, true) CASE(11, true)
    default: qgemm(tile, 12, true); break;
    }
}
#endif
