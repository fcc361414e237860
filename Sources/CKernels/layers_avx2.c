// SPDX-License-Identifier: Apache-2.0
#include "layer_parts.h"
#if defined(__x86_64__)

#define LAYER(name) name##_avx2
#define LAYER_NAME "avx2"
#define LAYER_ISA ISA_AVX2
#define LAYER_TARGET __attribute__((target("avx2,fma")))

#pragma STDC FP_CONTRACT OFF
#include "layers_quantized.inc"
#pragma STDC FP_CONTRACT ON
#include "layers_float.inc"

#include <immintrin.h>

// Byte shuffles look up 16 entries by four bits, and give 0 where the index has bit 7 set. With the differences between one 16 and the
// next, the results for x, x - 16, x - 32 ... that are still positive add up (exclusive or) to the entry. Subtracting saturates, so that
// what is negative stays so. Indices from 128 on go through a second sum.
struct lookup {
    __m256i low[8], high[8];
};

LAYER_TARGET ALWAYS_INLINE struct lookup lookup_of(const uint8_t *table) {
    struct lookup result;
    for (size_t i = 0; i < 8; i++) {
        __m128i low = _mm_loadu_si128((const __m128i *)(table + 16 * i)), high = _mm_loadu_si128((const __m128i *)(table + 128 + 16 * i));
        if (i > 0) {
            low = _mm_xor_si128(low, _mm_loadu_si128((const __m128i *)(table + 16 * i - 16)));
            high = _mm_xor_si128(high, _mm_loadu_si128((const __m128i *)(table + 112 + 16 * i)));
        }
        result.low[i] = _mm256_broadcastsi128_si256(low);
        result.high[i] = _mm256_broadcastsi128_si256(high);
    }
    return result;
}

LAYER_TARGET ALWAYS_INLINE __m256i looked_up(const struct lookup *table, __m256i index) {
    const __m256i sixteen = _mm256_set1_epi8(16);
    __m256i low = index, high = _mm256_xor_si256(index, _mm256_set1_epi8((char)0x80));
    __m256i result = _mm256_shuffle_epi8(table->low[0], low), other = _mm256_shuffle_epi8(table->high[0], high);
    for (size_t i = 1; i < 8; i++) {
        low = _mm256_subs_epi8(low, sixteen);
        high = _mm256_subs_epi8(high, sixteen);
        result = _mm256_xor_si256(result, _mm256_shuffle_epi8(table->low[i], low));
        other = _mm256_xor_si256(other, _mm256_shuffle_epi8(table->high[i], high));
    }
    return _mm256_xor_si256(result, other);
}

LAYER_TARGET void table_u8_avx2(const uint8_t *table, size_t rows, size_t count, const uint8_t *input, size_t input_step, uint8_t *output,
                                size_t output_step) {
    const struct lookup lookup = lookup_of(table);
    for (; rows > 0; rows--, input += input_step, output += output_step) {
        size_t i = 0;
        for (; i + 32 <= count; i += 32)
            _mm256_storeu_si256((__m256i *)(output + i), looked_up(&lookup, _mm256_loadu_si256((const __m256i *)(input + i))));
        for (; i < count; i++) output[i] = table[input[i]];
    }
}

#define LAYER_SET vector_kernels_avx2
#define LAYER_TABLE table_u8_avx2
#include "layers_set.inc"
#endif
