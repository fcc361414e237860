// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution without dot product: two products of a channel are added up in 16 bits, where they fit
// (2 * 128 * 127 = 32512), before they are widened.
#include "neon_depthwise.h"
#if defined(__aarch64__)

struct products {
    int16x8_t low, high;
};

NEON_INLINE struct products product(int8x16_t x, int8x16_t w) {
    return (struct products){vmull_s8(vget_low_s8(x), vget_low_s8(w)), vmull_high_s8(x, w)};
}

NEON_INLINE struct products pair(int8x16_t x0, int8x16_t w0, int8x16_t x1, int8x16_t w1) {
    const struct products p = product(x0, w0);
    return (struct products){vmlal_s8(p.low, vget_low_s8(x1), vget_low_s8(w1)), vmlal_high_s8(p.high, x1, w1)};
}

NEON_INLINE void widen(int32x4_t sums[4], struct products p) {
    sums[0] = vaddw_s16(sums[0], vget_low_s16(p.low));
    sums[1] = vaddw_high_s16(sums[1], p.low);
    sums[2] = vaddw_s16(sums[2], vget_low_s16(p.high));
    sums[3] = vaddw_high_s16(sums[3], p.high);
}

// Any window, any output.
void qdepthwise_s8s8_16x1_neon(const struct qdepthwise_run *run) {
    const size_t height = run->kernel_height, width = run->kernel_width;
    const struct requantization *r = run->requantization;
    const size_t element = r->float_output ? sizeof(float) : 1;
    const int8_t *weights = run->weights;
    for (size_t c = 0; c < run->channels; c += SLICE, weights += SLICE * height * width) {
        const size_t n = run->channels - c < SLICE ? run->channels - c : SLICE;
        for (size_t i = 0; i < run->pixels; i++) {
            int32x4_t sums[4];
            UNROLLED for (size_t v = 0; v < 4; v++) sums[v] = vld1q_s32(run->bias + c + 4 * v);
            const int8_t *w = weights;
            for (size_t x = 0; x < width; x++) {
                const size_t offset = i * run->pixel_step + x * run->tap_step + c;
                size_t y = 0;
                for (; y + 1 < height; y += 2, w += 32)
                    widen(sums, pair(flipped(neon_load_first(run->rows[y] + offset, n)), vld1q_s8(w),
                                     flipped(neon_load_first(run->rows[y + 1] + offset, n)), vld1q_s8(w + 16)));
                if (y < height) {
                    widen(sums, product(flipped(neon_load_first(run->rows[y] + offset, n)), vld1q_s8(w)));
                    w += 16;
                }
            }
            neon_store_pixels(&(struct neon_pixels){sums, 1, 4, n, run->multipliers + c, r,
                                                    run->residual ? run->residual + i * run->residual_step + c : NULL,
                                                    (uint8_t *)run->output + (i * run->output_step + c) * element, 0, 0});
        }
    }
}

// A pixel's window has `stride` columns that its predecessor's hasn't; three pixels further on columns are in the same registers again.
NEON_INLINE void row3x3(const struct qdepthwise_run *slice, const size_t stride) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 4);
    const int8_t *weights = slice->weights;
    int8x16_t w[9], columns[3][3] = {{vdupq_n_s8(0)}};
    int32x4_t bias[4];
    UNROLLED for (size_t t = 0; t < 9; t++) w[t] = vld1q_s8(weights + 16 * t);
    UNROLLED for (size_t v = 0; v < 4; v++) bias[v] = vld1q_s32(slice->bias + 4 * v);
    const uint8_t *row0 = slice->rows[0], *row1 = slice->rows[1], *row2 = slice->rows[2];
    const size_t step = slice->tap_step, pixels = slice->pixels;
    uint8_t *output = slice->output;
    uint8x16_t results[3];
#define COLUMN(to)                               \
    columns[to][0] = flipped(vld1q_u8(row0));    \
    columns[to][1] = flipped(vld1q_u8(row1));    \
    columns[to][2] = flipped(vld1q_u8(row2));    \
    row0 += step, row1 += step, row2 += step;
#define STORE(i) vst1q_u8(output, results[i]), output += slice->output_step;
#define PIXEL(i, a, b, d)                                                              \
    do {                                                                               \
        if (stride == 2) { COLUMN(b) }                                                 \
        COLUMN(d)                                                                      \
        int32x4_t sums[4] = {bias[0], bias[1], bias[2], bias[3]};                      \
        widen(sums, pair(columns[a][0], w[0], columns[a][1], w[1]));                   \
        widen(sums, pair(columns[b][0], w[3], columns[b][1], w[4]));                   \
        widen(sums, pair(columns[a][2], w[2], columns[b][2], w[5]));                   \
        widen(sums, pair(columns[d][0], w[6], columns[d][1], w[7]));                   \
        widen(sums, product(columns[d][2], w[8]));                                     \
        results[(i) % 3] = neon_quantized(sums, &rule);                                \
    } while (0)
    COLUMN(0)
    size_t i = 0;
    if (stride == 1) {
        COLUMN(1)
        for (; i + 3 <= pixels; i += 3) {
            MARK_LOOP("depthwise 3x3 smull", 3 * 16 * 9);
            PIXEL(0, 0, 1, 2);
            PIXEL(1, 1, 2, 0);
            PIXEL(2, 2, 0, 1);
            STORE(0) STORE(1) STORE(2)
        }
        if (i == pixels) return;
        PIXEL(0, 0, 1, 2);
        STORE(0)
        if (i + 1 == pixels) return;
        PIXEL(1, 1, 2, 0);
        STORE(1)
    } else {
        for (; i + 3 <= pixels; i += 3) {
            PIXEL(0, 0, 1, 2);
            PIXEL(1, 2, 0, 1);
            PIXEL(2, 1, 2, 0);
            STORE(0) STORE(1) STORE(2)
        }
        if (i == pixels) return;
        PIXEL(0, 0, 1, 2);
        STORE(0)
        if (i + 1 == pixels) return;
        PIXEL(1, 2, 0, 1);
        STORE(1)
    }
#undef PIXEL
#undef COLUMN
}

static void slice3x3(const struct qdepthwise_run *slice) {
    if (neon_stride(slice) == 1)
        row3x3(slice, 1);
    else
        row3x3(slice, 2);
}

void qdepthwise3x3_s8s8_16x1_neon(const struct qdepthwise_run *run) {
    if (neon_takes_slices(run))
        neon_depthwise_slices(run, 3, 9 * SLICE, slice3x3);
    else
        qdepthwise_s8s8_16x1_neon(run);
}

// sums[p]: those of the pixel whose window begins with columns[p], which are flipped: [column][5][16].
NEON_INLINE void add_window5x5(int32x4_t sums[][4], const size_t pixels, const int8_t *const *columns, const int8_t *weights) {
#define PAIR(x0, y0, x1, y1)                                                                                                 \
    do {                                                                                                                     \
        const size_t t0 = 16 * (5 * (x0) + (y0)), t1 = 16 * (5 * (x1) + (y1));                                               \
        const int8x16_t w0 = vld1q_s8(weights + t0), w1 = vld1q_s8(weights + t1);                                            \
        UNROLLED for (size_t p = 0; p < pixels; p++)                                                                         \
            widen(sums[p], pair(vld1q_s8(columns[p] + t0), w0, vld1q_s8(columns[p] + t1), w1));                              \
    } while (0)
    UNROLLED for (size_t x = 0; x < 5; x++) {
        PAIR(x, 0, x, 1);
        PAIR(x, 2, x, 3);
    }
    PAIR(0, 4, 1, 4);
    PAIR(2, 4, 3, 4);
#undef PAIR
    const int8x16_t last = vld1q_s8(weights + 16 * 24);
    UNROLLED for (size_t p = 0; p < pixels; p++) widen(sums[p], product(vld1q_s8(columns[p] + 16 * 24), last));
}

static void slice5x5(const struct qdepthwise_run *slice) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 4);
    const size_t stride = neon_stride(slice);
    int8_t columns[(2 * TAIL_PIXELS + 3) * 5 * SLICE];
    int32x4_t bias[4];
    UNROLLED for (size_t v = 0; v < 4; v++) bias[v] = vld1q_s32(slice->bias + 4 * v);
    for (size_t first = 0; first < slice->pixels; first += TAIL_PIXELS) {
        const size_t pixels = slice->pixels - first < TAIL_PIXELS ? slice->pixels - first : TAIL_PIXELS;
        const size_t width = (pixels - 1) * stride + 5;
        for (size_t x = 0; x < width; x++) {
            const size_t at = first * slice->pixel_step + x * slice->tap_step;
            UNROLLED for (size_t y = 0; y < 5; y++) vst1q_s8(columns + (5 * x + y) * SLICE, flipped(vld1q_u8(slice->rows[y] + at)));
        }
        uint8_t *output = (uint8_t *)slice->output + first * slice->output_step;
        size_t i = 0;
        for (; i + 2 <= pixels; i += 2) {
            MARK_LOOP("depthwise 5x5 smull", 2 * 16 * 25);
            int32x4_t sums[2][4] = {{bias[0], bias[1], bias[2], bias[3]}, {bias[0], bias[1], bias[2], bias[3]}};
            const int8_t *const from[2] = {columns + i * stride * 5 * SLICE, columns + (i + 1) * stride * 5 * SLICE};
            add_window5x5(sums, 2, from, slice->weights);
            const uint8x16_t results[2] = {neon_quantized(sums[0], &rule), neon_quantized(sums[1], &rule)};
            vst1q_u8(output + i * slice->output_step, results[0]);
            vst1q_u8(output + (i + 1) * slice->output_step, results[1]);
        }
        if (i < pixels) {
            int32x4_t sums[1][4] = {{bias[0], bias[1], bias[2], bias[3]}};
            const int8_t *const from[1] = {columns + i * stride * 5 * SLICE};
            add_window5x5(sums, 1, from, slice->weights);
            vst1q_u8(output + i * slice->output_step, neon_quantized(sums[0], &rule));
        }
    }
}

void qdepthwise5x5_s8s8_16x1_neon(const struct qdepthwise_run *run) {
    if (neon_takes_slices(run))
        neon_depthwise_slices(run, 5, 25 * SLICE, slice5x5);
    else
        qdepthwise_s8s8_16x1_neon(run);
}
#endif
