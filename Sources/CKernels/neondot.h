// SPDX-License-Identifier: Apache-2.0
// Attributes of functions that use sdot.
#pragma once
#if defined(__clang__)
#define NEON_DOT_FEATURES "dotprod"
#else
#define NEON_DOT_FEATURES "arch=armv8.2-a+dotprod"
#endif
#define NEON_DOT __attribute__((target(NEON_DOT_FEATURES)))
#define NEON_DOT_INLINE static inline __attribute__((always_inline, target(NEON_DOT_FEATURES)))
