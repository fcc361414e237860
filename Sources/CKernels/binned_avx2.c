// SPDX-License-Identifier: Apache-2.0
// Pixels in the lanes, weights in bins: vpmaddubsw without saturation, and one vpmaddwd for up to four of it.
#include "avx2_store.h"
#include "bins.h"
#if defined(__x86_64__)

AVX2_INLINE __m256i load(const void *from) { return _mm256_loadu_si256(from); }

AVX2_INLINE __m256i weights_at(const uint8_t *bin, size_t quad) {
    int32_t four;
    memcpy(&four, bin + 4 * quad, sizeof four);
    return _mm256_set1_epi32(four);
}

AVX2_INLINE const uint8_t *plane_at(const uint8_t *planes, const uint8_t *bin, size_t quads, size_t quad) {
    uint16_t offset;
    memcpy(&offset, bin + 4 * quads + 2 * quad, sizeof offset);
    return planes + offset;
}

// `quads` is a constant where this is inlined, as is `vectors`: the sums stay in registers.
AVX2_INLINE const uint8_t *add_bins(__m256i *sums, const uint8_t *bin, size_t count, const uint8_t *planes, const size_t quads,
                                    const size_t vectors) {
    const __m256i ones = _mm256_set1_epi16(1);
    for (; count > 0; count--, bin += 6 * quads) {
        const uint8_t *plane[BIN_QUADS];
        __m256i weights[BIN_QUADS];
        for (size_t q = 0; q < quads; q++) {
            plane[q] = plane_at(planes, bin, quads, q);
            weights[q] = weights_at(bin, q);
        }
        for (size_t v = 0; v < vectors; v++) {
            __m256i sum = _mm256_maddubs_epi16(load(plane[0] + 32 * v), weights[0]);
            if (quads > 1) sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(load(plane[1] + 32 * v), weights[1]));
            if (quads > 2) {
                __m256i other = _mm256_maddubs_epi16(load(plane[2] + 32 * v), weights[2]);
                if (quads > 3) other = _mm256_add_epi16(other, _mm256_maddubs_epi16(load(plane[3] + 32 * v), weights[3]));
                sum = _mm256_add_epi16(sum, other);
            }
            sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(sum, ones));
        }
    }
    return bin;
}

AVX2_INLINE const uint8_t *accumulate(const uint8_t *bins, const uint8_t *planes, size_t outputs, const int32_t *bias, int32_t *sums,
                                      const size_t vectors) {
    for (size_t o = 0; o < outputs; o++, sums += PLANE_PIXELS) {
        __m256i acc[PLANE_PIXELS / 8];
        for (size_t v = 0; v < vectors; v++) acc[v] = bias ? _mm256_set1_epi32(bias[o]) : load(sums + 8 * v);
        struct bin_counts counts;
        memcpy(&counts, bins, sizeof counts);
        bins += sizeof counts;
        bins = add_bins(acc, bins, counts.bins[0], planes, 4, vectors);
        bins = add_bins(acc, bins, counts.bins[1], planes, 3, vectors);
        bins = add_bins(acc, bins, counts.bins[2], planes, 2, vectors);
        bins = add_bins(acc, bins, counts.bins[3], planes, 1, vectors);
        for (size_t v = 0; v < vectors; v++) _mm256_storeu_si256((__m256i *)(sums + 8 * v), acc[v]);
    }
    return bins;
}

AVX2 static const uint8_t *accumulate_any(const uint8_t *bins, const uint8_t *planes, size_t vectors, size_t outputs, const int32_t *bias,
                                          int32_t *sums) {
    switch (vectors) {
    case 1: return accumulate(bins, planes, outputs, bias, sums, 1);
    case 2: return accumulate(bins, planes, outputs, bias, sums, 2);
    case 3: return accumulate(bins, planes, outputs, bias, sums, 3);
    case 4: return accumulate(bins, planes, outputs, bias, sums, 4);
    case 5: return accumulate(bins, planes, outputs, bias, sums, 5);
    case 6: return accumulate(bins, planes, outputs, bias, sums, 6);
    case 7: return accumulate(bins, planes, outputs, bias, sums, 7);
    default: return accumulate(bins, planes, outputs, bias, sums, 8);
    }
}

// Four quads of eight pixels: a transposition of 4 x 4 within each half, pixels 0 ... 3 and 4 ... 7.
AVX2_INLINE void gather_16(const uint8_t *const *pixels, size_t at, uint8_t *planes) {
    __m256i rows[4];
    for (size_t i = 0; i < 4; i++)
        rows[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(pixels[i] + at))),
                                          _mm_loadu_si128((const __m128i *)(pixels[i + 4] + at)), 1);
    const __m256i a = _mm256_unpacklo_epi32(rows[0], rows[1]), b = _mm256_unpackhi_epi32(rows[0], rows[1]);
    const __m256i c = _mm256_unpacklo_epi32(rows[2], rows[3]), d = _mm256_unpackhi_epi32(rows[2], rows[3]);
    _mm256_storeu_si256((__m256i *)planes, _mm256_unpacklo_epi64(a, c));
    _mm256_storeu_si256((__m256i *)(planes + PLANE_BYTES), _mm256_unpackhi_epi64(a, c));
    _mm256_storeu_si256((__m256i *)(planes + 2 * PLANE_BYTES), _mm256_unpacklo_epi64(b, d));
    _mm256_storeu_si256((__m256i *)(planes + 3 * PLANE_BYTES), _mm256_unpackhi_epi64(b, d));
}

AVX2 static void gather(const uint8_t *const *pixels, size_t vectors, size_t bytes, uint8_t *planes) {
    for (size_t v = 0; v < vectors; v++, pixels += 8, planes += 32) {
        size_t k = 0;
        for (; k + 16 <= bytes; k += 16) gather_16(pixels, k, planes + k / 4 * PLANE_BYTES);
        if (k < bytes && bytes % 4 == 0 && bytes >= 16) { // the last four planes, some for the second time
            gather_16(pixels, bytes - 16, planes + (bytes - 16) / 4 * PLANE_BYTES);
            continue;
        }
        for (; k < bytes; k += 4)
            for (size_t i = 0; i < 8; i++) {
                uint32_t four = 0;
                if (bytes - k >= 4) {
                    memcpy(&four, pixels[i] + k, 4);
                } else {
                    for (size_t n = 0; n < bytes - k; n++) four |= (uint32_t)pixels[i][k + n] << (8 * n);
                }
                memcpy(planes + k / 4 * PLANE_BYTES + 4 * i, &four, 4);
            }
    }
}

// Byte 4 * i + j of each half becomes byte 4 * j + i.
AVX2_INLINE __m256i transposed_4x4(__m256i bytes) {
    const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(order));
}

// Up to eight channels of up to eight pixels: bytes 4 * (c % 4) ... of the halves of quarters[c / 4] are pixels 0 ... 3 and 4 ... 7 of
// channel c.
AVX2_INLINE void load_square(const uint8_t *from, size_t step, size_t pixels, size_t channels, __m256i quarters[2]) {
    uint64_t rows[8] = {0};
    for (size_t i = 0; i < pixels; i++) memcpy(&rows[i], from + i * step, channels);
    const __m256i a = _mm256_setr_epi64x((long long)rows[0], (long long)rows[1], (long long)rows[4], (long long)rows[5]);
    const __m256i b = _mm256_setr_epi64x((long long)rows[2], (long long)rows[3], (long long)rows[6], (long long)rows[7]);
    // Dwords: a = p0 low, p0 high, p1 low, p1 high | p4 ...
    const __m256 x = _mm256_castsi256_ps(a), y = _mm256_castsi256_ps(b);
    quarters[0] = transposed_4x4(_mm256_castps_si256(_mm256_shuffle_ps(x, y, 0x88))); // channels 0 ... 3
    quarters[1] = transposed_4x4(_mm256_castps_si256(_mm256_shuffle_ps(x, y, 0xDD))); // channels 4 ... 7
}

// The bytes 4 * i ... 4 * i + 3 of each half as 32-bit integers.
AVX2_INLINE __m256i widened(__m256i bytes, const int i) {
    const __m128i first = _mm_setr_epi8(0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3, -1, -1, -1);
    return _mm256_shuffle_epi8(bytes, _mm256_or_si256(_mm256_broadcastsi128_si256(first), _mm256_set1_epi32(4 * i)));
}

// Eight channels of eight pixels.
AVX2_INLINE void store_square(const int32_t *sums, const float *multipliers, const struct avx2_rule *r, const uint8_t *residual,
                              size_t residual_step, void *output, size_t output_step, size_t pixels, size_t channels) {
    __m256i addends[2];
    if (residual) load_square(residual, residual_step, pixels, channels, addends);
    __m256 real[8];
    for (int c = 0; c < 8; c++) {
        real[c] = _mm256_mul_ps(_mm256_cvtepi32_ps(load(sums + c * PLANE_PIXELS)), _mm256_set1_ps(multipliers[c]));
        if (residual) {
            const __m256i q = widened(addends[c / 4], c % 4);
            const __m256 centred = _mm256_cvtepi32_ps(_mm256_sub_epi32(q, r->residual_zero_point));
            real[c] = _mm256_add_ps(real[c], _mm256_mul_ps(centred, r->residual_multiplier));
        }
    }
    if (r->float_output) {
        float results[8][8];
        for (size_t c = 0; c < 8; c++) _mm256_storeu_ps(results[c], _mm256_min_ps(_mm256_max_ps(real[c], r->low), r->high));
        for (size_t i = 0; i < pixels; i++)
            for (size_t c = 0; c < channels; c++) ((float *)output)[i * output_step + c] = results[c][i];
        return;
    }
    __m256i q[8];
    for (int c = 0; c < 8; c++) q[c] = avx2_rounded(real[c]);
    const __m256i first = transposed_4x4(avx2_saturated(q[0], q[1], q[2], q[3], r)); // channels 0 ... 3
    const __m256i last = transposed_4x4(avx2_saturated(q[4], q[5], q[6], q[7], r));
    const __m256i low = _mm256_unpacklo_epi32(first, last);  // pixels 0 1 and 4 5
    const __m256i high = _mm256_unpackhi_epi32(first, last); // pixels 2 3 and 6 7
    const __m128i pairs[4] = {_mm256_castsi256_si128(low), _mm256_castsi256_si128(high), _mm256_extracti128_si256(low, 1),
                              _mm256_extracti128_si256(high, 1)};
    uint8_t *const to = output;
    for (size_t i = 0; i < 8; i++) {
        if (i >= pixels) return;
        const uint64_t eight = (uint64_t)(i % 2 ? _mm_extract_epi64(pairs[i / 2], 1) : _mm_cvtsi128_si64(pairs[i / 2]));
        memcpy(to + i * output_step, &eight, channels);
    }
}

AVX2 static void store(const int32_t *sums, size_t outputs, size_t pixels, const float *multipliers,
                       const struct requantization *requantization, const uint8_t *residual, size_t residual_step, void *output,
                       size_t output_step) {
    const struct avx2_rule rule = avx2_rule(requantization);
    const size_t element = rule.float_output ? sizeof(float) : 1;
    for (size_t c = 0; c < outputs; c += 8, sums += 8 * PLANE_PIXELS)
        for (size_t i = 0; i < pixels; i += 8) {
            const size_t channels = outputs - c < 8 ? outputs - c : 8, count = pixels - i < 8 ? pixels - i : 8;
            const uint8_t *const addend = residual ? residual + i * residual_step + c : NULL;
            uint8_t *const to = (uint8_t *)output + (i * output_step + c) * element;
            if (channels == 8 && count == 8)
                store_square(sums + i, multipliers + c, &rule, addend, residual_step, to, output_step, 8, 8);
            else
                store_square(sums + i, multipliers + c, &rule, addend, residual_step, to, output_step, count, channels);
        }
}

const struct qbinned_kernel qbinned_u8s8_64x1x4_avx2 = {
    .name = "qbinned_u8s8_64x1x4_avx2",
    .isa = ISA_AVX2,
    .gather = gather,
    .accumulate = accumulate_any,
    .store = store,
};
#endif
