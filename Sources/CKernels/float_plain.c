// SPDX-License-Identifier: Apache-2.0
#include "float_kernels.h"
#pragma STDC FP_CONTRACT ON

#define FLOAT(name) name##_plain
#define FLOAT_NAME "f32_plain"
#define FLOAT_ISA ISA_PLAIN
#define FLOAT_TARGET
#define LANES 4

FLOAT_VECTORS
FLOAT_VECTOR_MEMORY
FLOAT_VECTOR_PARTS
FLOAT_INLINE vector vector_limited(vector x, vector low, vector high) {
    UNROLL for (size_t i = 0; i < LANES; i++) x[i] = limited(x[i], low[i], high[i]);
    return x;
}

// With a row of b and a pixel they fit in 16 registers and some.
enum { FGEMM_SUMS = 12 };
#define FGEMM_AHEAD 0
#define FGEMM_INTERLEAVES 0
#define FGEMM_BY_LANE 0
#define FGEMM_TILES CASE(1, 1) CASE(1, 2) CASE(1, 3)
#define FGEMM_PIXELS {0, 3, 0, 0, 0}

#include "float_gemm.inc"
#include "float_depthwise.inc"
#include "float_winograd.inc"
#include "float_activation.inc"
