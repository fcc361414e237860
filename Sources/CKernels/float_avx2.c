// SPDX-License-Identifier: Apache-2.0
#include "float_kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma STDC FP_CONTRACT ON

#define FLOAT(name) name##_avx2
#define FLOAT_NAME "f32_avx2"
#define FLOAT_ISA ISA_AVX2
#define FLOAT_TARGET __attribute__((target("avx2,fma")))
#define LANES 8

FLOAT_VECTORS
FLOAT_VECTOR_MEMORY
FLOAT_VECTOR_PARTS
FLOAT_INLINE vector vector_limited(vector x, vector low, vector high) { return _mm256_min_ps(high, _mm256_max_ps(low, x)); }

// With a row of b and a pixel they fit in 16 registers.
enum { FGEMM_SUMS = 12 };
#define FGEMM_AHEAD 512
#define FGEMM_INTERLEAVES 0
#define FGEMM_BY_LANE 0
#define FGEMM_TILES CASES_TO_6(1) CASE(2, 1) CASE(2, 2) CASE(2, 3) CASE(4, 1)
#define FGEMM_PIXELS {0, 6, 3, 0, 1}

#include "float_gemm.inc"
#include "float_depthwise.inc"
#include "float_winograd.inc"
#include "float_activation.inc"
#endif
