// SPDX-License-Identifier: Apache-2.0
#include "layer_parts.h"

#define LAYER(name) name##_plain
#define LAYER_NAME "plain"
#define LAYER_ISA ISA_PLAIN
#define LAYER_TARGET

#pragma STDC FP_CONTRACT OFF
#include "layers_quantized.inc"
#pragma STDC FP_CONTRACT ON
#include "layers_float.inc"

static void table_u8_plain(const uint8_t *table, size_t rows, size_t count, const uint8_t *input, size_t input_step, uint8_t *output,
                           size_t output_step) {
    for (; rows > 0; rows--, input += input_step, output += output_step)
        for (size_t i = 0; i < count; i++) output[i] = table[input[i]];
}

#define LAYER_SET vector_kernels_plain
#define LAYER_TABLE table_u8_plain
#include "layers_set.inc"

#if defined(__aarch64__)
// Compilers take NEON for plain C, too: the sets have in common what they do well with it.
#undef LAYER_NAME
#undef LAYER_ISA
#undef LAYER_SET
#undef LAYER_TABLE
#define LAYER_NAME "neon"
#define LAYER_ISA ISA_NEON
#define LAYER_SET vector_kernels_neon
#define LAYER_TABLE table_u8_neon
#define LAYER_BINARY binary_u8_neon
#define LAYER_QUANTIZE quantize_neon
#include "layers_set.inc"
#endif
