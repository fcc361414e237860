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
    const size_t size = run->kernel_width, units = depthwise_unit_count(size, group), channels = depthwise_unit_run(size, group);
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
            const size_t position = channel / channels * channels + channel % channels / 2 + channel % 2 * (channels / 2);
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

// Instructions on values that are so marked stay in their order. Processors get to what is further on, but not far enough for what
// compilers make of the loops below: all products of a pixel before its last steps.
#define IN_ORDER(x) __asm__ volatile("" : "+w"(x))

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
    const uint8_t *const rows[5] = {slice->rows[0] + at, slice->rows[1] + at, slice->rows[2] + at, slice->rows[3] + at, slice->rows[4] + at};
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

// 8 channels of two pixels, or of one, from converted sums to bytes, in steps that fill the gaps between the products of the next ones.
struct finish5 {
    float32x4_t real[2][2];
    int32x4_t rounded[2][2];
    int16x8_t narrow[2];
    uint8x8_t bytes[2];
    const float *multipliers;
    const struct neon_rule *rule;
    uint8_t *output;
    size_t output_step;
};
enum { FINISH_STEPS = 7 };

NEON_INLINE void convert5(struct finish5 *f, int32x4_t sums[2][2], const size_t pixels) {
    UNROLLED for (size_t p = 0; p < pixels; p++)
        UNROLLED for (size_t v = 0; v < 2; v++) {
            f->real[p][v] = vcvtq_f32_s32(sums[p][v]);
            IN_ORDER(f->real[p][v]);
        }
}

// What the rule has is fetched anew: the weights have the registers.
NEON_INLINE void finish5(struct finish5 *f, const size_t step, const size_t pixels, const bool bare) {
    UNROLLED for (size_t p = 0; p < pixels; p++) {
        UNROLLED for (size_t v = 0; v < 2; v++) {
            if (step == p) {
                OWN_REGISTER(f->multipliers);
                f->real[p][v] = vmulq_f32(f->real[p][v], vld1q_f32(f->multipliers + 4 * v));
                IN_ORDER(f->real[p][v]);
            } else if (step == 2 + p) {
                f->rounded[p][v] = vcvtnq_s32_f32(f->real[p][v]);
                IN_ORDER(f->rounded[p][v]);
            }
        }
        OWN_REGISTER(f->rule);
        if (step == 4) {
            f->narrow[p] = vtrn1q_s16(vreinterpretq_s16_s32(f->rounded[p][0]), vreinterpretq_s16_s32(f->rounded[p][1]));
            if (!bare) f->narrow[p] = vqaddq_s16(f->narrow[p], f->rule->zero_point);
            IN_ORDER(f->narrow[p]);
        } else if (step == 5) {
            f->bytes[p] = bare ? vqmovun_s16(f->narrow[p]) : neon_clamp_half(f->narrow[p], f->rule);
            IN_ORDER(f->bytes[p]);
        } else if (step == 6) {
            vst1_u8(f->output + p * f->output_step, f->bytes[p]);
        }
    }
}

// The products of a pixel come in seven groups: five of a column's two pairs of rows, the last row's four columns and its fifth. Those of two
// pixels are so ordered that what both need is fetched once.
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
NEON_INLINE void add_group5(struct windows5 *s, const size_t g, const size_t pixels, const size_t stride, struct finish5 *f, const bool bare) {
    const struct group5 now = group5(g, pixels, stride), next = group5(g + 1, pixels, stride);
    const bool fetches = g + 1 < 7 * pixels && (next.last_row || next.column != now.column);
    const int8_t *from = next.last_row ? s->bottom + 32 * next.column : s->top + 64 * next.column;
    struct products products = product(s->first, s->weights[now.tap]);
    IN_ORDER(products.low);
    IN_ORDER(products.high);
    if (fetches) s->first = vld1q_s8(from);
    if (g > 0) {
        int32x4_t *sums = s->sums[group5(g - 1, pixels, stride).pixel];
        IN_ORDER(s->before.low);
        IN_ORDER(s->before.high);
        add_products(sums, s->before);
        IN_ORDER(sums[0]);
        IN_ORDER(sums[1]);
    }
    if (now.both) {
        const int8x16_t w = s->weights[now.tap + (now.last_row ? 1 : 5)];
        products.low = vmlal_s8(products.low, vget_low_s8(s->second), vget_low_s8(w));
        products.high = vmlal_high_s8(products.high, s->second, w);
        IN_ORDER(products.low);
        IN_ORDER(products.high);
    }
    if (fetches && next.both) s->second = vld1q_s8(from + 32);
    if (f && g >= 7) finish5(f, g - 7, 2, bare);
    s->before = products;
}

NEON_INLINE void add_windows5(struct windows5 *s, const size_t pixels, const size_t stride, const int32_t *bias, struct finish5 *f,
                              const bool bare) {
    s->first = vld1q_s8(s->top), s->second = vld1q_s8(s->top + 32);
    UNROLLED for (size_t p = 0; p < pixels; p++) {
        OWN_REGISTER(bias);
        UNROLLED for (size_t v = 0; v < 2; v++) s->sums[p][v] = vld1q_s32(bias + 4 * v);
    }
#define GROUP(g) \
    if (g < 7 * pixels) add_group5(s, g, pixels, stride, f, bare);
    GROUP(0) GROUP(1) GROUP(2) GROUP(3) GROUP(4) GROUP(5) GROUP(6) GROUP(7) GROUP(8) GROUP(9) GROUP(10) GROUP(11) GROUP(12) GROUP(13)
#undef GROUP
    add_products(s->sums[pixels - 1], s->before);
}

// Pixels [0, pixels) of 8 channels.
NEON_INLINE void half5x5(const int8_t *top, const int8_t *bottom, size_t pixels, const size_t stride, const int8_t *w, const int32_t *bias,
                         struct finish5 f, const bool bare) {
    int8x16_t weights[16];
    UNROLLED for (size_t i = 0; i < 16; i++) weights[i] = vld1q_s8(w + 32 * i);
    struct windows5 windows = {.top = top, .bottom = bottom, .weights = weights};
    if (pixels >= 2) {
        add_windows5(&windows, 2, stride, bias, NULL, bare);
        for (; pixels >= 4; pixels -= 2, f.output += 2 * f.output_step) {
            if (stride == 1 && bare) MARK_LOOP("depthwise 5x5 smull, relu", 2 * 8 * 25);
            if (stride == 1 && !bare) MARK_LOOP("depthwise 5x5 smull", 2 * 8 * 25);
            windows.top += 128 * stride, windows.bottom += 32 * stride;
            convert5(&f, windows.sums, 2);
            add_windows5(&windows, 2, stride, bias, &f, bare);
        }
        convert5(&f, windows.sums, 2);
        UNROLLED for (size_t step = 0; step < FINISH_STEPS; step++) finish5(&f, step, 2, bare);
        windows.top += 128 * stride, windows.bottom += 32 * stride, f.output += 2 * f.output_step;
    }
    if (pixels % 2) {
        add_windows5(&windows, 1, stride, bias, NULL, bare);
        convert5(&f, windows.sums, 1);
        UNROLLED for (size_t step = 0; step < FINISH_STEPS; step++) finish5(&f, step, 1, bare);
    }
}

NEON_INLINE void row5x5(const struct qdepthwise_run *slice, const size_t stride, const bool bare) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 0);
    struct columns5 columns;
    for (size_t first = 0; first < slice->pixels; first += CHUNK) {
        const size_t pixels = slice->pixels - first < CHUNK ? slice->pixels - first : CHUNK;
        prepare5(&columns, slice, first * slice->pixel_step, (pixels - 1) * stride + 5);
        for (size_t half = 0; half < 2; half++) {
            const struct finish5 f = {.multipliers = slice->multipliers + 8 * half, .rule = &rule, .output_step = slice->output_step,
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
