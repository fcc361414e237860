// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution with sdot: the values of a channel in four rows of a column are brought side by side, once for all windows that
// the column is in: in registers for windows three high, in memory for others.
#include "neondot.h"
#include "neon_depthwise.h"
#if defined(__aarch64__)

// 16 channels of four rows: [4][4 channels][4 rows].
NEON_DOT_INLINE void interleaved(int8x16_t to[4], int8x16_t row0, int8x16_t row1, int8x16_t row2, int8x16_t row3) {
    const int16x8_t top_low = vreinterpretq_s16_s8(vzip1q_s8(row0, row1)), top_high = vreinterpretq_s16_s8(vzip2q_s8(row0, row1));
    const int16x8_t bottom_low = vreinterpretq_s16_s8(vzip1q_s8(row2, row3)), bottom_high = vreinterpretq_s16_s8(vzip2q_s8(row2, row3));
    to[0] = vreinterpretq_s8_s16(vzip1q_s16(top_low, bottom_low));
    to[1] = vreinterpretq_s8_s16(vzip2q_s16(top_low, bottom_low));
    to[2] = vreinterpretq_s8_s16(vzip1q_s16(top_high, bottom_high));
    to[3] = vreinterpretq_s8_s16(vzip2q_s16(top_high, bottom_high));
}

// The same of the even channels, then of the odd ones.
NEON_DOT_INLINE void store_turned(int8_t *to, int8x16_t row0, int8x16_t row1, int8x16_t row2, int8x16_t row3) {
    const struct turned top = turned(row0, row1), bottom = turned(row2, row3);
    const int16x8_t even[] = {vreinterpretq_s16_s8(top.even), vreinterpretq_s16_s8(bottom.even)};
    const int16x8_t odd[] = {vreinterpretq_s16_s8(top.odd), vreinterpretq_s16_s8(bottom.odd)};
    vst1q_s8(to, vreinterpretq_s8_s16(vzip1q_s16(even[0], even[1])));
    vst1q_s8(to + 16, vreinterpretq_s8_s16(vzip2q_s16(even[0], even[1])));
    vst1q_s8(to + 32, vreinterpretq_s8_s16(vzip1q_s16(odd[0], odd[1])));
    vst1q_s8(to + 48, vreinterpretq_s8_s16(vzip2q_s16(odd[0], odd[1])));
}

NEON_DOT_INLINE void interleave(int8_t *to, int8x16_t row0, int8x16_t row1, int8x16_t row2, int8x16_t row3) {
    int8x16_t values[4];
    interleaved(values, row0, row1, row2, row3);
    UNROLLED for (size_t i = 0; i < 4; i++) vst1q_s8(to + 16 * i, values[i]);
}

// The 16 channels of a pixel from its sums, which have NEON_FLOAT_OFFSET in them.
NEON_DOT_INLINE uint8x16_t quantized(const int32x4_t sums[4], const struct neon_rule *rule, const bool bare) {
    const float32x4_t shift = vdupq_n_f32(NEON_FLOAT_SHIFT);
    float32x4_t shifted[4];
    UNROLLED for (size_t v = 0; v < 4; v++)
        shifted[v] = vaddq_f32(vmulq_f32(vsubq_f32(vreinterpretq_f32_s32(sums[v]), shift), rule->multipliers[v]), shift);
    return neon_turned_back(shifted, rule, bare);
}

// By LLVM's model of the Neoverse N1, the str that compilers choose takes both vector units, st1 one of them.
NEON_DOT_INLINE void store(uint8_t *to, uint8x16_t values) { __asm__("st1 {%1.16b}, %0" : "=Q"(*(uint8x16_t *)to) : "w"(values)); }

NEON_DOT_INLINE void offset_bias(int32_t to[SLICE], const int32_t *bias) {
    UNROLLED for (size_t v = 0; v < 4; v++) vst1q_s32(to + 4 * v, vaddq_s32(vld1q_s32(bias + 4 * v), vdupq_n_s32(NEON_FLOAT_OFFSET)));
}

// A pixel's window has `stride` columns that its predecessor's hasn't; three pixels further on columns are in the same registers again.
// Weights and biases are fetched for each pixel: registers are taken. The last row comes in as it lies, two channels side by side: one of
// them meets a weight of 0.
NEON_DOT_INLINE void row3x3(const struct qdepthwise_run *slice, const size_t stride, const bool bare) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 4);
    int32_t bias[SLICE];
    offset_bias(bias, slice->bias);
    int8x16_t columns[3][4];
    const uint8_t *row0 = slice->rows[0], *row1 = slice->rows[1], *row2 = slice->rows[2];
    const int8_t *w = slice->weights;
    const int32_t *first = bias;
    const size_t step = slice->tap_step, pixels = slice->pixels, output_step = slice->output_step;
    size_t at = 0;
    uint8_t *output = slice->output;
#define COLUMN(to)                                                                                               \
    {                                                                                                            \
        const struct turned top = turned(flipped(vld1q_u8(row0 + at)), flipped(vld1q_u8(row1 + at)));            \
        const int16x8_t even = vreinterpretq_s16_s8(top.even), odd = vreinterpretq_s16_s8(top.odd);              \
        const int16x8_t last = vreinterpretq_s16_s8(flipped(vld1q_u8(row2 + at)));                               \
        columns[to][0] = vreinterpretq_s8_s16(vzip1q_s16(even, last));                                           \
        columns[to][1] = vreinterpretq_s8_s16(vzip2q_s16(even, last));                                           \
        columns[to][2] = vreinterpretq_s8_s16(vzip1q_s16(odd, last));                                            \
        columns[to][3] = vreinterpretq_s8_s16(vzip2q_s16(odd, last));                                            \
        at += step;                                                                                              \
        OWN_REGISTER(at);                                                                                        \
    }
#define ADD(x, column)                                                                                      \
    UNROLLED for (size_t v = 0; v < 4; v++) sums[v] = vdotq_s32(sums[v], vld1q_s8(w + 64 * (x) + 16 * v), columns[column][v]);
#define PIXEL(a, b, c)                                                                \
    {                                                                                 \
        OWN_REGISTER(w);                                                              \
        OWN_REGISTER(first);                                                          \
        if (stride == 2) COLUMN(b)                                                    \
        COLUMN(c)                                                                     \
        int32x4_t sums[4];                                                            \
        UNROLLED for (size_t v = 0; v < 4; v++) sums[v] = vld1q_s32(first + 4 * v);   \
        ADD(0, a)                                                                     \
        ADD(1, b)                                                                     \
        ADD(2, c)                                                                     \
        store(output, quantized(sums, &rule, bare));                                  \
        output += output_step;                                                        \
    }
    COLUMN(0)
    size_t i = 0;
    if (stride == 1) {
        COLUMN(1)
        for (; i + 3 <= pixels; i += 3) {
            if (bare) MARK_LOOP("depthwise 3x3 sdot, relu", 3 * 16 * 9);
            if (!bare) MARK_LOOP("depthwise 3x3 sdot", 3 * 16 * 9);
            PIXEL(0, 1, 2)
            PIXEL(1, 2, 0)
            PIXEL(2, 0, 1)
        }
        if (i == pixels) return;
        PIXEL(0, 1, 2)
        if (i + 1 == pixels) return;
        PIXEL(1, 2, 0)
    } else {
        for (; i + 3 <= pixels; i += 3) {
            PIXEL(0, 1, 2)
            PIXEL(2, 0, 1)
            PIXEL(1, 2, 0)
        }
        if (i == pixels) return;
        PIXEL(0, 1, 2)
        if (i + 1 == pixels) return;
        PIXEL(2, 0, 1)
    }
#undef PIXEL
#undef ADD
#undef COLUMN
}

NEON_DOT static void slice3x3(const struct qdepthwise_run *slice) {
    const bool bare = neon_is_bare(slice->requantization);
    if (neon_stride(slice) == 1)
        bare ? row3x3(slice, 1, true) : row3x3(slice, 1, false);
    else
        bare ? row3x3(slice, 2, true) : row3x3(slice, 2, false);
}

// Columns of five rows, in memory: four rows of each column, and the last row of four columns; [64] each.
enum { FOUR = 4, CHUNK = 28 };
struct columns5 {
    int8_t top[2 * CHUNK + 3][4 * SLICE], bottom[CHUNK / 2 + 2][4 * SLICE];
};

NEON_DOT_INLINE void prepare5(struct columns5 *columns, const struct qdepthwise_run *slice, size_t at, size_t width) {
    const uint8_t *row0 = slice->rows[0] + at, *row1 = slice->rows[1] + at, *row2 = slice->rows[2] + at, *row3 = slice->rows[3] + at;
    const uint8_t *last = slice->rows[4] + at;
    const size_t step = slice->tap_step;
    for (size_t x = 0, from = 0; x < width; x++, from += step)
        store_turned(columns->top[x], flipped(vld1q_u8(row0 + from)), flipped(vld1q_u8(row1 + from)), flipped(vld1q_u8(row2 + from)),
                     flipped(vld1q_u8(row3 + from)));
    for (size_t x = 0; x < width; x += FOUR, last += FOUR * step) {
        int8x16_t columns_of_last[FOUR];
        // A column that isn't there meets weights of 0.
        UNROLLED for (size_t i = 0; i < FOUR; i++) columns_of_last[i] = flipped(vld1q_u8(last + (x + i < width ? i : 0) * step));
        store_turned(columns->bottom[x / FOUR], columns_of_last[0], columns_of_last[1], columns_of_last[2], columns_of_last[3]);
    }
}

// `pixels` windows, of which the first begins with column x, in the same four columns.
NEON_DOT_INLINE void windows5(const struct columns5 *columns, size_t x, const size_t pixels, const size_t stride, const int8_t *w,
                              const int8_t *last, const int32_t *bias, const struct neon_rule *rule, const bool bare, uint8_t *output,
                              size_t output_step) {
    const int8_t *top = columns->top[x], *bottom = columns->bottom[x / FOUR];
    int32x4_t sums[FOUR][4];
    UNROLLED for (size_t v = 0; v < 4; v++) {
        int8x16_t weights[5];
        UNROLLED for (size_t i = 0; i < 5; i++) weights[i] = vld1q_s8(w + 64 * i + 16 * v);
        UNROLLED for (size_t p = 0; p < pixels; p++) {
            OWN_REGISTER(bias);
            sums[p][v] = vld1q_s32(bias + 4 * v);
        }
        UNROLLED for (size_t column = 0; column < 5 + (pixels - 1) * stride; column++) {
            const int8x16_t values = vld1q_s8(top + 64 * column + 16 * v);
            UNROLLED for (size_t p = 0; p < pixels; p++)
                if (column >= p * stride && column < p * stride + 5) sums[p][v] = vdotq_s32(sums[p][v], weights[column - p * stride], values);
        }
        UNROLLED for (size_t half = 0; half < 2; half++) {
            const int8x16_t values = vld1q_s8(bottom + 64 * half + 16 * v);
            UNROLLED for (size_t p = 0; p < pixels; p++)
                sums[p][v] = vdotq_s32(sums[p][v], vld1q_s8(last + 64 * (2 * p * stride + half) + 16 * v), values);
        }
    }
    UNROLLED for (size_t p = 0; p < pixels; p++) store(output + p * output_step, quantized(sums[p], rule, bare));
}

NEON_DOT_INLINE void row5x5(const struct qdepthwise_run *slice, const size_t stride, const bool bare) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 4);
    const size_t together = FOUR / stride, output_step = slice->output_step;
    int32_t bias[SLICE];
    offset_bias(bias, slice->bias);
    const int8_t *w = slice->weights, *last = w + 5 * 4 * SLICE;
    struct columns5 columns;
    for (size_t first = 0; first < slice->pixels; first += CHUNK) {
        const size_t pixels = slice->pixels - first < CHUNK ? slice->pixels - first : CHUNK;
        prepare5(&columns, slice, first * slice->pixel_step, (pixels - 1) * stride + 5);
        uint8_t *output = (uint8_t *)slice->output + first * output_step;
        size_t i = 0;
        for (; i + together <= pixels; i += together, output += together * output_step) {
            if (stride == 1 && bare) MARK_LOOP("depthwise 5x5 sdot, relu", FOUR * 16 * 25);
            if (stride == 1 && !bare) MARK_LOOP("depthwise 5x5 sdot", FOUR * 16 * 25);
            windows5(&columns, i * stride, together, stride, w, last, bias, &rule, bare, output, output_step);
        }
        for (; i < pixels; i++, output += output_step)
            windows5(&columns, i * stride, 1, stride, w, last + 64 * 2 * (i * stride % FOUR), bias, &rule, bare, output, output_step);
    }
}

NEON_DOT static void slice5x5(const struct qdepthwise_run *slice) {
    const bool bare = neon_is_bare(slice->requantization);
    if (neon_stride(slice) == 1)
        bare ? row5x5(slice, 1, true) : row5x5(slice, 1, false);
    else
        bare ? row5x5(slice, 2, true) : row5x5(slice, 2, false);
}

// Any window, any output.
NEON_DOT void qdepthwise_s8s8_16x4_neondot(const struct qdepthwise_run *run) {
    const size_t height = run->kernel_height, width = run->kernel_width, groups = (height + 3) / 4;
    const struct requantization *r = run->requantization;
    const size_t element = r->float_output ? sizeof(float) : 1;
    const int8_t *weights = run->weights;
    for (size_t c = 0; c < run->channels; c += SLICE, weights += 64 * width * groups) {
        const size_t n = run->channels - c < SLICE ? run->channels - c : SLICE;
        for (size_t i = 0; i < run->pixels; i++) {
            int32x4_t sums[4];
            UNROLLED for (size_t v = 0; v < 4; v++) sums[v] = vld1q_s32(run->bias + c + 4 * v);
            const int8_t *w = weights;
            for (size_t x = 0; x < width; x++)
                for (size_t y = 0; y < height; y += 4, w += 64) {
                    const size_t offset = i * run->pixel_step + x * run->tap_step + c;
                    int8x16_t rows[4];
                    UNROLLED for (size_t j = 0; j < 4; j++)
                        rows[j] = y + j < height ? flipped(neon_load_first(run->rows[y + j] + offset, n)) : rows[0];
                    int8_t column[64];
                    interleave(column, rows[0], rows[1], rows[2], rows[3]);
                    UNROLLED for (size_t v = 0; v < 4; v++)
                        sums[v] = vdotq_s32(sums[v], vld1q_s8(w + 16 * v), vld1q_s8(column + 16 * v));
                }
            neon_store_pixels(&(struct neon_pixels){sums, 1, 4, n, run->multipliers + c, r,
                                                    run->residual ? run->residual + i * run->residual_step + c : NULL,
                                                    (uint8_t *)run->output + (i * run->output_step + c) * element, 0, 0});
        }
    }
}

NEON_DOT void qdepthwise3x3_s8s8_16x4_neondot(const struct qdepthwise_run *run) {
    if (neon_takes_slices(run))
        neon_depthwise_slices(run, 3, depthwise_unit_count(3, 4) * 4 * SLICE, slice3x3);
    else
        neon_depthwise_other(run, 4);
}

NEON_DOT void qdepthwise5x5_s8s8_16x4_neondot(const struct qdepthwise_run *run) {
    if (neon_takes_slices(run))
        neon_depthwise_slices(run, 5, depthwise_unit_count(5, 4) * 4 * SLICE, slice5x5);
    else
        neon_depthwise_other(run, 4);
}
#endif
