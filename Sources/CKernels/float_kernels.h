// SPDX-License-Identifier: Apache-2.0
// What the float kernels of every instruction set share.
#pragma once
#include "internal.h"
#include "layer_parts.h"

#define FLOAT_INLINE static inline __attribute__((always_inline)) FLOAT_TARGET
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

// LANES floats, and the same anywhere in memory.
#define FLOAT_VECTORS                                                  \
    typedef float vector __attribute__((vector_size(4 * LANES)));      \
    typedef float unaligned_vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

// The vector_* functions of which an instruction set has no better form.
#define FLOAT_VECTOR_MEMORY                                                                              \
    FLOAT_INLINE vector vector_set(float x) { return x - (vector){}; } \
    FLOAT_INLINE vector vector_load(const float *from) { return *(const unaligned_vector *)from; }       \
    FLOAT_INLINE void vector_store(float *to, vector x) { *(unaligned_vector *)to = x; }
#define FLOAT_VECTOR_PARTS                                               \
    FLOAT_INLINE vector vector_load_part(const float *from, size_t n) {  \
        vector x = {};                                                   \
        memcpy(&x, from, n * sizeof *from);                              \
        return x;                                                        \
    }                                                                    \
    FLOAT_INLINE void vector_store_part(float *to, vector x, size_t n) { memcpy(to, &x, n * sizeof *to); }
