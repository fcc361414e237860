// SPDX-License-Identifier: Apache-2.0
#include "float_kernels.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#pragma STDC FP_CONTRACT ON

#define FLOAT(name) name##_neon
#define FLOAT_NAME "f32_neon"
#define FLOAT_ISA ISA_NEON
#define FLOAT_TARGET
#define LANES 4

FLOAT_VECTORS
FLOAT_VECTOR_MEMORY
FLOAT_VECTOR_PARTS
// By selection: fmax and fmin would be as fast, but not every NaN would stay one.
FLOAT_INLINE vector vector_limited(vector x, vector low, vector high) {
    const vector raised = vbslq_f32(vcltq_f32(x, low), low, x);
    return vbslq_f32(vcgtq_f32(raised, high), high, raised);
}

// With a row of b and a pixel they fit in 32 registers.
enum { FGEMM_SUMS = 24 };
#define FGEMM_AHEAD 0
#define FGEMM_INTERLEAVES 0
#define FGEMM_BY_LANE 1
#define FGEMM_TILES CASES_TO_6(1) CASE(2, 1) CASE(2, 2) CASE(2, 3) CASE(4, 1)
#define FGEMM_PIXELS {0, 6, 3, 0, 1}

#include "float_gemm.inc"
#include "float_depthwise.inc"
#include "float_winograd.inc"
#include "float_activation.inc"
#endif
