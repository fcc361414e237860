// SPDX-License-Identifier: Apache-2.0
// vpdpbusd in 512 bits: four products of u8 and s8 into int32, exactly.
#include "avx2_store.h"
#if defined(__x86_64__)

#define AVX512_FEATURES "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni"
#define AVX512_VNNI __attribute__((target(AVX512_FEATURES)))
#define AVX512_VNNI_INLINE static inline __attribute__((always_inline, target(AVX512_FEATURES)))

// m pixels and 16 * vectors channels: constants where this is inlined, so that the sums stay in registers.
AVX512_VNNI_INLINE void qgemm(const struct qgemm_tile *tile, const size_t m, const size_t vectors) {
    const uint8_t *rows[16];
    __m512i sums[16][2];
    for (size_t i = 0; i < m; i++) {
        rows[i] = (const uint8_t *)tile->a + i * tile->a_stride;
        for (size_t v = 0; v < vectors; v++) sums[i][v] = _mm512_loadu_si512(tile->bias + 16 * v);
    }
    const int8_t *b = tile->b;
    for (size_t k = 0; k < tile->blocks; k++, b += 64 * vectors) {
        __m512i weights[2];
        for (size_t v = 0; v < vectors; v++) weights[v] = _mm512_loadu_si512(b + 64 * v);
        for (size_t i = 0; i < m; i++) {
            int32_t four;
            memcpy(&four, rows[i] + 4 * k, sizeof four);
            const __m512i a = _mm512_set1_epi32(four);
            for (size_t v = 0; v < vectors; v++) sums[i][v] = _mm512_dpbusd_epi32(sums[i][v], a, weights[v]);
        }
    }
    const struct avx2_rule rule = avx2_rule(tile->requantization);
    const size_t element = rule.float_output ? sizeof(float) : 1;
    for (size_t v = 0; v < vectors && 16 * v < tile->n; v++)
        for (size_t i = 0; i < m; i++) {
            const size_t at = i * tile->stride + 16 * v;
            avx2_store(_mm512_castsi512_si256(sums[i][v]), _mm512_extracti64x4_epi64(sums[i][v], 1), tile->n - 16 * v,
                       tile->multipliers + 16 * v, &rule, tile->residual ? tile->residual + at : NULL,
                       (uint8_t *)tile->output + at * element);
        }
}

#define CASE(m, vectors) \
    case m: qgemm(tile, m, vectors); break;

AVX512_VNNI void qgemm_u8s8_16x16x4_avx512vnni(const struct qgemm_tile *tile) {
    switch (tile->m) {
        CASE(1, 1) CASE(2, 1) CASE(3, 1) CASE(4, 1) CASE(5, 1) CASE(6, 1) CASE(7, 1) CASE(8, 1)
        CASE(9, 1) CASE(10, 1) CASE(11, 1) CASE(12, 1) CASE(13, 1) CASE(14, 1) CASE(15, 1)
    default: qgemm(tile, 16, 1); break;
    }
}

AVX512_VNNI void qgemm_u8s8_12x32x4_avx512vnni(const struct qgemm_tile *tile) {
    switch (tile->m) {
        CASE(1, 2) CASE(2, 2) CASE(3, 2) CASE(4, 2) CASE(5, 2) CASE(6, 2) CASE(7, 2) CASE(8, 2) CASE(9, 2) CASE(10, 2) CASE(11, 2)
    default: qgemm(tile, 12, 2); break;
    }
}
#endif
