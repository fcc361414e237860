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
#endif
