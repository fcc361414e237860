// SPDX-License-Identifier: Apache-2.0
// vpdpbusd in 512 bits: four products of u8 and s8 into int32, exactly.
#include "avx512_store.h"
#if defined(__x86_64__)

__attribute__((noinline)) AVX512_VNNI void avx512_store_any(const struct qgemm_tile *tile, const int32_t *sums) {
    const struct requantization *r = tile->requantization;
    const size_t element = r->float_output ? sizeof(float) : 1;
    for (size_t i = 0; i < tile->m; i++)
        for (size_t j = 0; j < tile->n; j += 16) {
            const size_t left = tile->n - j;
            const __mmask16 wanted = left < 16 ? (__mmask16)((1u << left) - 1) : 0xFFFF;
            __m512 real = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums + i * 64 + j)), _mm512_loadu_ps(tile->multipliers + j));
            if (tile->residual) {
                const __m512i q = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(wanted, tile->residual + i * tile->residual_step + j));
                real = avx512_added(real, q, r);
            }
            uint8_t *to = (uint8_t *)tile->output + (i * tile->output_step + j) * element;
            if (r->float_output) {
                real = _mm512_min_ps(_mm512_max_ps(real, _mm512_set1_ps(r->low)), _mm512_set1_ps(r->high));
                _mm512_mask_storeu_ps(to, wanted, real);
            } else {
                const __m512i q = avx512_rounded(real);
                const __m512i bytes = avx512_bytes(q, q, q, q, r);
                _mm_mask_storeu_epi8(to, wanted, _mm512_castsi512_si128(_mm512_permutexvar_epi32(AVX512_LANES_IN_ORDER, bytes)));
            }
        }
}

// Loads one block of a pixel's depth into every lane.
AVX512_INLINE __m512i broadcast(const uint8_t *from) {
    int32_t four;
    memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
}

// The sums of m pixels and v vectors of 16 channels; constants where this is inlined, so that the sums stay in registers.
AVX512_INLINE void qgemm(const struct qgemm_tile *tile, const size_t m, const size_t v) {
    __m512i sums[14][4];
    UNROLL for (size_t i = 0; i < m; i++)
        UNROLL for (size_t j = 0; j < v; j++) sums[i][j] = _mm512_loadu_si512(tile->bias + 16 * j);
    const int8_t *b = tile->b;
    const size_t step = tile->a_step, b_step = tile->b_step;
    for (size_t s = 0; s < tile->segment_count; s++) {
        const uint8_t *a = tile->segments[s];
        for (size_t k = 0; k < tile->segment_blocks; k++, a += 4, b += 64) {
            __m512i weights[4];
            UNROLL for (size_t j = 0; j < v; j++) weights[j] = _mm512_loadu_si512(b + j * b_step);
            UNROLL for (size_t i = 0; i < m; i++) {
                const __m512i x = broadcast(a + i * step);
                UNROLL for (size_t j = 0; j < v; j++) sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], x, weights[j]);
            }
        }
    }
    if (tile->n < 16 * v || tile->requantization->float_output) {
        __m512i stored[14][4];
        UNROLL for (size_t i = 0; i < m; i++)
            UNROLL for (size_t j = 0; j < v; j++) stored[i][j] = sums[i][j];
        avx512_store_any(tile, (const int32_t *)stored);
        return;
    }
    if (tile->residual)
        avx512_store(tile, sums, m, v, true);
    else
        avx512_store(tile, sums, m, v, false);
}

#define TILE(m, v) \
    AVX512_VNNI static void qgemm_##m##x##v(const struct qgemm_tile *tile) { qgemm(tile, m, v); }
#define TILES_7(v) TILE(1, v) TILE(2, v) TILE(3, v) TILE(4, v) TILE(5, v) TILE(6, v) TILE(7, v)
#define TILES_14(v) TILES_7(v) TILE(8, v) TILE(9, v) TILE(10, v) TILE(11, v) TILE(12, v) TILE(13, v) TILE(14, v)
TILES_14(1) TILES_14(2) TILES_7(3) TILES_7(4)

#define NAMES_7(v) qgemm_1x##v, qgemm_2x##v, qgemm_3x##v, qgemm_4x##v, qgemm_5x##v, qgemm_6x##v, qgemm_7x##v
#define NAMES_14(v) NAMES_7(v), qgemm_8x##v, qgemm_9x##v, qgemm_10x##v, qgemm_11x##v, qgemm_12x##v, qgemm_13x##v, qgemm_14x##v

// By vectors of channels, then pixels.
static void (*const tiles[4][14])(const struct qgemm_tile *tile) = {{NAMES_14(1)}, {NAMES_14(2)}, {NAMES_7(3)}, {NAMES_7(4)}};

void qgemm_u8s8_7x64x4_avx512vnni(const struct qgemm_tile *tile) { tiles[(tile->n - 1) / 16][tile->m - 1](tile); }
void qgemm_u8s8_14x32x4_avx512vnni(const struct qgemm_tile *tile) { tiles[(tile->n - 1) / 16][tile->m - 1](tile); }
#endif
