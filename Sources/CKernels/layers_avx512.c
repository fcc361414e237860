// SPDX-License-Identifier: Apache-2.0
// With and without VBMI, which looks up 128 entries by seven bits in one instruction.
#include "layer_parts.h"
#if defined(__x86_64__)
#include <immintrin.h>

#define LAYER(name) name##_avx512
#define LAYER_TARGET __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")))
#define VBMI __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi")))

#pragma STDC FP_CONTRACT OFF
#include "layers_quantized.inc"
#pragma STDC FP_CONTRACT ON
#include "layers_float.inc"

static VBMI void table_u8_avx512vbmi(const uint8_t *table, size_t rows, size_t count, const uint8_t *input, size_t input_step,
                                     uint8_t *output, size_t output_step) {
    const __m512i low[2] = {_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64)};
    const __m512i high[2] = {_mm512_loadu_si512(table + 128), _mm512_loadu_si512(table + 192)};
    for (; rows > 0; rows--, input += input_step, output += output_step)
        for (size_t i = 0; i < count; i += 64) {
            const __mmask64 some = count - i < 64 ? (1ull << (count - i)) - 1 : ~0ull;
            const __m512i index = _mm512_maskz_loadu_epi8(some, input + i);
            const __m512i result = _mm512_permutex2var_epi8(low[0], index, low[1]);
            const __m512i other = _mm512_permutex2var_epi8(high[0], index, high[1]);
            _mm512_mask_storeu_epi8(output + i, some, _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), result, other));
        }
}

#define LAYER_NAME "avx512"
#define LAYER_ISA (ISA_AVX2 | ISA_AVX512_VNNI)
#define LAYER_SET vector_kernels_avx512
#define LAYER_TABLE table_u8_avx2
#include "layers_set.inc"
#undef LAYER_NAME
#undef LAYER_ISA
#undef LAYER_SET
#undef LAYER_TABLE

#define LAYER_NAME "avx512vbmi"
#define LAYER_ISA (ISA_AVX2 | ISA_AVX512_VNNI | ISA_AVX512_VBMI)
#define LAYER_SET vector_kernels_avx512vbmi
#define LAYER_TABLE table_u8_avx512vbmi
#include "layers_set.inc"
#endif
