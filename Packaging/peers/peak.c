// SPDX-License-Identifier: Apache-2.0
// How many multiply-accumulates a second one core can do at most, by instruction: independent sums in registers, nothing else.
// Driven as swiftlet bench --worker is: `run SECONDS` answers {"gmacs":{INSTRUCTION: 10^9 a second, …}}, the time divided among the instructions.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct loop {
    const char *name;
    int macs; // of one pass
    bool (*available)(void);
    void (*run)(long passes);
};

#define SIXTEEN(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15)
#define EIGHT(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)

#if defined(__x86_64__)
#include <cpuid.h>
#define CLOBBERED                                                                                                            \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",        \
        "xmm14", "xmm15", "cc"
#define LOOP(name, isa, prepare, body)                                                                                       \
    __attribute__((target(isa))) static void name(long passes) {                                                             \
        __asm__ volatile(prepare "1:\n" body "dec %0\njnz 1b\n" : "+r"(passes) : "r"(0x01020301) : CLOBBERED);                \
    }

#define VNNI512(i) "vpdpbusd %%zmm17, %%zmm16, %%zmm" #i "\n"
#define FMA512(i) "vfmadd231ps %%zmm17, %%zmm16, %%zmm" #i "\n"
#define VNNI256(i) "%{vex%} vpdpbusd %%ymm15, %%ymm14, %%ymm" #i "\n"
#define FMA256(i) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" #i "\n"
#define MADD16(i) "vpmaddwd %%ymm15, %%ymm14, %%ymm12\nvpaddd %%ymm12, %%ymm" #i ", %%ymm" #i "\n"
#define MADD8(i) "vpmaddubsw %%ymm15, %%ymm14, %%ymm12\nvpmaddwd %%ymm13, %%ymm12, %%ymm12\nvpaddd %%ymm12, %%ymm" #i ", %%ymm" #i "\n"
#define SET512 "vpbroadcastd %1, %%zmm16\nvpbroadcastd %1, %%zmm17\n"
#define SET256 "vmovd %1, %%xmm14\nvpbroadcastd %%xmm14, %%ymm14\nvmovdqa %%ymm14, %%ymm15\nvmovdqa %%ymm14, %%ymm13\n"
#define TWELVE(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)

LOOP(vnni512, "avx512f,avx512vnni", SET512, SIXTEEN(VNNI512))
LOOP(fma512, "avx512f", SET512, SIXTEEN(FMA512))
LOOP(vnni256, "avx2", SET256, TWELVE(VNNI256))
LOOP(fma256, "avx2,fma", SET256, TWELVE(FMA256))
LOOP(madd16, "avx2", SET256, TWELVE(MADD16))
LOOP(madd8, "avx2", SET256, TWELVE(MADD8))

static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static bool has_avx512(void) { return __builtin_cpu_supports("avx512f"); }
static bool has_avx512vnni(void) { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni"); }
static bool has_avxvnni(void) {
    unsigned a, b, c, d;
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}

static const struct loop loops[] = {
    {"vpdpbusd zmm", 16 * 64, has_avx512vnni, vnni512},
    {"vpdpbusd ymm", 12 * 32, has_avxvnni, vnni256},
    {"vpmaddwd ymm", 12 * 16, has_avx2, madd16},
    {"vpmaddubsw ymm", 12 * 32, has_avx2, madd8},
    {"vfmadd231ps zmm", 16 * 16, has_avx512, fma512},
    {"vfmadd231ps ymm", 12 * 8, has_avx2, fma256},
};
#elif defined(__aarch64__)
#include <sys/auxv.h>
#define CLOBBERED                                                                                                            \
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v30", "v31", "cc"
#define LOOP(name, body)                                                                                                     \
    static void name(long passes) {                                                                                          \
        __asm__ volatile(".arch armv8.6-a\nmovi v30.16b, #1\nmovi v31.16b, #1\n1:\n" body "subs %0, %0, #1\nb.ne 1b\n"       \
                         : "+r"(passes) : : CLOBBERED);                                                                      \
    }
#define DOT(i) "sdot v" #i ".4s, v30.16b, v31.16b\n"
#define MATRIX(i) "smmla v" #i ".4s, v30.16b, v31.16b\n"
#define WIDEN(i) "smull v14.8h, v30.8b, v31.8b\nsmlal2 v14.8h, v30.16b, v31.16b\nsadalp v" #i ".4s, v14.8h\n"
#define FMA(i) "fmla v" #i ".4s, v30.4s, v31.4s\n"
LOOP(dot, SIXTEEN(DOT))
LOOP(matrix, SIXTEEN(MATRIX))
LOOP(widen, EIGHT(WIDEN))
LOOP(fma128, SIXTEEN(FMA))
static bool has_neon(void) { return true; }
static bool has_dot(void) { return getauxval(AT_HWCAP) & 1ul << 20; }
static bool has_i8mm(void) { return getauxval(AT_HWCAP2) & 1ul << 13; }
static const struct loop loops[] = {
    {"smmla", 16 * 32, has_i8mm, matrix},
    {"sdot", 16 * 16, has_dot, dot},
    {"smull, smlal2, sadalp", 8 * 16, has_neon, widen},
    {"fmla", 16 * 4, has_neon, fma128},
};
#endif

enum { LOOPS = sizeof loops / sizeof *loops, PASSES = 20000 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(void) {
    char line[64];
    int count = 0;
    for (int i = 0; i < LOOPS; i++) count += loops[i].available();
    printf("{\"ready\":true}\n");
    fflush(stdout);
    double seconds;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "run %lf", &seconds) != 1) return 64;
        const char *separator = "{\"gmacs\":{";
        for (int i = 0; i < LOOPS; i++) {
            if (!loops[i].available()) continue;
            double shortest = 1e9;
            for (const double end = now() + seconds / count; now() < end;) {
                const double start = now();
                loops[i].run(PASSES);
                const double time = now() - start;
                if (time < shortest) shortest = time;
            }
            printf("%s\"%s\":%.2f", separator, loops[i].name, (double)loops[i].macs * PASSES / shortest / 1e9);
            separator = ",";
        }
        printf("}}\n");
        fflush(stdout);
    }
}
