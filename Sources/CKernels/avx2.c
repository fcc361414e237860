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

// The first n channels at `from`, n one of 16, 8 and `tail`, which is less than 16.
AVX2_INLINE __m128i load_channels(const uint8_t *from, const size_t n, size_t tail) {
    if (n == 16) return _mm_loadu_si128((const __m128i *)from);
    if (n == 8) return _mm_loadl_epi64((const __m128i *)from);
    uint8_t bytes[16] = {0};
    memcpy(bytes, from, tail);
    return _mm_loadu_si128((const __m128i *)bytes);
}

// Adds to the sums of 16 channels what two rows of one column, interleaved into pairs of 16 bits, give with a pair of weights.
AVX2_INLINE void add_pairs(__m256i sums[2], __m256i low, __m256i high, const int16_t *weights) {
    sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(low, _mm256_loadu_si256((const __m256i *)weights)));
    sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(high, _mm256_loadu_si256((const __m256i *)(weights + 16))));
}

struct depthwise_block {
    const struct qdepthwise_run *run;
    struct avx2_rule rule;
    const int16_t *weights;
    size_t channel, n;
};

AVX2_INLINE void depthwise_begin(const struct depthwise_block *b, __m256i sums[2]) {
    sums[0] = _mm256_loadu_si256((const __m256i *)(b->run->bias + b->channel));
    sums[1] = _mm256_loadu_si256((const __m256i *)(b->run->bias + b->channel + 8));
}

AVX2_INLINE void depthwise_store(const struct depthwise_block *b, const __m256i sums[2], size_t pixel) {
    const struct qdepthwise_run *run = b->run;
    const size_t at = pixel * run->output_step + b->channel;
    avx2_store(sums[0], sums[1], b->n, run->multipliers + b->channel, &b->rule,
               run->residual ? run->residual + pixel * run->residual_step + b->channel : NULL,
               (uint8_t *)run->output + at * (b->rule.float_output ? sizeof(float) : 1));
}

// Rows 2g and 2g + 1 of a column as pairs.
AVX2_INLINE void column_pairs(const uint8_t *const *rows, const size_t height, size_t g, size_t offset, const size_t width, size_t tail,
                              __m256i *low, __m256i *high) {
    const __m128i x = load_channels(rows[2 * g] + offset, width, tail);
    const __m128i y = 2 * g + 1 < height ? load_channels(rows[2 * g + 1] + offset, width, tail) : _mm_setzero_si128();
    *low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(x, y));
    *high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(x, y));
}

// Any window: every pixel gathers its columns.
AVX2_INLINE void depthwise_gather(const struct depthwise_block *b, const uint8_t *const *rows, const size_t height, const size_t width,
                                  const size_t n) {
    const size_t groups = (height + 1) / 2;
    for (size_t i = 0; i < b->run->pixels; i++) {
        __m256i sums[2];
        depthwise_begin(b, sums);
        for (size_t x = 0; x < width; x++)
            for (size_t g = 0; g < groups; g++) {
                __m256i low, high;
                column_pairs(rows, height, g, i * b->run->pixel_step + x * b->run->tap_step + b->channel, n, b->n, &low, &high);
                add_pairs(sums, low, high, b->weights + (x * groups + g) * 32);
            }
        depthwise_store(b, sums, i);
    }
}

// Windows that step by one column: each column is prepared once and added to all the pixels that share it.
AVX2_INLINE void depthwise_scatter(const struct depthwise_block *b, const uint8_t *const *rows, const size_t size, const size_t n) {
    const size_t groups = (size + 1) / 2, step = b->run->tap_step;
    __m256i sums[5][2]; // of the pixels i ... i + size - 1
    for (size_t j = 0; j + 1 < size; j++) {
        depthwise_begin(b, sums[j]);
        for (size_t g = 0; g < groups; g++) {
            __m256i low, high;
            column_pairs(rows, size, g, j * step + b->channel, n, b->n, &low, &high);
            for (size_t p = 0; p <= j; p++) add_pairs(sums[p], low, high, b->weights + ((j - p) * groups + g) * 32);
        }
    }
    for (size_t i = 0; i < b->run->pixels; i++) {
        depthwise_begin(b, sums[size - 1]);
        for (size_t g = 0; g < groups; g++) {
            __m256i low, high;
            column_pairs(rows, size, g, (i + size - 1) * step + b->channel, n, b->n, &low, &high);
            for (size_t p = 0; p < size; p++) add_pairs(sums[p], low, high, b->weights + ((size - 1 - p) * groups + g) * 32);
        }
        depthwise_store(b, sums[0], i);
        for (size_t p = 0; p + 1 < size; p++) {
            sums[p][0] = sums[p + 1][0];
            sums[p][1] = sums[p + 1][1];
        }
    }
}

// size: 0 for any window.
AVX2_INLINE void depthwise_block_run(const struct depthwise_block *b, const size_t size, const size_t n) {
    const uint8_t *rows[5];
    for (size_t y = 0; y < size; y++) rows[y] = b->run->rows[y];
    if (size == 0)
        depthwise_gather(b, b->run->rows, b->run->kernel_height, b->run->kernel_width, n);
    else if (b->run->pixel_step == b->run->tap_step && b->run->pixels >= size)
        depthwise_scatter(b, rows, size, n);
    else
        depthwise_gather(b, rows, size, size, n);
}

AVX2_INLINE void qdepthwise(const struct qdepthwise_run *run, const size_t size) {
    struct depthwise_block b = {.run = run, .rule = avx2_rule(run->requantization), .weights = run->weights};
    const size_t block_weights = run->kernel_width * ((run->kernel_height + 1) / 2) * 32;
    for (; b.channel < run->channels; b.channel += 16, b.weights += block_weights) {
        b.n = run->channels - b.channel;
        if (b.n >= 16)
            depthwise_block_run(&b, size, 16);
        else if (b.n == 8)
            depthwise_block_run(&b, size, 8);
        else
            depthwise_block_run(&b, size, 0);
    }
}

AVX2 void qdepthwise_u8s8_16x2_avx2(const struct qdepthwise_run *run) { qdepthwise(run, 0); }
AVX2 void qdepthwise3x3_u8s8_16x2_avx2(const struct qdepthwise_run *run) { qdepthwise(run, 3); }
AVX2 void qdepthwise5x5_u8s8_16x2_avx2(const struct qdepthwise_run *run) { qdepthwise(run, 5); }
#endif
