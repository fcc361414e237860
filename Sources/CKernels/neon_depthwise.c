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

// The channels of two pixels, or of one, 16 or 8 of each, on their way from sums to bytes, in steps that fill the gaps between the products
// of the next ones. Of two pixels, what the rule has is fetched anew: the registers are taken.
struct finish {
    float32x4_t real[2][4];
    int32x4_t rounded[2][4];
    int16x8_t low[2], high[2];
    uint8x16_t bytes[2];
    const float *multipliers;
    const struct neon_rule *rule;
    uint8_t *output;
    size_t output_step;
};
enum { FINISH_STEPS = 5 };

// Vectors `first` and the one behind it.
NEON_INLINE void convert(struct finish *f, int32x4_t sums[2][2], const size_t pixels, const size_t first) {
    UNROLLED for (size_t p = 0; p < pixels; p++)
        UNROLLED for (size_t v = 0; v < 2; v++) {
            f->real[p][first + v] = vcvtq_f32_s32(sums[p][v]);
            IN_ORDER(f->real[p][first + v]);
        }
}

NEON_INLINE int16x8_t narrowed(int32x4_t even, int32x4_t odd, int16x8_t zero_point, const bool bare) {
    const int16x8_t narrow = vtrn1q_s16(vreinterpretq_s16_s32(even), vreinterpretq_s16_s32(odd));
    return bare ? narrow : vqaddq_s16(narrow, zero_point);
}

NEON_INLINE void finish(struct finish *f, const size_t step, const size_t pixels, const size_t vectors, const bool bare) {
    if (step == 0) UNROLLED for (size_t v = 0; v < vectors; v++) {
        if (pixels == 2) OWN_REGISTER(f->multipliers);
        const float32x4_t multipliers = vld1q_f32(f->multipliers + 4 * v);
        UNROLLED for (size_t p = 0; p < pixels; p++) {
            f->real[p][v] = vmulq_f32(f->real[p][v], multipliers);
            IN_ORDER(f->real[p][v]);
        }
    }
    if (pixels == 2) OWN_REGISTER(f->rule);
    const int16x8_t zero_point = f->rule->zero_point;
    UNROLLED for (size_t p = 0; p < pixels; p++) {
        int32x4_t *rounded = f->rounded[p];
        if (step == 1) {
            UNROLLED for (size_t v = 0; v < vectors; v++) {
                rounded[v] = vcvtnq_s32_f32(f->real[p][v]);
                IN_ORDER(rounded[v]);
            }
        } else if (step == 2) {
            f->low[p] = narrowed(rounded[0], rounded[vectors / 2], zero_point, bare);
            IN_ORDER(f->low[p]);
            if (vectors == 4) {
                f->high[p] = narrowed(rounded[1], rounded[3], zero_point, bare);
                IN_ORDER(f->high[p]);
            }
        } else if (step == 3) {
            if (vectors == 2)
                f->bytes[p] = vcombine_u8(bare ? vqmovun_s16(f->low[p]) : neon_clamp_half(f->low[p], f->rule), vdup_n_u8(0));
            else
                f->bytes[p] = bare ? vqmovun_high_s16(vqmovun_s16(f->low[p]), f->high[p]) : neon_clamp(f->low[p], f->high[p], f->rule);
            IN_ORDER(f->bytes[p]);
        } else if (step == 4 && vectors == 2) {
            vst1_u8(f->output + p * f->output_step, vget_low_u8(f->bytes[p]));
        } else if (step == 4) {
            vst1q_u8(f->output + p * f->output_step, f->bytes[p]);
        }
    }
}

NEON_INLINE void finish_all(struct finish *f, int32x4_t sums[2][2], const size_t pixels, const size_t vectors, const bool bare) {
    convert(f, sums, pixels, vectors - 2);
    UNROLLED for (size_t step = 0; step < FINISH_STEPS; step++) finish(f, step, pixels, vectors, bare);
    f->output += pixels * f->output_step;
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

// One window or two over four columns, the weights of their next products, and the columns behind them.
struct windows3 {
    struct columns3 columns[2], next;
    uint8x16_t fetched[2];
    const uint8_t *rows[3];
    size_t at, step;
    const int8_t *weights;
    const int32_t *bias;
    int8x16_t w0, w1;
    int32x4_t sums[2][2];
    struct products before;
};

// Parts 0 to 2 of the next two columns are fetched, then turned.
NEON_INLINE void fetch3(struct windows3 *s, const size_t part) {
    s->fetched[0] = vld1q_u8((part < 2 ? s->rows[0] : s->rows[2]) + s->at + (part == 1) * s->step);
    s->fetched[1] = vld1q_u8((part < 2 ? s->rows[1] : s->rows[2]) + s->at + (part > 0) * s->step);
}
NEON_INLINE void turn3(struct windows3 *s, const size_t part) {
    struct turned x = turned(flipped(s->fetched[0]), flipped(s->fetched[1]));
    IN_ORDER(x.even);
    IN_ORDER(x.odd);
    int8x16_t *to = part == 0 ? s->next.first : part == 1 ? s->next.second : s->next.last;
    to[0] = x.even, to[1] = x.odd;
}

// Where the first or second weights of group g are. The last groups of a half have no second ones: those before them stay.
NEON_INLINE size_t weights3(const size_t g, const size_t pixels, const size_t which) {
    const size_t half = g / (3 * pixels) % 2, part = g / pixels % 3, p = g % pixels;
    const size_t unit = part == 0 ? which : which == 0 ? (part == 1 ? 2 : 4 + 2 * p) : 3 + 2 * (part == 1 ? p : pixels - 1);
    return 16 * half + 32 * unit;
}

// Group g of three for each pixel, then three for each with the odd channels: two rows of the window's first two columns; of the third one,
// and the last row of two columns; the last row of the others. The first of the four columns are columns[first].
NEON_INLINE void add_group3(struct windows3 *s, const size_t g, const size_t pixels, const size_t first) {
    const size_t half = g / (3 * pixels), part = g / pixels % 3, p = g % pixels;
    const struct columns3 *a = &s->columns[first], *b = &s->columns[!first];
    const int8x16_t columns[4] = {a->first[half], a->second[half], b->first[half], b->second[half]};
    struct products products = product(part == 0 ? columns[p] : part == 1 ? columns[p + 2] : b->last[half], s->w0);
    IN_ORDER(products.low);
    IN_ORDER(products.high);
    const size_t next0 = weights3(g + 1, pixels, 0), next1 = weights3(g + 1, pixels, 1);
    if (next0 != weights3(g, pixels, 0)) s->w0 = vld1q_s8(s->weights + next0);
    if (g % (3 * pixels) > 0) {
        int32x4_t *sums = s->sums[(g - 1) % pixels];
        IN_ORDER(s->before.low);
        IN_ORDER(s->before.high);
        add_products(sums, s->before);
        IN_ORDER(sums[0]);
        IN_ORDER(sums[1]);
    }
    if (part < 2) {
        const int8x16_t x = part == 0 ? columns[p + 1] : a->last[half];
        products.low = vmlal_s8(products.low, vget_low_s8(x), vget_low_s8(s->w1));
        products.high = vmlal_high_s8(products.high, x, s->w1);
        IN_ORDER(products.low);
        IN_ORDER(products.high);
    }
    if (next1 != weights3(g, pixels, 1)) s->w1 = vld1q_s8(s->weights + next1);
    s->before = products;
}

NEON_INLINE void start3(struct windows3 *s, const size_t half, const size_t pixels) {
    UNROLLED for (size_t p = 0; p < pixels; p++)
        UNROLLED for (size_t v = 0; v < 2; v++) {
            OWN_REGISTER(s->bias);
            s->sums[p][v] = vld1q_s32(s->bias + 8 * half + 4 * v);
        }
}

// What happens beside the products: `f` brings the windows before to their end, the next columns take the place of the first ones.
struct meanwhile {
    bool finishes, fetches;
};

NEON_INLINE void windows3_step(struct windows3 *s, const size_t g, const size_t pixels, const size_t first, struct finish *f,
                               const struct meanwhile also, const bool bare) {
    const size_t half = 3 * pixels, fetching = 5 * pixels - 2;
    if (g >= 2 * half) return;
    if (g == half) {
        add_products(s->sums[pixels - 1], s->before);
        convert(f, s->sums, pixels, 0);
    }
    if (g % half == 0) start3(s, g / half, pixels);
    add_group3(s, g, pixels, first);
    if (also.finishes && g > 0 && g % pixels == 0) finish(f, g / pixels - 1, pixels, 4, bare);
    if (also.fetches && g > fetching && g <= fetching + 3) turn3(s, g - fetching - 1);
    if (also.fetches && g >= fetching && g < fetching + 3) fetch3(s, g - fetching);
    if (g + 1 < 2 * half) return;
    add_products(s->sums[pixels - 1], s->before);
    if (also.finishes) f->output += pixels * f->output_step;
    if (!also.fetches) return;
    if (fetching + 3 == 2 * half) turn3(s, 2);
    s->columns[first] = s->next;
    s->at += 2 * s->step;
}

// Leaves the sums of the odd channels, and those of the even ones converted; registers are too few for all sums.
NEON_INLINE void add_windows3(struct windows3 *s, const size_t pixels, const size_t first, struct finish *f, const struct meanwhile also,
                              const bool bare) {
    OWN_REGISTER(s->weights);
#define STEP(g) windows3_step(s, g, pixels, first, f, also, bare);
    STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11)
#undef STEP
}

// A window has three columns. With a gap of 0 the second column of two is the first once more: it isn't there, or meets weights of 0.
NEON_INLINE void row3x3(const struct qdepthwise_run *slice, const size_t stride, const bool bare) {
    const struct neon_rule rule = neon_rule(slice->requantization, slice->multipliers, 0);
    const size_t step = slice->tap_step, together = 2 / stride;
    struct windows3 s = {.weights = slice->weights, .bias = slice->bias, .step = step, .at = 4 * step,
                         .rows = {slice->rows[0], slice->rows[1], slice->rows[2]}};
    struct finish f = {.multipliers = slice->multipliers, .rule = &rule, .output_step = slice->output_step, .output = slice->output};
    size_t left = slice->pixels;
    s.columns[0] = load3(s.rows, 0, step);
    s.columns[1] = load3(s.rows, 2 * step, left > 1 ? step : 0);
    s.w0 = vld1q_s8(s.weights + weights3(0, together, 0));
    s.w1 = vld1q_s8(s.weights + weights3(0, together, 1));
    // What is fetched meanwhile has to be there: two columns beyond the windows'.
    if (left >= together + 2) {
        add_windows3(&s, together, 0, &f, (struct meanwhile){.fetches = true}, bare);
        for (left -= together; left >= 2 * together + 2; left -= 2 * together) {
            if (stride == 1 && bare) MARK_LOOP("depthwise 3x3 smull, relu", 4 * 16 * 9);
            if (stride == 1 && !bare) MARK_LOOP("depthwise 3x3 smull", 4 * 16 * 9);
            convert(&f, s.sums, together, 2);
            add_windows3(&s, together, 1, &f, (struct meanwhile){true, true}, bare);
            convert(&f, s.sums, together, 2);
            add_windows3(&s, together, 0, &f, (struct meanwhile){true, true}, bare);
        }
        finish_all(&f, s.sums, together, 4, bare);
        const struct columns3 columns = s.columns[1];
        s.columns[1] = s.columns[0];
        s.columns[0] = columns;
    }
    for (;;) {
        if (left >= together && together == 2) {
            add_windows3(&s, 2, 0, &f, (struct meanwhile){0}, bare);
            finish_all(&f, s.sums, 2, 4, bare);
        } else {
            add_windows3(&s, 1, 0, &f, (struct meanwhile){0}, bare);
            finish_all(&f, s.sums, 1, 4, bare);
        }
        if (left <= together) return;
        left -= together;
        s.columns[0] = s.columns[1];
        s.columns[1] = load3(s.rows, s.at, left > 1 ? step : 0);
        s.at += 2 * step;
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
