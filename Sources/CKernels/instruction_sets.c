// SPDX-License-Identifier: Apache-2.0
#include "include/instruction_sets.h"

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t enabled_state(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

uint32_t isa_detect(void) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return ISA_PLAIN;
    const uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;
    if ((c & (fma | osxsave | avx)) != (fma | osxsave | avx)) return ISA_PLAIN;
    const uint64_t state = enabled_state();
    if ((state & 0x6) != 0x6) return ISA_PLAIN;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & 1u << 5)) return ISA_PLAIN;
    uint32_t isa = ISA_AVX2;
    const uint32_t f_bw_vl = 1u << 16 | 1u << 30 | 1u << 31;
    if ((state & 0xE6) == 0xE6 && (b & f_bw_vl) == f_bw_vl && (c & 1u << 11)) isa |= ISA_AVX512_VNNI;
    if ((isa & ISA_AVX512_VNNI) && (c & 1u << 1)) isa |= ISA_AVX512_VBMI;
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4)) isa |= ISA_AVX_VNNI;
    return isa;
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

uint32_t isa_detect(void) {
    // Linux, Documentation/arch/arm64/elf_hwcaps.rst
    const unsigned long asimddp = 1ul << 20, i8mm = 1ul << 13;
    uint32_t isa = ISA_NEON;
    if (getauxval(AT_HWCAP) & asimddp) isa |= ISA_NEON_DOT;
    if ((isa & ISA_NEON_DOT) && (getauxval(AT_HWCAP2) & i8mm)) isa |= ISA_NEON_I8MM;
    return isa;
}

#else
uint32_t isa_detect(void) { return ISA_PLAIN; }
#endif
