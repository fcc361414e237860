// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of windows five high and wide without dot product. Weights are in registers, columns in memory.
#include "neon_products.h"
#if defined(__aarch64__)

// Columns of five rows, in memory, by halves of 8 channels, the even ones before the odd ones: of each column two pairs of rows, and of two
// columns the last row.
enum { CHUNK = 28 };
struct columns5 {
    int8_t top[2 * CHUNK + 6][2][2][16], bottom[CHUNK + 3][2][16];
};

// Compilers take zip2 for trn2, and a Cortex-A72 three times as long for it.
NEON_INLINE void store_halves(int8_t to[2][16], uint8x16_t first, uint8x16_t second) {
    const struct turned x = turned(flipped(first), flipped(second));
    int8x16_t low, high;
    __asm__("trn1 %0.2d, %1.2d, %2.2d" : "=w"(low) : "w"(x.even), "w"(x.odd));
    __asm__("trn2 %0.2d, %1.2d, %2.2d" : "=w"(high) : "w"(x.even), "w"(x.odd));
    vst1q_s8(to[0], low);
    vst1q_s8(to[1], high);
}

NEON_INLINE void prepare5(struct columns5 *columns, const struct qdepthwise_run *slice, size_t at, size_t width) {
    const uint8_t *rows[5];
    UNROLLED for (size_t y = 0; y < 5; y++) rows[y] = slice->rows[y] + at;
    const size_t step = slice->tap_step;
    for (size_t x = 0, from = 0; x < width; x += 2, from += 2 * step) {
        const size_t second = x + 1 < width ? from + step : from;
        store_halves(columns->top[x][0], vld1q_u8(rows[0] + from), vld1q_u8(rows[1] + from));
        store_halves(columns->top[x][1], vld1q_u8(rows[2] + from), vld1q_u8(rows[3] + from));
        store_halves(columns->top[x + 1][0], vld1q_u8(rows[0] + second), vld1q_u8(rows[1] + second));
        store_halves(columns->top[x + 1][1], vld1q_u8(rows[2] + second), vld1q_u8(rows[3] + second));
        store_halves(columns->bottom[x / 2], vld1q_u8(rows[4] + from), vld1q_u8(rows[4] + second));
    }
}

// The products of a pixel come in seven groups: five of a column's two pairs of rows, the last row's four columns and its fifth. Those of
// two pixels are so ordered that what both need is fetched once.
struct group5 {
    size_t pixel, column, tap;
    bool last_row, both;
};
NEON_INLINE struct group5 group5(const size_t g, const size_t pixels, const size_t stride) {
    if (g >= 5 * pixels) {
        const size_t p = (g - 5 * pixels) / 2, part = (g - 5 * pixels) % 2;
        return (struct group5){p, p * stride / 2 + 2 * part, 10 + 3 * (p * stride % 2) + 2 * part, true, part == 0};
    }
    if (pixels == 1 || g < stride) return (struct group5){0, g, g, false, true};
    if (g >= 10 - stride) return (struct group5){1, g - 5 + stride, g - 5, false, true};
    const size_t p = (g - stride) % 2, x = stride + (g - stride) / 2;
    return (struct group5){p, x, x - p * stride, false, true};
}

// Sums of one window or two, of which the first begins with the first of the columns.
struct windows5 {
    const int8_t *top, *bottom;
    const int8x16_t *weights;
    int32x4_t sums[2][2];
    int8x16_t first, second;
    struct products before;
};

// Group g, and a step of what `f` finishes meanwhile: nothing waits for the products right before it or for what has just been fetched.
NEON_INLINE void add_group5(struct windows5 *s, const size_t g, const size_t pixels, const size_t stride, struct finish *f,
                            const bool bare) {
    const struct group5 now = group5(g, pixels, stride), next = group5(g + 1, pixels, stride);
    const bool fetches = g + 1 < 7 * pixels && (next.last_row || next.column != now.column);
    const int8_t *from = next.last_row ? s->bottom + 32 * next.column : s->top + 64 * next.column;
    struct products products = in_order(product(s->first, s->weights[now.tap]));
    if (fetches) s->first = vld1q_s8(from);
    if (g > 0) add_products(s->sums[group5(g - 1, pixels, stride).pixel], in_order(s->before));
    if (now.both) products = in_order(plus(products, s->second, s->weights[now.tap + (now.last_row ? 1 : 5)]));
    if (fetches && next.both) s->second = vld1q_s8(from + 32);
    if (f && g >= 14 - FINISH_STEPS) finish(f, g + FINISH_STEPS - 14, 2, 2, bare);
    s->before = products;
}

NEON_INLINE void add_windows5(struct windows5 *s, const size_t pixels, const size_t stride, const int32_t *bias, struct finish *f,
                              const bool bare) {
    s->first = vld1q_s8(s->top), s->second = vld1q_s8(s->top + 32);
    UNROLLED for (size_t p = 0; p < pixels; p++)
        UNROLLED for (size_t v = 0; v < 2; v++) {
            OWN_REGISTER(bias);
            s->sums[p][v] = vld1q_s32(bias + 4 * v);
        }
#define GROUP(g) \
    if (g < 7 * pixels) add_group5(s, g, pixels, stride, f, bare);
    GROUP(0) GROUP(1) GROUP(2) GROUP(3) GROUP(4) GROUP(5) GROUP(6) GROUP(7) GROUP(8) GROUP(9) GROUP(10) GROUP(11) GROUP(12) GROUP(13)
#undef GROUP
    add_products(s->sums[pixels - 1], s->before);
}

// Pixels [0, pixels) of 8 channels.
NEON_INLINE void half5x5(const int8_t *top, const int8_t *bottom, size_t pixels, const size_t stride, const int8_t *w, const int32_t *bias,
                         struct finish f, const bool bare) {
    int8x16_t weights[16];
    UNROLLED for (size_t i = 0; i < 16; i++) weights[i] = vld1q_s8(w + 32 * i);
    struct windows5 windows = {.top = top, .bottom = bottom, .weights = weights};
    if (pixels >= 2) {
        add_windows5(&windows, 2, stride, bias, NULL, bare);
        for (; pixels >= 4; pixels -= 2, f.output += 2 * f.output_step) {
            if (stride == 1 && bare) MARK_LOOP("depthwise 5x5 smull, relu", 2 * 8 * 25);
            if (stride == 1 && !bare) MARK_LOOP("depthwise 5x5 smull", 2 * 8 * 25);
            windows.top += 128 * stride, windows.bottom += 32 * stride;
            convert(&f, windows.sums, 2, 0);
            add_windows5(&windows, 2, stride, bias, &f, bare);
        }
        finish_all(&f, windows.sums, 2, 2, bare);
        windows.top += 128 * stride, windows.bottom += 32 * stride;
    }
    if (pixels % 2) {
        add_windows5(&windows, 1, stride, bias, NULL, bare);
        finish_all(&f, windows.sums, 1, 2, bare);
    }
}

NEON_INLINE void row5x5(const struct qdepthwise_run *slice, const size_t stride, const bool bare) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 0);
    struct columns5 columns;
    for (size_t first = 0; first < slice->pixels; first += CHUNK) {
        const size_t pixels = slice->pixels - first < CHUNK ? slice->pixels - first : CHUNK;
        prepare5(&columns, slice, first * slice->pixel_step, (pixels - 1) * stride + 5);
        for (size_t half = 0; half < 2; half++) {
            const struct finish f = {.multipliers = slice->multipliers + 8 * half, .rule = &rule, .output_step = slice->output_step,
                                      .output = (uint8_t *)slice->output + first * slice->output_step + 8 * half};
            half5x5(columns.top[0][0][half], columns.bottom[0][half], pixels, stride, (const int8_t *)slice->weights + 16 * half,
                    slice->bias + 8 * half, f, bare);
        }
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
