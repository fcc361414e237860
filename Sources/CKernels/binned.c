// SPDX-License-Identifier: Apache-2.0
// Convolution with pixels in the lanes. Blocks of up to 64 output pixels, in the order of the image: the activations that their
// windows meet are gathered into planes, one chunk of the depth after the other, and each output channel runs its bins over them.
#include "bins.h"
#include "convolution.h"
#include <string.h>

// How a convolution is divided. A tap is a position in the window, or a row of it where channels are few: there, rows are copied with
// their padding, and a tap's depth is all of a row's.
struct view {
    size_t groups, outputs; // of one group
    size_t taps, inputs, planes; // depth of a tap in bytes, and in planes
    size_t chunk, chunks;   // planes, of which the last chunk may have fewer
    bool rows;
    size_t rows_height, rows_bytes; // most copied rows of a block; bytes of each
};

// Copied rows are read in whole vectors.
enum { FEW_CHANNELS = 16, SLACK = 64, MOST_ROWS_BYTES = 64 * 1024 };

static size_t rows_under(const struct convolution_geometry *g, size_t rows) {
    return (rows - 1) * g->stride_y + (g->kernel_height - 1) * g->dilation_y + 1;
}

static struct view view_of(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    struct view v = {
        .groups = g->groups,
        .outputs = g->output_channels / g->groups,
        .taps = g->kernel_height * g->kernel_width,
        .inputs = g->input_channels / g->groups,
    };
    size_t height = (PLANE_PIXELS + g->output_width - 2) / g->output_width + 1;
    if (height > g->output_height) height = g->output_height;
    v.rows_height = rows_under(g, height);
    v.rows_bytes = round_up(((g->output_width - 1) * g->stride_x + g->kernel_width) * g->input_channels, 64);
    v.rows = g->groups == 1 && g->kernel_width > 1 && g->dilation_x == 1 && g->input_channels % 4 != 0 && g->input_channels < FEW_CHANNELS
        && v.rows_height * v.rows_bytes <= MOST_ROWS_BYTES;
    if (v.rows) {
        v.taps = g->kernel_height;
        v.inputs = g->kernel_width * g->input_channels;
    }
    v.planes = round_up(v.inputs, 4) / 4;
    const size_t all = v.taps * v.planes;
    v.chunks = (all + CHUNK_PLANES - 1) / CHUNK_PLANES;
    v.chunk = (all + v.chunks - 1) / v.chunks;
    if (round_up(v.chunk, 4) <= CHUNK_PLANES) v.chunk = round_up(v.chunk, 4);
    v.chunks = (all + v.chunk - 1) / v.chunk;
    return v;
}

static size_t end_of_chunk(const struct view *v, size_t chunk) {
    const size_t all = v->taps * v->planes, end = (chunk + 1) * v->chunk;
    return end < all ? end : all;
}

static const struct qbinned_kernel *const kernels[] = {
#define QGEMM_KERNEL(...)
#define QDEPTHWISE_KERNEL(...)
#define VECTOR_KERNELS(...)
#define QBINNED_KERNEL(name) &name,
#include "kernels.inc"
#undef QGEMM_KERNEL
#undef QDEPTHWISE_KERNEL
#undef VECTOR_KERNELS
};

size_t qbinned_kernel_count(void) { return sizeof kernels / sizeof kernels[0]; }
const struct qbinned_kernel *qbinned_kernel_at(size_t index) { return kernels[index]; }

// Pays where there is no instruction that adds four products into 32 bits, and there are pixels enough to fill vectors.
enum { FEWEST_PIXELS = 16, LEAST_DEPTH = 16 };

const struct qbinned_kernel *qbinned_kernel_choose(uint32_t isa, const struct convolution_geometry *g) {
    const struct qbinned_kernel *const best = kernels[qbinned_kernel_count() - 1];
    if (best->isa == ISA_PLAIN || (best->isa & ~isa) != 0 || (isa & (ISA_AVX_VNNI | ISA_AVX512_VNNI)) != 0) return NULL;
    if (g->output_height * g->output_width < FEWEST_PIXELS) return NULL;
    if (g->kernel_height * g->kernel_width * (g->input_channels / g->groups) < LEAST_DEPTH) return NULL;
    return best;
}

// Any group may end in the middle of eight.
size_t binned_padded_outputs(const struct qconvolution *c) { return c->geometry.output_channels + 7; }

size_t binned_weight_bytes(const struct qconvolution *c) {
    const struct view v = view_of(c);
    return c->geometry.output_channels * (v.chunks * sizeof(struct bin_counts) + v.taps * v.planes * LARGEST_BIN_BYTES_PER_QUAD);
}

static size_t sums_bytes(const struct view *v) {
    return (v->chunks == 1 ? 8 : round_up(v->outputs, 8)) * PLANE_PIXELS * sizeof(int32_t);
}

// Planes, the sums of a block, a pixel of zero points, copied rows.
size_t binned_scratch_bytes(const struct qconvolution *c) {
    const struct view v = view_of(c);
    return v.chunk * PLANE_BYTES + sums_bytes(&v) + round_up(v.inputs, 64) + (v.rows ? v.rows_height * v.rows_bytes + SLACK : 0);
}

// The weights that meet planes [first, last) of output channel o; zeros beyond the depth of a tap.
static void fill_quads(const struct convolution_geometry *g, const struct view *v, const int8_t *weights, size_t o, size_t first,
                       size_t last, int8_t (*quads)[4]) {
    const size_t inputs = g->input_channels / g->groups, taps = g->kernel_height * g->kernel_width;
    weights += o * inputs * taps;
    size_t tap = first / v->planes, at = first % v->planes * 4;
    for (size_t p = first; p < last; p++) {
        for (size_t k = 0; k < 4; k++) {
            int8_t weight = 0;
            if (at + k < v->inputs && !v->rows) weight = weights[(at + k) * taps + tap];
            if (at + k < v->inputs && v->rows) weight = weights[(at + k) % inputs * taps + tap * g->kernel_width + (at + k) / inputs];
            quads[p - first][k] = weight;
        }
        at += 4;
        if (at >= v->inputs) at = 0, tap++;
    }
}

void binned_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed) {
    const struct view v = view_of(c);
    uint8_t *to = packed;
    for (size_t group = 0; group < v.groups; group++)
        for (size_t chunk = 0; chunk < v.chunks; chunk++)
            for (size_t o = 0; o < v.outputs; o++) {
                int8_t quads[CHUNK_PLANES][4];
                const size_t first = chunk * v.chunk, last = end_of_chunk(&v, chunk);
                fill_quads(&c->geometry, &v, weights, group * v.outputs + o, first, last, quads);
                to = bins_pack(to, quads, last - first);
            }
}

// What a block of output pixels reads.
struct block {
    const uint8_t *image;   // or the copied rows
    const uint8_t *padding; // a pixel of zero points
    size_t vectors;         // of 8 pixels; those beyond the last repeat it
    ptrdiff_t y[PLANE_PIXELS], x[PLANE_PIXELS]; // where the window begins
    ptrdiff_t start[PLANE_PIXELS];              // likewise, in bytes from `image`
    size_t tap;                                 // the one that `pixels` are of
    const uint8_t *pixels[PLANE_PIXELS];
};

// Copies image rows [first, last) with their padding.
static void copy_rows(const struct qconvolution *c, const struct view *v, const uint8_t *input, ptrdiff_t first, ptrdiff_t last,
                      uint8_t *rows) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t channels = g->input_channels, columns = v->rows_bytes / channels;
    const size_t room = columns > g->pad_left ? columns - g->pad_left : 0, width = room < g->input_width ? room : g->input_width;
    for (ptrdiff_t y = first; y < last; y++, rows += v->rows_bytes) {
        memset(rows, c->input_zero_point, v->rows_bytes);
        if (y < 0 || y >= (ptrdiff_t)g->input_height) continue;
        const uint8_t *const line = input + (size_t)y * g->input_width * g->input_step;
        uint8_t *const to = rows + g->pad_left * channels;
        if (g->input_step == channels) {
            memcpy(to, line, width * channels);
            continue;
        }
        for (size_t x = 0; x < width; x++) memcpy(to + x * channels, line + x * g->input_step, channels);
    }
}

static void begin_block(const struct qconvolution *c, const struct view *v, struct block *b, const uint8_t *input, size_t first,
                        size_t pixels, uint8_t *rows) {
    const struct convolution_geometry *g = &c->geometry;
    size_t y = first / g->output_width, x = first % g->output_width;
    const ptrdiff_t top = (ptrdiff_t)(y * g->stride_y) - (ptrdiff_t)g->pad_top;
    b->image = v->rows ? rows : input;
    b->vectors = round_up(pixels, 8) / 8;
    b->tap = SIZE_MAX;
    for (size_t i = 0; i < 8 * b->vectors; i++) {
        b->y[i] = (ptrdiff_t)(y * g->stride_y) - (ptrdiff_t)g->pad_top;
        b->x[i] = (ptrdiff_t)(x * g->stride_x) - (ptrdiff_t)g->pad_left;
        if (v->rows)
            b->start[i] = (b->y[i] - top) * (ptrdiff_t)v->rows_bytes + (ptrdiff_t)(x * g->stride_x * g->input_channels);
        else
            b->start[i] = (b->y[i] * (ptrdiff_t)g->input_width + b->x[i]) * (ptrdiff_t)g->input_step;
        if (i + 1 < pixels && ++x == g->output_width) x = 0, y++;
    }
    if (v->rows) copy_rows(c, v, input, top, b->y[pixels - 1] + (ptrdiff_t)rows_under(g, 1), rows);
}

static void begin_tap(const struct qconvolution *c, const struct view *v, struct block *b, size_t tap) {
    const struct convolution_geometry *g = &c->geometry;
    b->tap = tap;
    if (v->rows) {
        for (size_t i = 0; i < 8 * b->vectors; i++) b->pixels[i] = b->image + b->start[i] + tap * g->dilation_y * v->rows_bytes;
        return;
    }
    const size_t dy = tap / g->kernel_width * g->dilation_y, dx = tap % g->kernel_width * g->dilation_x;
    const ptrdiff_t distance = (ptrdiff_t)((dy * g->input_width + dx) * g->input_step);
    for (size_t i = 0; i < 8 * b->vectors; i++) {
        const bool inside = (size_t)b->y[i] + dy < g->input_height && (size_t)b->x[i] + dx < g->input_width; // above and left wrap
        b->pixels[i] = inside ? b->image + (b->start[i] + distance) : NULL;
    }
}

// The planes of one chunk and group.
static void gather_chunk(const struct qconvolution *c, const struct view *v, struct block *b, size_t group, size_t chunk, uint8_t *planes) {
    const uint8_t *pixels[PLANE_PIXELS];
    for (size_t p = chunk * v->chunk, last = end_of_chunk(v, chunk); p < last;) {
        const size_t tap = p / v->planes, at = p % v->planes;
        if (tap != b->tap) begin_tap(c, v, b, tap);
        for (size_t i = 0; i < 8 * b->vectors; i++)
            pixels[i] = b->pixels[i] ? b->pixels[i] + (group * v->inputs + 4 * at) : b->padding;
        const size_t count = v->planes - at < last - p ? v->planes - at : last - p;
        const size_t left = v->rows ? 4 * (v->planes - at) : v->inputs - 4 * at; // copied rows have no end to respect
        c->binned->gather(pixels, b->vectors, 4 * count < left ? 4 * count : left, planes);
        planes += count * PLANE_BYTES;
        p += count;
    }
}

static void run_block(const struct qconvolution *c, const struct view *v, struct block *b, size_t pixels, const uint8_t *residual,
                      void *output, uint8_t *planes, int32_t *sums) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t element = c->requantization.float_output ? sizeof(float) : 1;
    const uint8_t *bins = c->weights;
    for (size_t group = 0; group < v->groups; group++)
        for (size_t chunk = 0; chunk < v->chunks; chunk++) {
            gather_chunk(c, v, b, group, chunk, planes);
            const size_t first = group * v->outputs;
            if (chunk + 1 < v->chunks) {
                bins = c->binned->accumulate(bins, planes, b->vectors, v->outputs, chunk == 0 ? c->bias + first : NULL, sums);
                continue;
            }
            for (size_t o = 0; o < v->outputs; o += 8) {
                const size_t outputs = v->outputs - o < 8 ? v->outputs - o : 8, channel = first + o;
                int32_t *const those = v->chunks == 1 ? sums : sums + o * PLANE_PIXELS;
                bins = c->binned->accumulate(bins, planes, b->vectors, outputs, v->chunks == 1 ? c->bias + channel : NULL, those);
                c->binned->store(those, outputs, pixels, c->multipliers + channel, &c->requantization, residual ? residual + channel : NULL,
                                 g->residual_step, (uint8_t *)output + channel * element, g->output_step);
            }
        }
}

void binned_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                const struct qconvolution_part *part) {
    const struct convolution_geometry *g = &c->geometry;
    const struct view v = view_of(c);
    const size_t element = c->requantization.float_output ? sizeof(float) : 1;
    uint8_t *const planes = scratch;
    int32_t *const sums = (int32_t *)(planes + v.chunk * PLANE_BYTES);
    uint8_t *const padding = (uint8_t *)sums + sums_bytes(&v), *const rows = padding + round_up(v.inputs, 64);
    memset(padding, c->input_zero_point, v.inputs);
    struct block b = {.padding = padding};
    const size_t last = part->last_row * g->output_width;
    for (size_t first = part->first_row * g->output_width; first < last;) {
        // As many blocks as need be, of about the same size.
        const size_t vectors = (last - first + 7) / 8, blocks = (8 * vectors + PLANE_PIXELS - 1) / PLANE_PIXELS;
        size_t pixels = (vectors + blocks - 1) / blocks * 8;
        if (pixels > last - first) pixels = last - first;
        begin_block(c, &v, &b, input, first, pixels, rows);
        uint8_t *const to = (uint8_t *)output + first * g->output_step * element;
        run_block(c, &v, &b, pixels, residual ? residual + first * g->residual_step : NULL, to, planes, sums);
        if (c->table) apply_table(c, to, pixels, part);
        first += pixels;
    }
}
