// SPDX-License-Identifier: Apache-2.0
// 16-bit products: vpmaddwd adds two products of 8-bit data exactly.
#include "avx2_store.h"
#if defined(__x86_64__)

// m is a constant where this is inlined, so that the sums stay in registers.
AVX2_INLINE void qgemm_6x16x2(const struct qgemm_tile *tile, const size_t m) {
    __m256i low[6], high[6];
    for (size_t i = 0; i < m; i++) {
        low[i] = _mm256_loadu_si256((const __m256i *)tile->bias);
        high[i] = _mm256_loadu_si256((const __m256i *)(tile->bias + 8));
    }
    const int8_t *b = tile->b;
    for (size_t s = 0; s < tile->segment_count; s++) {
        const uint8_t *rows[6];
        for (size_t i = 0; i < m; i++) rows[i] = tile->segments[s] + i * tile->a_step;
        for (size_t k = 0; k < tile->segment_blocks; k++, b += 32) {
            const __m256i b_low = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)b));
            const __m256i b_high = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(b + 16)));
            for (size_t i = 0; i < m; i++) {
                int32_t pair;
                memcpy(&pair, rows[i] + 4 * k, sizeof pair);
                const __m256i a = _mm256_set1_epi32(pair);
                low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(a, b_low));
                high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(a, b_high));
            }
        }
    }
    const struct avx2_rule rule = avx2_rule(tile->requantization);
    const size_t element = rule.float_output ? sizeof(float) : 1;
    for (size_t i = 0; i < m; i++)
        avx2_store(low[i], high[i], tile->n, tile->multipliers, &rule,
                   tile->residual ? tile->residual + i * tile->residual_step : NULL,
                   (uint8_t *)tile->output + i * tile->output_step * element);
}

AVX2 void qgemm_u8s8_6x16x2_avx2(const struct qgemm_tile *tile) {
    switch (tile->m) {
    case 1: qgemm_6x16x2(tile, 1); break;
    case 2: qgemm_6x16x2(tile, 2); break;
    case 3: qgemm_6x16x2(tile, 3); break;
    case 4: qgemm_6x16x2(tile, 4); break;
    case 5: qgemm_6x16x2(tile, 5); break;
    default: qgemm_6x16x2(tile, 6); break;
    }
}
#endif
