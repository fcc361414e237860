// SPDX-License-Identifier: Apache-2.0
// What the layers of every instruction set share.
#pragma once
#include "internal.h"
#include "requantize.h"
#include <math.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

// Channels, or elements, that are computed at a time: WIDE, then NARROW. Of NARROW or more, the last block reaches back over the one
// before it, so what a block does must not depend on what the output held; fewer are computed one by one.
enum { WIDE = 64, NARROW = 16 };

// RUN(c, width) for blocks that cover first ... last; width is a constant.
#define EACH_BLOCK(first, last, RUN)                              \
    {                                                             \
        const size_t end = (last);                                \
        size_t c = (first);                                       \
        const bool narrow = end - c >= NARROW;                    \
        for (; c + WIDE <= end; c += WIDE) RUN(c, WIDE);          \
        if (narrow) {                                             \
            for (; c + NARROW <= end; c += NARROW) RUN(c, NARROW); \
            if (c < end) RUN(end - NARROW, NARROW);               \
        } else {                                                  \
            for (; c < end; c++) RUN(c, 1);                       \
        }                                                         \
    }

// The positions of a window, along one axis, that lie inside the image, and how many lie inside the padded image.
struct pooling_span {
    size_t first, inside, counted; // the first from the start of the image
};

ALWAYS_INLINE size_t divided_up(size_t value, size_t by) { return by == 1 ? value : (value + by - 1) / by; }

ALWAYS_INLINE struct pooling_span pooling_span(size_t start, size_t pad, size_t size, size_t pad_after, size_t kernel, size_t dilation) {
    const size_t skipped = start < pad ? divided_up(pad - start, dilation) : 0;
    size_t reached = start < size + pad ? divided_up(size + pad - start, dilation) : 0;
    size_t counted = start < size + pad + pad_after ? divided_up(size + pad + pad_after - start, dilation) : 0;
    reached = reached < kernel ? reached : kernel;
    counted = counted < kernel ? counted : kernel;
    return (struct pooling_span){
        .first = skipped < reached ? start + skipped * dilation - pad : 0,
        .inside = skipped < reached ? reached - skipped : 0,
        .counted = counted,
    };
}

// What the window of output pixel (y, x) covers; sizes in elements.
struct pooling_window {
    size_t first, rows, columns, row_step, column_step;
    size_t counted; // positions inside the padded image
};

ALWAYS_INLINE struct pooling_window pooling_window(const struct pooling_geometry *g, size_t y, size_t x) {
    const struct pooling_span rows =
        pooling_span(y * g->stride_y, g->pad_top, g->input_height, g->pad_bottom, g->kernel_height, g->dilation_y);
    const struct pooling_span columns =
        pooling_span(x * g->stride_x, g->pad_left, g->input_width, g->pad_right, g->kernel_width, g->dilation_x);
    return (struct pooling_window){
        .first = (rows.first * g->input_width + columns.first) * g->input_step,
        .rows = columns.inside ? rows.inside : 0,
        .columns = columns.inside,
        .row_step = g->dilation_y * g->input_width * g->input_step,
        .column_step = g->dilation_x * g->input_step,
        .counted = rows.counted * columns.counted,
    };
}

// Where one iteration of the outer loops of a broadcast reads and writes.
struct position {
    size_t index[BROADCAST_LOOPS];
    size_t a, b, output;
};

ALWAYS_INLINE struct position position_of(const struct broadcast *p, size_t iteration) {
    struct position at = {{0}, 0, 0, 0};
    for (size_t i = p->loops; i-- > 0;) {
        at.index[i] = iteration % p->count[i];
        iteration /= p->count[i];
        at.a += at.index[i] * p->a_stride[i];
        at.b += at.index[i] * p->b_stride[i];
        at.output += at.index[i] * p->output_stride[i];
    }
    return at;
}

ALWAYS_INLINE void advance(const struct broadcast *p, struct position *at) {
    for (size_t i = p->loops; i-- > 0;) {
        at->a += p->a_stride[i];
        at->b += p->b_stride[i];
        at->output += p->output_stride[i];
        if (++at->index[i] < p->count[i]) return;
        at->a -= p->count[i] * p->a_stride[i];
        at->b -= p->count[i] * p->b_stride[i];
        at->output -= p->count[i] * p->output_stride[i];
        at->index[i] = 0;
    }
}

#if defined(__x86_64__)
void table_u8_avx2(const uint8_t *table, size_t rows, size_t count, const uint8_t *input, size_t input_step, uint8_t *output,
                   size_t output_step);
#elif defined(__aarch64__)
void table_u8_neon(const uint8_t *table, size_t rows, size_t count, const uint8_t *input, size_t input_step, uint8_t *output,
                   size_t output_step);
void binary_u8_neon(const struct qbinary *p, const uint8_t *a, const uint8_t *b, uint8_t *output, size_t first, size_t last);
void quantize_neon(float scale, int32_t zero_point, const float *input, uint8_t *output, size_t count);
#endif

// exp(x) within 2 units in the last place for x in -87.3 ... 88.3, beyond them the value at the limit; NaN stays.
// x = n ln 2 + r with |r| <= ln 2 / 2 and ln 2 in two parts (Cody and Waite); exp(r) by its Taylor series to the seventh power,
// whose remainder is below 2^-26.
ALWAYS_INLINE float exponential(float x) {
    x = x < -87.3f ? -87.3f : x;
    x = x > 88.3f ? 88.3f : x;
    const float shifted = x * 0x1.715476p+0f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    const uint32_t power_bits = (bits + 127u) << 23; // the low bits of `shifted` hold n
    float power;
    memcpy(&power, &power_bits, sizeof power);
    float r = x - n * 0x1.62e4p-1f;
    r = r - n * 0x1.7f7d1cp-20f;
    float series = 1.0f / 5040;
    series = series * r + 1.0f / 720;
    series = series * r + 1.0f / 120;
    series = series * r + 1.0f / 24;
    series = series * r + 1.0f / 6;
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    return series * power;
}

ALWAYS_INLINE float limited(float x, float low, float high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

ALWAYS_INLINE float activated(int32_t kind, float p, float q, float x) {
    switch (kind) {
    case ACTIVATION_CLAMP: return limited(x, p, q);
    case ACTIVATION_LEAKY_RELU: return x < 0 ? p * x : x;
    case ACTIVATION_SIGMOID: return 1.0f / (1.0f + exponential(-x));
    case ACTIVATION_HARD_SIGMOID: return limited(p * x + q, 0, 1);
    case ACTIVATION_HARD_SWISH: return x * limited(x * (1.0f / 6) + 0.5f, 0, 1);
    default: return x / (1.0f + exponential(-x));
    }
}
