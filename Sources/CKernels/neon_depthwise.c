// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution without dot product: two products of a channel are added up in 16 bits, where they fit
// (2 * 128 * 127 = 32512), before they are widened. The kernels for one window have two taps of a channel side by side, so that widening
// adds up two such sums.
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

// Weights, bias and multipliers are brought into the order of the kernel for any window, for each run anew.
void neon_depthwise_other(const struct qdepthwise_run *run, size_t group) {
    const size_t size = run->kernel_width, units = depthwise_unit_count(size, group);
    const uint8_t *rows[MOST_TAPS];
    struct qdepthwise_run slice = *run;
    slice.rows = rows;
    const size_t element = run->requantization->float_output ? sizeof(float) : 1;
    for (size_t c = 0; c < run->channels; c += SLICE) {
        int8_t weights[MOST_TAPS * MOST_TAPS * SLICE];
        int32_t bias[SLICE];
        float multipliers[SLICE];
        const int8_t *packed = (const int8_t *)run->weights + c * units * group;
        for (size_t channel = 0; channel < SLICE; channel++) {
            const size_t position = channel / 2 + channel % 2 * (SLICE / 2);
            bias[channel] = run->bias[c + position];
            multipliers[channel] = run->multipliers[c + position];
            for (size_t i = 0; i < units * group; i++) {
                const int tap = depthwise_tap(size, group, i / group, i % group, channel % 2);
                if (tap >= 0) weights[(size_t)tap * SLICE + channel] = packed[(i / group * SLICE + position) * group + i % group];
            }
        }
        for (size_t y = 0; y < size; y++) rows[y] = run->rows[y] + c;
        slice.channels = run->channels - c < SLICE ? run->channels - c : SLICE;
        slice.weights = weights;
        slice.bias = bias;
        slice.multipliers = multipliers;
        slice.residual = run->residual ? run->residual + c : NULL;
        slice.output = (uint8_t *)run->output + c * element;
        qdepthwise_s8s8_16x1_neon(&slice);
    }
}

NEON_INLINE float32x4_t scaled(int32x4_t sums, float32x4_t multipliers) {
    return vaddq_f32(vmulq_f32(vcvtq_f32_s32(sums), multipliers), vdupq_n_f32(NEON_FLOAT_SHIFT));
}

NEON_INLINE void add_products(int32x4_t sums[2], struct products p) {
    sums[0] = vpadalq_s16(sums[0], p.low);
    sums[1] = vpadalq_s16(sums[1], p.high);
}

// Two columns of three rows, of the even channels and of the odd ones: two rows of each column, and the last row of both.
struct columns3 {
    int8x16_t first[2], second[2], last[2];
};

NEON_INLINE struct columns3 load3(const uint8_t *const rows[3], size_t at, size_t gap) {
    const struct turned first = turned(flipped(vld1q_u8(rows[0] + at)), flipped(vld1q_u8(rows[1] + at)));
    const struct turned second = turned(flipped(vld1q_u8(rows[0] + at + gap)), flipped(vld1q_u8(rows[1] + at + gap)));
    const struct turned last = turned(flipped(vld1q_u8(rows[2] + at)), flipped(vld1q_u8(rows[2] + at + gap)));
    return (struct columns3){{first.even, first.odd}, {second.even, second.odd}, {last.even, last.odd}};
}

// The windows that begin with the first column of `a` and, of two pixels, with the second. The even channels come before the odd ones: so
// much fits into registers.
NEON_INLINE void windows3(const struct columns3 *a, const struct columns3 *b, const size_t pixels, const struct qdepthwise_run *slice,
                          const struct neon_rule *rule, const bool bare, uint8_t *output) {
    float32x4_t shifted[2][4];
    const int32_t *bias = slice->bias;
    UNROLLED for (size_t half = 0; half < 2; half++) {
        int32x4_t sums[2][2];
        const int8_t *w = (const int8_t *)slice->weights + 16 * half;
        OWN_REGISTER(w);
        UNROLLED for (size_t p = 0; p < pixels; p++) {
            OWN_REGISTER(bias);
            UNROLLED for (size_t v = 0; v < 2; v++) sums[p][v] = vld1q_s32(bias + 8 * half + 4 * v);
        }
        const int8x16_t columns[4] = {a->first[half], a->second[half], b->first[half], b->second[half]};
        const int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 32), w2 = vld1q_s8(w + 64);
        UNROLLED for (size_t p = 0; p < pixels; p++) {
            const int8_t *last = w + 32 * (3 + 2 * p);
            add_products(sums[p], pair(columns[p], w0, columns[p + 1], w1));
            add_products(sums[p], pair(columns[p + 2], w2, a->last[half], vld1q_s8(last)));
            add_products(sums[p], product(b->last[half], vld1q_s8(last + 32)));
        }
        UNROLLED for (size_t p = 0; p < pixels; p++)
            UNROLLED for (size_t v = 0; v < 2; v++) shifted[p][2 * half + v] = scaled(sums[p][v], rule->multipliers[2 * half + v]);
    }
    UNROLLED for (size_t p = 0; p < pixels; p++) vst1q_u8(output + p * slice->output_step, neon_turned_back(shifted[p], rule, bare));
}

// A window has three columns. With a gap of 0 the second column of two is the first once more: it isn't there, or meets weights of 0.
NEON_INLINE void row3x3(const struct qdepthwise_run *slice, const size_t stride, const bool bare) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 4);
    const uint8_t *const rows[3] = {slice->rows[0], slice->rows[1], slice->rows[2]};
    const size_t step = slice->tap_step, together = 2 / stride, output_step = slice->output_step;
    struct columns3 a = load3(rows, 0, step), b;
    size_t at = 2 * step, left = slice->pixels;
    uint8_t *output = slice->output;
    for (; left >= 2 * together + stride - 1; left -= 2 * together, at += 4 * step, output += 2 * together * output_step) {
        if (stride == 1 && bare) MARK_LOOP("depthwise 3x3 smull, relu", 4 * 16 * 9);
        if (stride == 1 && !bare) MARK_LOOP("depthwise 3x3 smull", 4 * 16 * 9);
        b = load3(rows, at, step);
        windows3(&a, &b, together, slice, &rule, bare, output);
        a = load3(rows, at + 2 * step, step);
        windows3(&b, &a, together, slice, &rule, bare, output + together * output_step);
    }
    while (left > 0) {
        const size_t now = left < together ? left : together;
        b = load3(rows, at, now == 2 || left > 1 ? step : 0);
        if (stride == 1 && now == 2)
            windows3(&a, &b, 2, slice, &rule, bare, output);
        else
            windows3(&a, &b, 1, slice, &rule, bare, output);
        a = b;
        at += 2 * step, output += now * output_step, left -= now;
    }
}

static void slice3x3(const struct qdepthwise_run *slice) {
    const bool bare = neon_is_bare(slice->requantization);
    if (neon_stride(slice) == 1)
        bare ? row3x3(slice, 1, true) : row3x3(slice, 1, false);
    else
        bare ? row3x3(slice, 2, true) : row3x3(slice, 2, false);
}

void qdepthwise3x3_s8s8_16x2_neon(const struct qdepthwise_run *run) {
    if (neon_takes_slices(run))
        neon_depthwise_slices(run, 3, depthwise_unit_count(3, 2) * 2 * SLICE, slice3x3);
    else
        neon_depthwise_other(run, 2);
}

// Columns of five rows, in memory: of each column the even channels of two pairs of rows, then the odd ones, [2][2][16]; of two columns the
// even channels of the last row, then the odd ones, [2][16].
enum { CHUNK = 28 };
struct columns5 {
    int8_t top[2 * CHUNK + 6][64], bottom[CHUNK + 3][32];
};

NEON_INLINE void store_turned(int8_t *to, struct turned x, size_t step) {
    vst1q_s8(to, x.even);
    vst1q_s8(to + step, x.odd);
}

NEON_INLINE void prepare5(struct columns5 *columns, const struct qdepthwise_run *slice, size_t at, size_t width) {
    for (size_t x = 0; x < width; x += 2) {
        const size_t second = x + 1 < width ? at + slice->tap_step : at;
        int8x16_t first_rows[5], second_rows[5];
        UNROLLED for (size_t y = 0; y < 5; y++) {
            first_rows[y] = flipped(vld1q_u8(slice->rows[y] + at));
            second_rows[y] = flipped(vld1q_u8(slice->rows[y] + second));
        }
        store_turned(columns->top[x], turned(first_rows[0], first_rows[1]), 32);
        store_turned(columns->top[x] + 16, turned(first_rows[2], first_rows[3]), 32);
        store_turned(columns->top[x + 1], turned(second_rows[0], second_rows[1]), 32);
        store_turned(columns->top[x + 1] + 16, turned(second_rows[2], second_rows[3]), 32);
        store_turned(columns->bottom[x / 2], turned(first_rows[4], second_rows[4]), 16);
        at = second + slice->tap_step;
    }
}

// `pixels` windows, 1 or 2, of which the first begins with column x, in the same two columns of the last row. The even channels come before
// the odd ones: so much fits into registers.
NEON_INLINE void windows5(const struct columns5 *columns, size_t x, const size_t pixels, const size_t stride, const struct qdepthwise_run *slice,
                          const struct neon_rule *rule, const bool bare, uint8_t *output) {
    float32x4_t shifted[2][4];
    const int32_t *bias = slice->bias;
    UNROLLED for (size_t half = 0; half < 2; half++) {
        int32x4_t sums[2][2];
        const int8_t *w = (const int8_t *)slice->weights + 16 * half, *top = columns->top[x] + 32 * half;
        OWN_REGISTER(w);
        OWN_REGISTER(top);
        UNROLLED for (size_t p = 0; p < pixels; p++) {
            OWN_REGISTER(bias);
            UNROLLED for (size_t v = 0; v < 2; v++) sums[p][v] = vld1q_s32(bias + 8 * half + 4 * v);
        }
        UNROLLED for (size_t i = 0; i < 5; i++) {
            const int8x16_t w0 = vld1q_s8(w + 32 * i), w1 = vld1q_s8(w + 32 * (5 + i));
            UNROLLED for (size_t p = 0; p < pixels; p++) {
                const int8_t *column = top + 64 * (i + p * stride);
                add_products(sums[p], pair(vld1q_s8(column), w0, vld1q_s8(column + 16), w1));
            }
        }
        UNROLLED for (size_t p = 0; p < pixels; p++) {
            const int8_t *bottom = columns->bottom[(x + p * stride) / 2] + 16 * half, *last = w + 32 * (10 + 3 * (p * stride % 2));
            add_products(sums[p], pair(vld1q_s8(bottom), vld1q_s8(last), vld1q_s8(bottom + 32), vld1q_s8(last + 32)));
            add_products(sums[p], product(vld1q_s8(bottom + 64), vld1q_s8(last + 64)));
        }
        UNROLLED for (size_t p = 0; p < pixels; p++)
            UNROLLED for (size_t v = 0; v < 2; v++) shifted[p][2 * half + v] = scaled(sums[p][v], rule->multipliers[2 * half + v]);
    }
    UNROLLED for (size_t p = 0; p < pixels; p++) vst1q_u8(output + p * slice->output_step, neon_turned_back(shifted[p], rule, bare));
}

NEON_INLINE void row5x5(const struct qdepthwise_run *slice, const size_t stride, const bool bare) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 4);
    struct columns5 columns;
    for (size_t first = 0; first < slice->pixels; first += CHUNK) {
        const size_t pixels = slice->pixels - first < CHUNK ? slice->pixels - first : CHUNK;
        prepare5(&columns, slice, first * slice->pixel_step, (pixels - 1) * stride + 5);
        uint8_t *output = (uint8_t *)slice->output + first * slice->output_step;
        size_t i = 0;
        for (; i + 2 <= pixels; i += 2, output += 2 * slice->output_step) {
            if (stride == 1 && bare) MARK_LOOP("depthwise 5x5 smull, relu", 2 * 16 * 25);
            if (stride == 1 && !bare) MARK_LOOP("depthwise 5x5 smull", 2 * 16 * 25);
            windows5(&columns, i * stride, 2, stride, slice, &rule, bare, output);
        }
        if (i < pixels) windows5(&columns, i * stride, 1, stride, slice, &rule, bare, output);
    }
}

static void slice5x5(const struct qdepthwise_run *slice) {
    const bool bare = neon_is_bare(slice->requantization);
    if (neon_stride(slice) == 1)
        bare ? row5x5(slice, 1, true) : row5x5(slice, 1, false);
    else
        bare ? row5x5(slice, 2, true) : row5x5(slice, 2, false);
}

void qdepthwise5x5_s8s8_16x2_neon(const struct qdepthwise_run *run) {
    if (neon_takes_slices(run))
        neon_depthwise_slices(run, 5, depthwise_unit_count(5, 2) * 2 * SLICE, slice5x5);
    else
        neon_depthwise_other(run, 2);
}
#endif
