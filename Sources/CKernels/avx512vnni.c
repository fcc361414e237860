// SPDX-License-Identifier: Apache-2.0
// vpdpbusd in 512 bits: four products of u8 and s8 into int32, exactly.
#include "avx512_store.h"
#if defined(__x86_64__)
// Stores any results of tile->m pixels and tile->n channels, from sums [m][columns].
static AVX512_VNNI __attribute__((noinline)) void avx512_store_any(const struct qgemm_tile *tile, const int32_t *sums, size_t columns) {
    const struct requantization *r = tile->requantization;
    const struct avx512_rule rule = avx512_rule(r);
    for (size_t i = 0; i < tile->m; i++)
        for (size_t j = 0; j < tile->n; j += 16) {
            const size_t left = tile->n - j;
            const __mmask16 wanted = left < 16 ? (__mmask16)((1u << left) - 1) : 0xFFFF;
            const __m512i acc = _mm512_loadu_si512(sums + i * columns + j);
            __m512 real = avx512_real(acc, tile->multipliers + j);
            if (tile->residual) {
                const __m128i q = _mm_maskz_loadu_epi8(wanted, tile->residual + i * tile->residual_step + j);
                real = avx512_added(real, _mm512_cvtepu8_epi32(q), &rule);
            }
            const size_t at = i * tile->output_step + j;
            if (r->float_output) {
                real = _mm512_min_ps(_mm512_max_ps(real, _mm512_set1_ps(r->low)), _mm512_set1_ps(r->high));
                _mm512_mask_storeu_ps((float *)tile->output + at, wanted, real);
                continue;
            }
            const __m512i q = avx512_rounded(real);
            _mm_mask_storeu_epi8((uint8_t *)tile->output + at, wanted, _mm512_castsi512_si128(avx512_bytes(q, q, q, q, &rule)));
        }
}

// The sums of m pixels and v vectors of 16 channels; constants where this is inlined, so that the sums stay in registers.
AVX512_INLINE void qgemm(const struct qgemm_tile *tile, const size_t m, const size_t v) {
    __m512i sums[14][2];
    UNROLL for (size_t i = 0; i < m; i++)
        UNROLL for (size_t j = 0; j < v; j++) sums[i][j] = _mm512_loadu_si512(tile->bias + 16 * j);
    const int8_t *b = tile->b;
    const size_t a_step = tile->a_step, b_step = tile->b_step, ahead_step = tile->wanted_soon ? 64 : 0;
    const char *ahead = tile->wanted_soon ? tile->wanted_soon : tile->b;
    for (size_t s = 0; s < tile->segment_count; s++) {
        const uint8_t *a = tile->segments[s];
        for (size_t k = 0; k < tile->segment_blocks; k++, a += 4, b += 64, ahead += ahead_step) {
            _mm_prefetch(ahead, _MM_HINT_T1);
            __m512i weights[2];
            UNROLL for (size_t j = 0; j < v; j++) weights[j] = _mm512_loadu_si512(b + j * b_step);
            UNROLL for (size_t i = 0; i < m; i++) {
                int32_t four;
                memcpy(&four, a + i * a_step, sizeof four);
                const __m512i x = _mm512_set1_epi32(four);
                UNROLL for (size_t j = 0; j < v; j++) sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], x, weights[j]);
            }
        }
    }
    if (tile->requantization->float_output || !tile->requantization->bounded) {
        int32_t stored[14 * 32];
        UNROLL for (size_t i = 0; i < m; i++)
            UNROLL for (size_t j = 0; j < v; j++) _mm512_storeu_si512(stored + 16 * (i * v + j), sums[i][j]);
        avx512_store_any(tile, stored, 16 * v);
    } else if (tile->residual) {
        avx512_store(tile, sums, m, v, true);
    } else {
        avx512_store(tile, sums, m, v, false);
    }
}

#define TILE(m) \
    case m: narrow ? qgemm(tile, m, 1) : qgemm(tile, m, 2); break;

AVX512_VNNI void qgemm_u8s8_14x32x4_avx512vnni(const struct qgemm_tile *tile) {
    const bool narrow = tile->n <= 16;
    switch (tile->m) {
        TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13) TILE(14)
    }
}

// One pixel: the weights of eight vectors of channels are read side by side.
AVX512_VNNI void qgemm_u8s8_1x128x4_avx512vnni(const struct qgemm_tile *tile) {
    const size_t vectors = (tile->n + 15) / 16;
    __m512i sums[8];
    const int8_t *b[8];
    UNROLL for (size_t j = 0; j < 8; j++) {
        const size_t panel = j < vectors ? j : 0; // beyond the tile's channels something is computed and left
        sums[j] = _mm512_loadu_si512(tile->bias + 16 * panel);
        b[j] = (const int8_t *)tile->b + panel * tile->b_step;
    }
    size_t at = 0;
    for (size_t s = 0; s < tile->segment_count; s++) {
        const uint8_t *a = tile->segments[s];
        for (size_t k = 0; k < tile->segment_blocks; k++, a += 4, at += 64) {
            int32_t four;
            memcpy(&four, a, sizeof four);
            const __m512i x = _mm512_set1_epi32(four);
            UNROLL for (size_t j = 0; j < 8; j++) sums[j] = _mm512_dpbusd_epi32(sums[j], x, _mm512_loadu_si512(b[j] + at));
        }
    }
    int32_t stored[8 * 16];
    UNROLL for (size_t j = 0; j < 8; j++) _mm512_storeu_si512(stored + 16 * j, sums[j]);
    avx512_store_any(tile, stored, 128);
}

// As above; the bytes are taken apart first.
AVX512_VNNI void qnarrow_u8s4_1x128x8_avx512vnni(const struct qgemm_tile *tile) {
    const size_t vectors = (tile->n + 15) / 16;
    const __m512i nibble = _mm512_set1_epi8(15), eight = _mm512_set1_epi8(8);
    __m512i sums[8];
    const uint8_t *a = tile->segments[0], *b[8];
    UNROLL for (size_t j = 0; j < 8; j++) {
        const size_t panel = j < vectors ? j : 0;
        sums[j] = _mm512_loadu_si512(tile->bias + 16 * panel);
        b[j] = (const uint8_t *)tile->b + panel * tile->b_step;
    }
    for (size_t k = 0; k < tile->segment_blocks; k++) {
        int32_t four[2];
        memcpy(four, a + 8 * k, sizeof four);
        const __m512i first = _mm512_set1_epi32(four[0]), second = _mm512_set1_epi32(four[1]);
        UNROLL for (size_t j = 0; j < 8; j++) {
            const __m512i pairs = _mm512_loadu_si512(b[j] + 64 * k);
            const __m512i low = _mm512_sub_epi8(_mm512_and_si512(pairs, nibble), eight);
            const __m512i high = _mm512_sub_epi8(_mm512_and_si512(_mm512_srli_epi16(pairs, 4), nibble), eight);
            sums[j] = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sums[j], first, low), second, high);
        }
    }
    int32_t stored[8 * 16];
    UNROLL for (size_t j = 0; j < 8; j++) _mm512_storeu_si512(stored + 16 * j, sums[j]);
    avx512_store_any(tile, stored, 128);
}
#endif
