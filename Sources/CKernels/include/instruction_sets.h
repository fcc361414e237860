// SPDX-License-Identifier: Apache-2.0
// Instruction sets beyond the baseline of the architecture, as bits.
#pragma once
#include <stdint.h>

enum isa {
    ISA_PLAIN = 0,
    ISA_AVX2 = 1 << 0,        // AVX2 and FMA
    ISA_AVX_VNNI = 1 << 1,    // VEX-encoded vpdpbusd
    ISA_AVX512_VNNI = 1 << 2, // AVX-512 F, BW, VL and VNNI
    ISA_NEON = 1 << 3,        // Advanced SIMD: every AArch64 core
    ISA_NEON_DOT = 1 << 4,    // sdot, udot
    ISA_NEON_I8MM = 1 << 5,   // smmla, usdot
    ISA_AVX512_VBMI = 1 << 6, // AVX-512 VBMI
};

// What this processor and its operating system support.
uint32_t isa_detect(void);
