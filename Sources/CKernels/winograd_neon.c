// SPDX-License-Identifier: Apache-2.0
// Winograd F(2x2,3x3) in 16 bits, for cores without dot product: channels in the lanes, products by smlal.
#include "neon_store.h"
#if defined(__aarch64__)

// B^T d B of 8 channels, d[4 * y + x].
NEON_INLINE void transform_8(const int16x8_t d[16], int16_t *to, size_t step) {
    int16x8_t t[16]; // rows transformed
    UNROLLED for (size_t x = 0; x < 4; x++) {
        t[x] = vsubq_s16(d[x], d[8 + x]);
        t[4 + x] = vaddq_s16(d[4 + x], d[8 + x]);
        t[8 + x] = vsubq_s16(d[8 + x], d[4 + x]);
        t[12 + x] = vsubq_s16(d[4 + x], d[12 + x]);
    }
    UNROLLED for (size_t y = 0; y < 4; y++, to += 4 * step) {
        const int16x8_t *const row = t + 4 * y;
        vst1q_s16(to, vsubq_s16(row[0], row[2]));
        vst1q_s16(to + step, vaddq_s16(row[1], row[2]));
        vst1q_s16(to + 2 * step, vsubq_s16(row[2], row[1]));
        vst1q_s16(to + 3 * step, vsubq_s16(row[1], row[3]));
    }
}

static void transform(const uint8_t *const pixels[16], size_t channels, int16_t *to, size_t step) {
    int16x8_t d[16];
    size_t c = 0;
    for (; c + 8 <= channels; c += 8) {
        UNROLLED for (size_t i = 0; i < 16; i++) d[i] = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(pixels[i] + c)));
        transform_8(d, to + c, step);
    }
    for (; c < (channels + 15) / 16 * 16; c += 8) {
        const size_t n = c < channels ? channels - c : 0;
        for (size_t i = 0; i < 16; i++) {
            uint8_t rest[8] = {0};
            memcpy(rest, pixels[i] + (n ? c : 0), n);
            d[i] = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(rest)));
        }
        transform_8(d, to + c, step);
    }
}

// products[i][j] = sum over pairs of v[i] with u[..][j], 16 columns. Loading takes the two of a pair apart.
NEON_INLINE void multiply_n(const int16_t *v, size_t v_step, const int16_t *u, size_t pairs, int32_t *products, const size_t m) {
    int32x4_t sums[4][4];
    UNROLLED for (size_t i = 0; i < m; i++)
        UNROLLED for (size_t j = 0; j < 4; j++) sums[i][j] = vdupq_n_s32(0);
#define ADD(columns, first, value)                                                                                  \
    UNROLLED for (size_t i = 0; i < m; i++) {                                                                       \
        sums[i][2 * (first)] = vmlal_laneq_s16(sums[i][2 * (first)], vget_low_s16(columns), a[i], value);           \
        sums[i][2 * (first) + 1] = vmlal_high_laneq_s16(sums[i][2 * (first) + 1], columns, a[i], value);            \
    }
#define PAIR(p)                                                                                                     \
    {                                                                                                               \
        const int16x8x2_t low = vld2q_s16(u + 32 * (p)), high = vld2q_s16(u + 32 * (p) + 16);                       \
        ADD(low.val[0], 0, 2 * (p))                                                                                 \
        ADD(high.val[0], 1, 2 * (p))                                                                                \
        ADD(low.val[1], 0, 2 * (p) + 1)                                                                             \
        ADD(high.val[1], 1, 2 * (p) + 1)                                                                            \
    }
    int16x8_t a[4];
    size_t k = 0;
    for (; k + 4 <= pairs; k += 4, u += 128) {
        MARK_LOOP("winograd smlal", m * 128);
        UNROLLED for (size_t i = 0; i < m; i++) a[i] = vld1q_s16(v + i * v_step + 2 * k);
        PAIR(0)
        PAIR(1)
        PAIR(2)
        PAIR(3)
    }
    for (; k < pairs; k++, u += 32) {
        UNROLLED for (size_t i = 0; i < m; i++) {
            int32_t pair;
            memcpy(&pair, v + i * v_step + 2 * k, sizeof pair);
            a[i] = vreinterpretq_s16_s32(vdupq_n_s32(pair));
        }
        PAIR(0)
    }
#undef PAIR
#undef ADD
    UNROLLED for (size_t i = 0; i < m; i++)
        UNROLLED for (size_t j = 0; j < 4; j++) vst1q_s32(products + 16 * i + 4 * j, sums[i][j]);
}

static void multiply(const int16_t *v, size_t v_step, const int16_t *u, size_t pairs, size_t tiles, int32_t *products) {
    for (size_t blocks = (tiles + 3) / 4; blocks > 0; blocks--) {
        const size_t m = (tiles + blocks - 1) / blocks;
        switch (m) {
        case 1: multiply_n(v, v_step, u, pairs, products, 1); break;
        case 2: multiply_n(v, v_step, u, pairs, products, 2); break;
        case 3: multiply_n(v, v_step, u, pairs, products, 3); break;
        default: multiply_n(v, v_step, u, pairs, products, 4); break;
        }
        v += m * v_step;
        products += 16 * m;
        tiles -= m;
    }
}

// A^T m A / 4 + bias of 4 channels; m[4 * y + x] at products + (4 * y + x) * step.
NEON_INLINE void reduce_4(const int32_t *products, size_t step, int32x4_t bias, int32x4_t sums[4]) {
    int32x4_t t[2][4];
    UNROLLED for (size_t x = 0; x < 4; x++) {
        const int32x4_t a = vld1q_s32(products + x * step), b = vld1q_s32(products + (4 + x) * step);
        const int32x4_t c = vld1q_s32(products + (8 + x) * step), d = vld1q_s32(products + (12 + x) * step);
        t[0][x] = vaddq_s32(a, vaddq_s32(b, c));
        t[1][x] = vsubq_s32(vsubq_s32(b, c), d);
    }
    UNROLLED for (size_t y = 0; y < 2; y++) {
        const int32x4_t left = vaddq_s32(t[y][0], vaddq_s32(t[y][1], t[y][2]));
        const int32x4_t right = vsubq_s32(vsubq_s32(t[y][1], t[y][2]), t[y][3]);
        sums[2 * y] = vsraq_n_s32(bias, left, 2);
        sums[2 * y + 1] = vsraq_n_s32(bias, right, 2);
    }
}

static void finish(const int32_t *products, size_t step, size_t tiles, const struct qwinograd_results *to) {
    const size_t element = to->requantization->float_output ? sizeof(float) : 1;
    const bool whole = !to->requantization->float_output && to->outputs == 16;
    const struct neon_rule rule = neon_rule(to->requantization, to->multipliers, 4);
    for (size_t i = 0; i < tiles; i++, products += 16) {
        int32x4_t sums[4][4]; // [pixel][4 channels]
        for (size_t v = 0; v < 4; v++) {
            int32x4_t pixels[4];
            reduce_4(products + 4 * v, step, vld1q_s32(to->bias + 4 * v), pixels);
            UNROLLED for (size_t p = 0; p < 4; p++) sums[p][v] = pixels[p];
        }
        for (size_t p = 0; p < 4; p++) {
            const ptrdiff_t pixel = to->pixels[i][p];
            if (pixel < 0) continue;
            const uint8_t *residual = to->residual ? to->residual + (size_t)pixel * to->residual_step : NULL;
            if (whole) {
                neon_store(sums[p], 4, &rule, residual, (uint8_t *)to->output + (size_t)pixel * to->output_step);
                continue;
            }
            neon_store_pixels(&(struct neon_pixels){sums[p], 1, 4, to->outputs, to->multipliers, to->requantization, residual,
                                                    (uint8_t *)to->output + (size_t)pixel * to->output_step * element, 0, 0});
        }
    }
}

const struct qwinograd_kernel qwinograd_u8s8_4x16x2_neon = {
    .name = "qwinograd_u8s8_4x16x2_neon",
    .isa = ISA_NEON,
    .transform = transform,
    .multiply = multiply,
    .finish = finish,
};
#endif
