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

NEON_DOT_INLINE void interleave(int8_t *to, int8x16_t row0, int8x16_t row1, int8x16_t row2, int8x16_t row3) {
    int8x16_t values[4];
    interleaved(values, row0, row1, row2, row3);
    UNROLLED for (size_t i = 0; i < 4; i++) vst1q_s8(to + 16 * i, values[i]);
}

// sums[p]: those of the pixel whose window begins with columns[p].
NEON_DOT_INLINE void add_window(int32x4_t sums[][4], const size_t pixels, const size_t taps, const int8_t *const *columns,
                                const int8_t *weights) {
    const size_t groups = (taps + 3) / 4;
    UNROLLED for (size_t i = 0; i < taps * groups; i++)
        UNROLLED for (size_t v = 0; v < 4; v++) {
            const int8x16_t w = vld1q_s8(weights + 64 * i + 16 * v);
            UNROLLED for (size_t p = 0; p < pixels; p++) sums[p][v] = vdotq_s32(sums[p][v], w, vld1q_s8(columns[p] + 64 * i + 16 * v));
        }
}

NEON_DOT_INLINE void run_slice(const struct qdepthwise_run *slice, const size_t taps) {
    const size_t groups = (taps + 3) / 4, column_bytes = groups * 64, stride = neon_stride(slice);
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 4);
    int8_t columns[(2 * TAIL_PIXELS + MOST_TAPS) * 2 * 64];
    int32x4_t bias[4];
    UNROLLED for (size_t v = 0; v < 4; v++) bias[v] = vaddq_s32(vld1q_s32(slice->bias + 4 * v), vdupq_n_s32(NEON_FLOAT_OFFSET));
    for (size_t first = 0; first < slice->pixels; first += TAIL_PIXELS) {
        const size_t pixels = slice->pixels - first < TAIL_PIXELS ? slice->pixels - first : TAIL_PIXELS;
        const size_t width = (pixels - 1) * stride + taps;
        size_t at = first * slice->pixel_step;
        int8_t *to = columns;
        for (size_t x = 0; x < width; x++, at += slice->tap_step, to += column_bytes) {
            int8x16_t rows[MOST_TAPS];
            UNROLLED for (size_t y = 0; y < taps; y++) rows[y] = flipped(vld1q_u8(slice->rows[y] + at));
            // What stands in for missing rows meets weights of 0.
            interleave(to, rows[0], rows[1], rows[2], rows[taps > 3 ? 3 : 2]);
            if (taps > 4) interleave(to + 64, rows[4], rows[4], rows[4], rows[4]);
        }
        uint8_t *output = (uint8_t *)slice->output + first * slice->output_step;
        size_t i = 0;
        for (; i + 2 <= pixels; i += 2) {
            MARK_LOOP("depthwise sdot", 2 * 16 * taps * taps);
            int32x4_t sums[2][4] = {{bias[0], bias[1], bias[2], bias[3]}, {bias[0], bias[1], bias[2], bias[3]}};
            const int8_t *const from[2] = {columns + i * stride * column_bytes, columns + (i + 1) * stride * column_bytes};
            add_window(sums, 2, taps, from, slice->weights);
            neon_store_small(sums[0], 4, &rule, NULL, output + i * slice->output_step);
            neon_store_small(sums[1], 4, &rule, NULL, output + (i + 1) * slice->output_step);
        }
        if (i < pixels) {
            int32x4_t sums[1][4] = {{bias[0], bias[1], bias[2], bias[3]}};
            const int8_t *const from[1] = {columns + i * stride * column_bytes};
            add_window(sums, 1, taps, from, slice->weights);
            neon_store_small(sums[0], 4, &rule, NULL, output + i * slice->output_step);
        }
    }
}

// A pixel's window has `stride` columns that its predecessor's hasn't; three pixels further on columns are in the same registers again.
// Weights and biases are fetched for each pixel: registers are taken.
NEON_DOT_INLINE void row3x3(const struct qdepthwise_run *slice, const size_t stride) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 4);
    int32_t bias[16];
    UNROLLED for (size_t v = 0; v < 4; v++)
        vst1q_s32(bias + 4 * v, vaddq_s32(vld1q_s32(slice->bias + 4 * v), vdupq_n_s32(NEON_FLOAT_OFFSET)));
    int8x16_t columns[3][4];
    const uint8_t *row0 = slice->rows[0], *row1 = slice->rows[1], *row2 = slice->rows[2];
    const int8_t *w = slice->weights;
    const int32_t *first = bias;
    const size_t step = slice->tap_step, pixels = slice->pixels, output_step = slice->output_step;
    size_t at = 0;
    uint8_t *output = slice->output;
#define COLUMN(to)                                                                                              \
    {                                                                                                           \
        const int8x16_t last = flipped(vld1q_u8(row2 + at)); /* for a missing row, too: it meets weights of 0 */ \
        interleaved(columns[to], flipped(vld1q_u8(row0 + at)), flipped(vld1q_u8(row1 + at)), last, last);       \
        at += step;                                                                                             \
        OWN_REGISTER(at);                                                                                       \
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
        neon_store_small(sums, 4, &rule, NULL, output);                               \
        output += output_step;                                                        \
    }
    COLUMN(0)
    size_t i = 0;
    if (stride == 1) {
        COLUMN(1)
        for (; i + 3 <= pixels; i += 3) {
            MARK_LOOP("depthwise 3x3 sdot", 3 * 16 * 9);
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
    if (neon_stride(slice) == 1)
        row3x3(slice, 1);
    else
        row3x3(slice, 2);
}

NEON_DOT static void slice5x5(const struct qdepthwise_run *slice) { run_slice(slice, 5); }

// Any window, any output.
NEON_DOT void qdepthwise_s8s8_16x4_neondot(const struct qdepthwise_run *run) {
    const size_t height = run->kernel_height, width = run->kernel_width, groups = (height + 3) / 4;
    const struct requantization *r = run->requantization;
    const size_t element = r->float_output ? sizeof(float) : 1;
    const int8_t *weights = run->weights;
    for (size_t c = 0; c < run->channels; c += SLICE, weights += 64 * width * groups) {
        const size_t n = run->channels - c < SLICE ? run->channels - c : SLICE;
        for (size_t i = 0; i < run->pixels; i++) {
            int32x4_t sums[1][4];
            UNROLLED for (size_t v = 0; v < 4; v++) sums[0][v] = vld1q_s32(run->bias + c + 4 * v);
            const int8_t *w = weights;
            for (size_t x = 0; x < width; x++)
                for (size_t y = 0; y < height; y += 4, w += 64) {
                    const size_t offset = i * run->pixel_step + x * run->tap_step + c;
                    int8x16_t rows[4];
                    UNROLLED for (size_t j = 0; j < 4; j++)
                        rows[j] = y + j < height ? flipped(neon_load_first(run->rows[y + j] + offset, n)) : rows[0];
                    int8_t column[64];
                    interleave(column, rows[0], rows[1], rows[2], rows[3]);
                    add_window(sums, 1, 1, (const int8_t *const[]){column}, w);
                }
            neon_store_pixels(&(struct neon_pixels){sums[0], 1, 4, n, run->multipliers + c, r,
                                                    run->residual ? run->residual + i * run->residual_step + c : NULL,
                                                    (uint8_t *)run->output + (i * run->output_step + c) * element, 0, 0});
        }
    }
}

NEON_DOT void qdepthwise3x3_s8s8_16x4_neondot(const struct qdepthwise_run *run) {
    if (neon_takes_slices(run) && run->requantization->small)
        neon_depthwise_slices(run, 3, 3 * 64, slice3x3);
    else
        qdepthwise_s8s8_16x4_neondot(run);
}

NEON_DOT void qdepthwise5x5_s8s8_16x4_neondot(const struct qdepthwise_run *run) {
    if (neon_takes_slices(run) && run->requantization->small)
        neon_depthwise_slices(run, 5, 5 * 2 * 64, slice5x5);
    else
        qdepthwise_s8s8_16x4_neondot(run);
}
#endif
