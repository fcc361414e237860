// SPDX-License-Identifier: Apache-2.0
// What compilers don't make of plain C: look-ups, and rounding that saturates. All else of this set is layers_plain.c's.
#include "layer_parts.h"
#include "neon_store.h"
#if defined(__aarch64__)

// A look-up covers 64 entries; an index beyond them gives 0 (tbl), or leaves what is there (tbx).
NEON_INLINE uint8x16_t looked_up(const uint8x16x4_t table[4], uint8x16_t index) {
    const uint8x16_t size = vdupq_n_u8(64);
    uint8x16_t result = vqtbl4q_u8(table[0], index);
    UNROLLED for (size_t part = 1; part < 4; part++) {
        index = vsubq_u8(index, size);
        result = vqtbx4q_u8(result, table[part], index);
    }
    return result;
}

void table_u8_neon(const uint8_t *table, size_t rows, size_t count, const uint8_t *input, size_t input_step, uint8_t *output,
                   size_t output_step) {
    const uint8x16x4_t parts[4] = {vld1q_u8_x4(table), vld1q_u8_x4(table + 64), vld1q_u8_x4(table + 128), vld1q_u8_x4(table + 192)};
    for (; rows > 0; rows--, input += input_step, output += output_step) {
        size_t i = 0;
        for (; i + 16 <= count; i += 16) vst1q_u8(output + i, looked_up(parts, vld1q_u8(input + i)));
        for (; i < count; i++) output[i] = table[input[i]];
    }
}

NEON_INLINE int32x4_t half(int16x8_t x, size_t h) { return h ? vmovl_high_s16(x) : vmovl_s16(vget_low_s16(x)); }

// 8 results; x and y are the operands without their zero points.
NEON_INLINE int16x8_t combined(const struct neon_rule *rule, const int32_t operation, int16x8_t x, int16x8_t y) {
    float32x4_t real[2];
    UNROLLED for (size_t h = 0; h < 2; h++) {
        if (operation == BINARY_MULTIPLY) {
            const int32x4_t product = h ? vmull_high_s16(x, y) : vmull_s16(vget_low_s16(x), vget_low_s16(y));
            real[h] = vmulq_f32(vcvtq_f32_s32(product), rule->multipliers[0]);
        } else {
            const float32x4_t t = vmulq_f32(vcvtq_f32_s32(half(x, h)), rule->multipliers[0]);
            const float32x4_t u = vmulq_f32(vcvtq_f32_s32(half(y, h)), rule->multipliers[1]);
            real[h] = operation == BINARY_ADD ? vaddq_f32(t, u) : vsubq_f32(t, u);
        }
    }
    return neon_round(real, rule);
}

NEON_INLINE uint8x16_t binary16(const struct qbinary *p, const struct neon_rule *rule, const int32_t operation, uint8x16_t a,
                                uint8x16_t b) {
    const uint8x8_t za = vdup_n_u8((uint8_t)p->a_zero_point), zb = vdup_n_u8((uint8_t)p->b_zero_point);
    const int16x8_t x = vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(a), za)), y = vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(b), zb));
    const int16x8_t x_high = vreinterpretq_s16_u16(vsubl_u8(vget_high_u8(a), za));
    const int16x8_t y_high = vreinterpretq_s16_u16(vsubl_u8(vget_high_u8(b), zb));
    return neon_clamp(combined(rule, operation, x, y), combined(rule, operation, x_high, y_high), rule);
}

NEON_INLINE uint8x16_t operand(const uint8_t *from, size_t step) { return step ? vld1q_u8(from) : vld1q_dup_u8(from); }

NEON_INLINE void binary_run(const struct qbinary *p, const struct neon_rule *rule, const int32_t operation, const uint8_t *a,
                            const uint8_t *b, uint8_t *output) {
    const size_t count = p->broadcast.inner, a_step = p->broadcast.a_step, b_step = p->broadcast.b_step;
    if (count < 16) {
        uint8_t x[16] = {0}, y[16] = {0}, results[16];
        memcpy(x, a, a_step ? count : 1);
        memcpy(y, b, b_step ? count : 1);
        vst1q_u8(results, binary16(p, rule, operation, operand(x, a_step), operand(y, b_step)));
        memcpy(output, results, count);
        return;
    }
    for (size_t i = 0; i < count; i += 16) {
        if (count - i < 16) i = count - 16; // the last sixteen reach back
        vst1q_u8(output + i, binary16(p, rule, operation, operand(a + i * a_step, a_step), operand(b + i * b_step, b_step)));
    }
}

void binary_u8_neon(const struct qbinary *p, const uint8_t *a, const uint8_t *b, uint8_t *output, size_t first, size_t last) {
    const struct requantization limits = {.zero_point = p->zero_point, .lower = p->lower, .upper = p->upper};
    const float multipliers[8] = {p->a_multiplier, p->a_multiplier, p->a_multiplier, p->a_multiplier,
                                  p->b_multiplier, p->b_multiplier, p->b_multiplier, p->b_multiplier};
    const struct neon_rule rule = neon_rule(&limits, multipliers, 2);
    struct position at = position_of(&p->broadcast, first);
    for (; first < last; first++) {
        switch (p->operation) {
        case BINARY_ADD: binary_run(p, &rule, BINARY_ADD, a + at.a, b + at.b, output + at.output); break;
        case BINARY_SUBTRACT: binary_run(p, &rule, BINARY_SUBTRACT, a + at.a, b + at.b, output + at.output); break;
        default: binary_run(p, &rule, BINARY_MULTIPLY, a + at.a, b + at.b, output + at.output); break;
        }
        advance(&p->broadcast, &at);
    }
}

void quantize_neon(float scale, int32_t zero_point, const float *input, uint8_t *output, size_t count) {
    const struct requantization limits = {.zero_point = zero_point, .upper = 255};
    const struct neon_rule rule = neon_rule(&limits, NULL, 0);
    const float32x4_t divisor = vdupq_n_f32(scale);
    for (size_t i = 0; i < count; i += 8) {
        const size_t n = count - i < 8 ? count - i : 8;
        float values[8] = {0};
        uint8_t results[8];
        memcpy(values, input + i, n == 8 ? sizeof values : n * sizeof(float));
        const float32x4_t real[2] = {vdivq_f32(vld1q_f32(values), divisor), vdivq_f32(vld1q_f32(values + 4), divisor)}; // NaN becomes 0
        vst1_u8(results, neon_clamp_half(neon_round(real, &rule), &rule));
        memcpy(output + i, results, n);
    }
}
#endif
