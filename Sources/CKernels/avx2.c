// SPDX-License-Identifier: Apache-2.0
// 16-bit products: vpmaddwd adds two products of 8-bit data exactly; with weights of 4 bits vpmaddubsw does, too.
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

// The sums of two halves of a block, or of two blocks: eight products of a byte and a weight + 8, at most 8 * 255 * 15 < 2^15.
AVX2_INLINE __m256i narrow_products(const uint8_t *a, const uint8_t *b) {
    int32_t four[2];
    memcpy(four, a, sizeof four);
    const __m256i nibble = _mm256_set1_epi8(15), pairs = _mm256_loadu_si256((const __m256i *)b);
    const __m256i low = _mm256_and_si256(pairs, nibble), high = _mm256_and_si256(_mm256_srli_epi16(pairs, 4), nibble);
    return _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_set1_epi32(four[0]), low), _mm256_maddubs_epi16(_mm256_set1_epi32(four[1]), high));
}

// One pixel by weights of 4 bits, 32 channels after 32. The 8 in the weights as they are packed is taken out of the bias.
AVX2 void qnarrow_u8s4_1x32x8_avx2(const struct qgemm_tile *tile) {
    const struct avx2_rule rule = avx2_rule(tile->requantization);
    const size_t element = rule.float_output ? sizeof(float) : 1, blocks = tile->segment_blocks;
    const uint8_t *const a = tile->segments[0];
    const __m256i ones = _mm256_set1_epi16(1);
    __m128i total = _mm_setzero_si128();
    for (size_t k = 0; k < blocks; k++)
        total = _mm_add_epi64(total, _mm_sad_epu8(_mm_loadl_epi64((const __m128i *)(a + 8 * k)), _mm_setzero_si128()));
    const __m256i excess = _mm256_slli_epi32(_mm256_broadcastd_epi32(total), 3);
    for (size_t channel = 0; channel < tile->n; channel += 32) {
        const size_t panels = tile->n - channel > 16 ? 2 : 1;
        const uint8_t *b[2];
        __m256i sums[2][2];
        UNROLL for (size_t p = 0; p < 2; p++) {
            const size_t panel = channel / 16 + (p < panels ? p : 0); // beyond the channels something is computed and left
            b[p] = (const uint8_t *)tile->b + panel * tile->b_step;
            UNROLL for (size_t j = 0; j < 2; j++)
                sums[p][j] = _mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)(tile->bias + 16 * panel + 8 * j)), excess);
        }
        size_t k = 0;
        for (; k + 2 <= blocks; k += 2)
            UNROLL for (size_t p = 0; p < 2; p++)
                UNROLL for (size_t j = 0; j < 2; j++) {
                    const uint8_t *from = b[p] + 64 * k + 32 * j;
                    const __m256i products = _mm256_add_epi16(narrow_products(a + 8 * k, from), narrow_products(a + 8 * k + 8, from + 64));
                    sums[p][j] = _mm256_add_epi32(sums[p][j], _mm256_madd_epi16(products, ones));
                }
        if (k < blocks)
            UNROLL for (size_t p = 0; p < 2; p++)
                UNROLL for (size_t j = 0; j < 2; j++)
                    sums[p][j] = _mm256_add_epi32(sums[p][j], _mm256_madd_epi16(narrow_products(a + 8 * k, b[p] + 64 * k + 32 * j), ones));
        UNROLL for (size_t p = 0; p < 2; p++) {
            const size_t first = channel + 16 * p;
            if (first < tile->n)
                avx2_store(sums[p][0], sums[p][1], tile->n - first, tile->multipliers + first, &rule,
                           tile->residual ? tile->residual + first : NULL, (uint8_t *)tile->output + first * element);
        }
    }
}
#endif
