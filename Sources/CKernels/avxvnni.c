// SPDX-License-Identifier: Apache-2.0
// vpdpbusd without AVX-512: four products of u8 and s8 into int32, exactly.
#include "avx2_store.h"
#if defined(__x86_64__)

#define AVX_VNNI __attribute__((target("avx2,fma,avxvnni")))
#define AVX_VNNI_INLINE static inline __attribute__((always_inline, target("avx2,fma,avxvnni")))

// 8-bit results of 16 channels of two pixels: sums of the first, then of the second.
AVX_VNNI_INLINE __m256i bytes_of_two(const __m256i sums[4], const __m256 multipliers[2], const struct avx2_rule *r,
                                     const uint8_t *first_residual, const uint8_t *second_residual) {
    __m256i q[4];
    UNROLL for (size_t e = 0; e < 4; e++) {
        __m256 real = _mm256_mul_ps(_mm256_cvtepi32_ps(sums[e]), multipliers[e % 2]);
        const uint8_t *residual = e < 2 ? first_residual : second_residual;
        if (residual) {
            const __m256i addend = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(residual + 8 * (e % 2))));
            const __m256 centred = _mm256_cvtepi32_ps(_mm256_sub_epi32(addend, r->residual_zero_point));
            real = _mm256_add_ps(real, _mm256_mul_ps(centred, r->residual_multiplier));
        }
        q[e] = _mm256_cvtps_epi32(real);
    }
    return _mm256_permutevar8x32_epi32(avx2_saturated(q[0], q[1], q[2], q[3], r), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

// m is a constant where this is inlined, so that the sums stay in registers.
AVX_VNNI_INLINE void qgemm_6x16x4(const struct qgemm_tile *tile, const size_t m) {
    __m256i sums[6][2];
    UNROLL for (size_t i = 0; i < m; i++)
        UNROLL for (size_t j = 0; j < 2; j++) sums[i][j] = _mm256_loadu_si256((const __m256i *)(tile->bias + 8 * j));
    const int8_t *b = tile->b;
    const size_t a_step = tile->a_step;
    for (size_t s = 0; s < tile->segment_count; s++) {
        const uint8_t *a = tile->segments[s];
        for (size_t k = 0; k < tile->segment_blocks; k++, a += 4, b += 64) {
            const __m256i low = _mm256_loadu_si256((const __m256i *)b), high = _mm256_loadu_si256((const __m256i *)(b + 32));
            UNROLL for (size_t i = 0; i < m; i++) {
                int32_t four;
                memcpy(&four, a + i * a_step, sizeof four);
                const __m256i x = _mm256_set1_epi32(four);
                sums[i][0] = _mm256_dpbusd_avx_epi32(sums[i][0], x, low);
                sums[i][1] = _mm256_dpbusd_avx_epi32(sums[i][1], x, high);
            }
        }
    }
    const struct avx2_rule rule = avx2_rule(tile->requantization);
    const uint8_t *residual = tile->residual;
    const size_t output_step = tile->output_step, residual_step = tile->residual_step;
    if (tile->n < 16 || rule.float_output || !tile->requantization->bounded) {
        UNROLL for (size_t i = 0; i < m; i++)
            avx2_store(sums[i][0], sums[i][1], tile->n, tile->multipliers, &rule, residual ? residual + i * residual_step : NULL,
                       (uint8_t *)tile->output + i * output_step * (rule.float_output ? sizeof(float) : 1));
        return;
    }
    const __m256 multipliers[2] = {_mm256_loadu_ps(tile->multipliers), _mm256_loadu_ps(tile->multipliers + 8)};
    uint8_t *output = tile->output;
    UNROLL for (size_t i = 0; i < m; i += 2) {
        const size_t next = i + 1 < m ? i + 1 : i;
        const __m256i two[4] = {sums[i][0], sums[i][1], sums[next][0], sums[next][1]};
        const __m256i bytes = residual ? bytes_of_two(two, multipliers, &rule, residual + i * residual_step,
                                                      residual + next * residual_step)
                                       : bytes_of_two(two, multipliers, &rule, NULL, NULL);
        _mm_storeu_si128((__m128i *)(output + i * output_step), _mm256_castsi256_si128(bytes));
        if (next > i) _mm_storeu_si128((__m128i *)(output + next * output_step), _mm256_extracti128_si256(bytes, 1));
    }
}

AVX_VNNI void qgemm_u8s8_6x16x4_avxvnni(const struct qgemm_tile *tile) {
    switch (tile->m) {
    case 1: qgemm_6x16x4(tile, 1); break;
    case 2: qgemm_6x16x4(tile, 2); break;
    case 3: qgemm_6x16x4(tile, 3); break;
    case 4: qgemm_6x16x4(tile, 4); break;
    case 5: qgemm_6x16x4(tile, 5); break;
    default: qgemm_6x16x4(tile, 6); break;
    }
}

// One pixel by weights of 4 bits, 16 channels after 16.
AVX_VNNI void qnarrow_u8s4_1x16x8_avxvnni(const struct qgemm_tile *tile) {
    const struct avx2_rule rule = avx2_rule(tile->requantization);
    const __m256i nibble = _mm256_set1_epi8(15), eight = _mm256_set1_epi8(8);
    const size_t element = rule.float_output ? sizeof(float) : 1;
    for (size_t channel = 0; channel < tile->n; channel += 16) {
        const uint8_t *a = tile->segments[0], *b = (const uint8_t *)tile->b + channel / 16 * tile->b_step;
        __m256i sums[2][2]; // of the first and the second half of each block
        UNROLL for (size_t j = 0; j < 2; j++) {
            sums[0][j] = _mm256_loadu_si256((const __m256i *)(tile->bias + channel + 8 * j));
            sums[1][j] = _mm256_setzero_si256();
        }
        for (size_t k = 0; k < tile->segment_blocks; k++, a += 8, b += 64) {
            int32_t four[2];
            memcpy(four, a, sizeof four);
            const __m256i first = _mm256_set1_epi32(four[0]), second = _mm256_set1_epi32(four[1]);
            UNROLL for (size_t j = 0; j < 2; j++) {
                const __m256i pairs = _mm256_loadu_si256((const __m256i *)(b + 32 * j));
                const __m256i low = _mm256_sub_epi8(_mm256_and_si256(pairs, nibble), eight);
                const __m256i high = _mm256_sub_epi8(_mm256_and_si256(_mm256_srli_epi16(pairs, 4), nibble), eight);
                sums[0][j] = _mm256_dpbusd_avx_epi32(sums[0][j], first, low);
                sums[1][j] = _mm256_dpbusd_avx_epi32(sums[1][j], second, high);
            }
        }
        avx2_store(_mm256_add_epi32(sums[0][0], sums[1][0]), _mm256_add_epi32(sums[0][1], sums[1][1]), tile->n - channel,
                   tile->multipliers + channel, &rule, tile->residual ? tile->residual + channel : NULL,
                   (uint8_t *)tile->output + channel * element);
    }
}
#endif
