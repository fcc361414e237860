// SPDX-License-Identifier: Apache-2.0
#include "float_kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma STDC FP_CONTRACT ON

#define FLOAT(name) name##_avx512
#define FLOAT_NAME "f32_avx512"
// F, BW and VL would do. The list of instruction sets has no AVX-512 without VNNI, so that what has no more (Skylake-X) runs the forms for AVX2.
#define FLOAT_ISA (ISA_AVX2 | ISA_AVX512_VNNI)
#define FLOAT_TARGET __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl")))
#define LANES 16

FLOAT_VECTORS
FLOAT_VECTOR_MEMORY
FLOAT_INLINE vector vector_limited(vector x, vector low, vector high) { return _mm512_min_ps(high, _mm512_max_ps(low, x)); }
FLOAT_INLINE vector vector_load_part(const float *from, size_t n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), from); }
FLOAT_INLINE void vector_store_part(float *to, vector x, size_t n) { _mm512_mask_storeu_ps(to, (__mmask16)((1u << n) - 1), x); }

// With a row of b and a pixel they fit in 32 registers.
enum { FGEMM_SUMS = 24 };
#define FGEMM_AHEAD 4096
#define FGEMM_INTERLEAVES 1
#define FGEMM_BY_LANE 0
#define FGEMM_TILES CASES_TO_12(1) CASES_TO_12(2) CASES_TO_8(3) CASES_TO_6(4)
#define FGEMM_PIXELS {0, 12, 12, 8, 6}

#include "float_gemm.inc"
#include "float_depthwise.inc"
#include "float_winograd.inc"
#include "float_activation.inc"
#endif
