// SPDX-License-Identifier: Apache-2.0
// Winograd F(2x2,3x3) in 16 bits: channels in the lanes, products by vpmaddwd.
#include "avx2_store.h"
#if defined(__x86_64__)

// B^T d B of 16 channels, d[4 * y + x].
AVX2_INLINE void transform_16(const __m256i d[16], int16_t *to, size_t step) {
    __m256i t[16]; // rows transformed
    for (size_t x = 0; x < 4; x++) {
        t[x] = _mm256_sub_epi16(d[x], d[8 + x]);
        t[4 + x] = _mm256_add_epi16(d[4 + x], d[8 + x]);
        t[8 + x] = _mm256_sub_epi16(d[8 + x], d[4 + x]);
        t[12 + x] = _mm256_sub_epi16(d[4 + x], d[12 + x]);
    }
    for (size_t y = 0; y < 4; y++, to += 4 * step) {
        const __m256i *const row = t + 4 * y;
        _mm256_storeu_si256((__m256i *)to, _mm256_sub_epi16(row[0], row[2]));
        _mm256_storeu_si256((__m256i *)(to + step), _mm256_add_epi16(row[1], row[2]));
        _mm256_storeu_si256((__m256i *)(to + 2 * step), _mm256_sub_epi16(row[2], row[1]));
        _mm256_storeu_si256((__m256i *)(to + 3 * step), _mm256_sub_epi16(row[1], row[3]));
    }
}

AVX2 static void transform(const uint8_t *const pixels[16], size_t channels, int16_t *to, size_t step) {
    __m256i d[16];
    size_t c = 0;
    for (; c + 16 <= channels; c += 16) {
        for (size_t i = 0; i < 16; i++) d[i] = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(pixels[i] + c)));
        transform_16(d, to + c, step);
    }
    if (c == channels) return;
    for (size_t i = 0; i < 16; i++) {
        uint8_t rest[16] = {0};
        memcpy(rest, pixels[i] + c, channels - c);
        d[i] = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)rest));
    }
    transform_16(d, to + c, step);
}

// products[i][j] = sum over pairs of v[i] with u[..][j], 16 columns.
AVX2_INLINE void multiply_n(const int16_t *v, size_t v_step, const int16_t *u, size_t pairs, int32_t *products, const size_t m) {
    __m256i low[6], high[6];
    for (size_t i = 0; i < m; i++) low[i] = high[i] = _mm256_setzero_si256();
    for (size_t k = 0; k < pairs; k++, u += 32) {
        const __m256i u_low = _mm256_loadu_si256((const __m256i *)u), u_high = _mm256_loadu_si256((const __m256i *)(u + 16));
        for (size_t i = 0; i < m; i++) {
            int32_t pair;
            memcpy(&pair, v + i * v_step + 2 * k, sizeof pair);
            const __m256i a = _mm256_set1_epi32(pair);
            low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(a, u_low));
            high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(a, u_high));
        }
    }
    for (size_t i = 0; i < m; i++) {
        _mm256_storeu_si256((__m256i *)(products + 16 * i), low[i]);
        _mm256_storeu_si256((__m256i *)(products + 16 * i + 8), high[i]);
    }
}

AVX2 static void multiply(const int16_t *v, size_t v_step, const int16_t *u, size_t pairs, size_t tiles, int32_t *products) {
    for (size_t blocks = (tiles + 5) / 6; blocks > 0; blocks--) {
        const size_t m = (tiles + blocks - 1) / blocks;
        switch (m) {
        case 1: multiply_n(v, v_step, u, pairs, products, 1); break;
        case 2: multiply_n(v, v_step, u, pairs, products, 2); break;
        case 3: multiply_n(v, v_step, u, pairs, products, 3); break;
        case 4: multiply_n(v, v_step, u, pairs, products, 4); break;
        case 5: multiply_n(v, v_step, u, pairs, products, 5); break;
        default: multiply_n(v, v_step, u, pairs, products, 6); break;
        }
        v += m * v_step;
        products += 16 * m;
        tiles -= m;
    }
}

// A^T m A / 4 + bias of 8 channels; m[4 * y + x] at products + (4 * y + x) * step.
AVX2_INLINE void reduce_8(const int32_t *products, size_t step, const int32_t *bias, __m256i sums[4]) {
    __m256i t[2][4];
    for (size_t x = 0; x < 4; x++) {
        const __m256i a = _mm256_loadu_si256((const __m256i *)(products + x * step));
        const __m256i b = _mm256_loadu_si256((const __m256i *)(products + (4 + x) * step));
        const __m256i c = _mm256_loadu_si256((const __m256i *)(products + (8 + x) * step));
        const __m256i d = _mm256_loadu_si256((const __m256i *)(products + (12 + x) * step));
        t[0][x] = _mm256_add_epi32(a, _mm256_add_epi32(b, c));
        t[1][x] = _mm256_sub_epi32(_mm256_sub_epi32(b, c), d);
    }
    const __m256i b = _mm256_loadu_si256((const __m256i *)bias);
    for (size_t y = 0; y < 2; y++) {
        const __m256i left = _mm256_add_epi32(t[y][0], _mm256_add_epi32(t[y][1], t[y][2]));
        const __m256i right = _mm256_sub_epi32(_mm256_sub_epi32(t[y][1], t[y][2]), t[y][3]);
        sums[2 * y] = _mm256_add_epi32(_mm256_srai_epi32(left, 2), b);
        sums[2 * y + 1] = _mm256_add_epi32(_mm256_srai_epi32(right, 2), b);
    }
}

AVX2 static void finish(const int32_t *products, size_t step, size_t tiles, const struct qwinograd_results *to) {
    const struct avx2_rule rule = avx2_rule(to->requantization);
    const size_t element = rule.float_output ? sizeof(float) : 1;
    for (size_t i = 0; i < tiles; i++, products += 16) {
        __m256i low[4], high[4];
        reduce_8(products, step, to->bias, low);
        reduce_8(products + 8, step, to->bias + 8, high);
        for (size_t p = 0; p < 4; p++) {
            const ptrdiff_t pixel = to->pixels[i][p];
            if (pixel < 0) continue;
            avx2_store(low[p], high[p], to->outputs, to->multipliers, &rule,
                       to->residual ? to->residual + (size_t)pixel * to->residual_step : NULL,
                       (uint8_t *)to->output + (size_t)pixel * to->output_step * element);
        }
    }
}

const struct qwinograd_kernel qwinograd_u8s8_6x16x2_avx2 = {
    .name = "qwinograd_u8s8_6x16x2_avx2",
    .isa = ISA_AVX2,
    .transform = transform,
    .multiply = multiply,
    .finish = finish,
};
#endif
