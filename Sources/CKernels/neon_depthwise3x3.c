// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of windows three high and wide without dot product. Columns are in registers, while windows begin or end with them.
#include "neon_products.h"
#if defined(__aarch64__)

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
    struct products products = in_order(product(part == 0 ? columns[p] : part == 1 ? columns[p + 2] : b->last[half], s->w0));
    const size_t next0 = weights3(g + 1, pixels, 0), next1 = weights3(g + 1, pixels, 1);
    if (next0 != weights3(g, pixels, 0)) s->w0 = vld1q_s8(s->weights + next0);
    if (g % (3 * pixels) > 0) add_products(s->sums[(g - 1) % pixels], in_order(s->before));
    if (part < 2) products = in_order(plus(products, part == 0 ? columns[p + 1] : a->last[half], s->w1));
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

// The step of `finish` behind group g, if any: where llvm-mca has both vector units of a Cortex-A72 at work.
NEON_INLINE size_t finish_step3(const size_t g, const size_t pixels) {
    if (pixels == 1) return g > 0 ? g - 1 : FINISH_STEPS;
    return g == 3 ? 0 : g >= 5 && g <= 7 ? g - 4 : g == 10 ? 4 : FINISH_STEPS;
}

NEON_INLINE void windows3_step(struct windows3 *s, const size_t g, const size_t pixels, const size_t first, struct finish *f,
                               const struct meanwhile also, const bool bare) {
    const size_t half = 3 * pixels, fetching = 4 * pixels - 1;
    if (g >= 2 * half) return;
    if (g == half) {
        add_products(s->sums[pixels - 1], s->before);
        convert(f, s->sums, pixels, 0);
    }
    if (g % half == 0) start3(s, g / half, pixels);
    add_group3(s, g, pixels, first);
    if (also.finishes && finish_step3(g, pixels) < FINISH_STEPS) finish(f, finish_step3(g, pixels), pixels, 4, bare);
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
#endif
