// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution reads its input where it lies. For kernels that don't pad by themselves, the columns of windows that reach over a
// side border are copied with their padding.
#include "convolution.h"
#include <string.h>

// Output pixels [first, last) of every row are computed where they lie: their windows are inside the image from side to side, and
// these aren't too narrow to be worth a run of their own. The copies of the windows to the left and to the right of them are `left` and
// `right` columns wide.
enum { FEWEST_COLUMNS = 16 };
struct borders {
    size_t first, last, left, right;
};

static size_t columns_of(const struct convolution_geometry *g, size_t pixels) {
    return pixels ? (pixels - 1) * g->stride_x + (g->kernel_width - 1) * g->dilation_x + 1 : 0;
}

static struct borders borders_of(const struct convolution_geometry *g) {
    const size_t extent = (g->kernel_width - 1) * g->dilation_x + 1;
    struct borders b = {.first = (g->pad_left + g->stride_x - 1) / g->stride_x};
    b.last = g->input_width + g->pad_left >= extent ? (g->input_width + g->pad_left - extent) / g->stride_x + 1 : 0;
    if (b.last > g->output_width) b.last = g->output_width;
    const bool few = b.first >= b.last || columns_of(g, b.last - b.first) < FEWEST_COLUMNS;
    if (few && !(b.first == 0 && b.last == g->output_width)) b.first = b.last = g->output_width;
    b.left = columns_of(g, b.first);
    b.right = columns_of(g, g->output_width - b.last);
    return b;
}

static bool pads(const struct qconvolution *c) { return c->depthwise->flags & DEPTHWISE_PADS; }

static bool has_units(const struct qconvolution *c) { return c->depthwise->flags & DEPTHWISE_UNITS; }

// Pointers to the rows of a window, those that the kernel is given and those of the image, and the steps along them.
static size_t pointer_bytes(const struct qconvolution *c) {
    return round_up(c->geometry.kernel_height * (2 * sizeof(void *) + sizeof(size_t)), 64);
}

// One row of the padding.
static size_t padding_bytes(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    return pads(c) ? g->input_channels : g->input_width * g->input_step;
}

size_t depthwise_padded_outputs(const struct qconvolution *c) {
    return round_up(c->geometry.output_channels, (size_t)c->depthwise->block);
}

size_t depthwise_weight_bytes(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t group = (size_t)c->depthwise->group;
    const size_t taps = has_units(c) ? depthwise_unit_count(g->kernel_width, group) * group : g->kernel_width * round_up(g->kernel_height, group);
    return depthwise_padded_outputs(c) * taps * (size_t)c->depthwise->weight_size;
}

size_t depthwise_scratch_bytes(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    const struct borders b = borders_of(g);
    const size_t columns = pads(c) ? 0 : (b.left > b.right ? b.left : b.right) * g->kernel_height;
    return pointer_bytes(c) + padding_bytes(c) + columns * g->input_channels;
}

struct depthwise_span depthwise_span(size_t channels, size_t block, size_t index) {
    const size_t first = block * index, count = channels - first < block ? channels - first : block;
    if (first > 0 && count > block / 2 && count < block) return (struct depthwise_span){channels - block, block};
    return (struct depthwise_span){first, count};
}

size_t depthwise_unit_count(size_t size, size_t group) {
    return size == 3 && group == 4 ? 3 : size / group * size + group * ((size + group - 1) / group);
}

size_t depthwise_unit_run(size_t size, size_t group) { return size == 5 && group == 2 ? 8 : 16; }

int depthwise_tap(size_t size, size_t group, size_t unit, size_t place, bool odd) {
    if (size == 3 && group == 4) return place < 2 ? (int)(3 * unit + place) : (place == 3) == odd ? (int)(3 * unit + 2) : -1;
    const size_t whole = size / group * size, units = (size + group - 1) / group;
    if (unit < whole) return (int)(unit % size * size + unit / size * group + place);
    const size_t first = (unit - whole) / units, x = (unit - whole) % units * group + place;
    return x >= first && x < first + size ? (int)((x - first) * size + size - 1) : -1;
}

size_t depthwise_channel(const struct qconvolution *c, size_t position) {
    const size_t channels = c->geometry.output_channels, block = (size_t)c->depthwise->block;
    if (has_units(c)) {
        const size_t run = depthwise_unit_run(c->geometry.kernel_width, (size_t)c->depthwise->group);
        const size_t channel = position / run * run + 2 * (position % (run / 2)) + position % run / (run / 2);
        return channel < channels ? channel : channels;
    }
    if (!(c->depthwise->flags & DEPTHWISE_LANES)) return position < channels ? position : channels;
    const struct depthwise_span span = depthwise_span(channels, block, position / block);
    const size_t lanes = block / 16, group = position % block / 4; // of four channels of a lane
    size_t channel = 16 * (group % lanes) + 4 * (group / lanes) + position % 4;
    for (size_t half = block / 2; half >= 16 && span.count <= half; half /= 2) channel %= half;
    return channel < span.count ? span.first + channel : channels;
}

static void pack_units(const struct qconvolution *c, const int8_t *weights, int8_t *packed) {
    const size_t size = c->geometry.kernel_width, block = (size_t)c->depthwise->block, group = (size_t)c->depthwise->group;
    const size_t units = depthwise_unit_count(size, group);
    for (size_t p = 0; p < depthwise_padded_outputs(c); p++) {
        const size_t o = depthwise_channel(c, p);
        if (o == c->geometry.output_channels) continue;
        for (size_t i = 0; i < units * group; i++) {
            const int tap = depthwise_tap(size, group, i / group, i % group, o % 2);
            if (tap < 0) continue;
            const size_t y = (size_t)tap % size, x = (size_t)tap / size;
            packed[((p / block * units + i / group) * block + p % block) * group + i % group] = weights[o * size * size + y * size + x];
        }
    }
}

void depthwise_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t taps = g->kernel_height * g->kernel_width;
    const size_t block = (size_t)c->depthwise->block, group = (size_t)c->depthwise->group;
    const size_t groups = (g->kernel_height + group - 1) / group;
    memset(packed, 0, depthwise_weight_bytes(c));
    if (has_units(c)) {
        pack_units(c, weights, packed);
        return;
    }
    for (size_t p = 0; p < depthwise_padded_outputs(c); p++) {
        const size_t o = depthwise_channel(c, p);
        if (o == g->output_channels) continue;
        for (size_t y = 0; y < g->kernel_height; y++)
            for (size_t x = 0; x < g->kernel_width; x++) {
                const size_t row = (p / block * g->kernel_width + x) * groups + y / group;
                const size_t index = (row * block + p % block) * group + y % group;
                const int8_t weight = weights[o * taps + y * g->kernel_width + x];
                if (c->depthwise->weight_size == 2)
                    ((int16_t *)packed)[index] = weight;
                else
                    ((int8_t *)packed)[index] = weight;
            }
    }
}

// Output pixels [first, last) of row y, by way of a copy of their columns that has the padding in it.
static void run_depthwise_border(const struct qconvolution *c, struct qdepthwise_run run, const uint8_t **rows, const uint8_t *const *lines,
                                 uint8_t *copy, size_t first, size_t last) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t channels = g->input_channels, columns = columns_of(g, last - first);
    const ptrdiff_t start = (ptrdiff_t)(first * g->stride_x) - (ptrdiff_t)g->pad_left;
    for (size_t ky = 0; ky < g->kernel_height; ky++) {
        rows[ky] = copy;
        for (size_t i = 0; i < columns; i++, copy += channels) {
            const ptrdiff_t x = start + (ptrdiff_t)i;
            if (x < 0 || x >= (ptrdiff_t)g->input_width)
                memset(copy, c->input_zero_point, channels);
            else
                memcpy(copy, lines[ky] + (size_t)x * g->input_step, channels);
        }
    }
    run.pixel_step = g->stride_x * channels;
    run.tap_step = g->dilation_x * channels;
    run.pixels = last - first;
    c->depthwise->run(&run);
}

// All pixels of row y, whose windows read `lines`.
static void run_depthwise_row(const struct qconvolution *c, struct qdepthwise_run run, const uint8_t **rows, const uint8_t *const *lines,
                              uint8_t *copy, const struct borders *b) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t element = c->requantization.float_output ? sizeof(float) : 1;
    const size_t limits[] = {0, b->first, b->last, g->output_width};
    uint8_t *const output = run.output;
    const uint8_t *const residual = run.residual;
    for (size_t part = 0; part < 3; part++) {
        const size_t first = limits[part], last = limits[part + 1];
        if (first == last) continue;
        run.output = output + first * g->output_step * element;
        run.residual = residual ? residual + first * g->residual_step : NULL;
        if (part != 1) {
            run_depthwise_border(c, run, rows, lines, copy, first, last);
            continue;
        }
        for (size_t ky = 0; ky < g->kernel_height; ky++) rows[ky] = lines[ky] + (first * g->stride_x - g->pad_left) * g->input_step;
        run.pixels = last - first;
        c->depthwise->run(&run);
    }
}

void depthwise_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                   const struct qconvolution_part *part) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t element = c->requantization.float_output ? sizeof(float) : 1;
    const struct borders b = borders_of(g);
    const uint8_t **rows = scratch, **lines = rows + g->kernel_height;
    size_t *row_steps = (size_t *)(lines + g->kernel_height);
    uint8_t *padding = (uint8_t *)scratch + pointer_bytes(c), *copy = padding + padding_bytes(c);
    memset(padding, c->input_zero_point, padding_bytes(c));
    struct qdepthwise_run run = {
        .rows = pads(c) ? lines : rows,
        .kernel_height = g->kernel_height,
        .kernel_width = g->kernel_width,
        .channels = g->input_channels,
        .pixels = g->output_width,
        .pixel_step = g->stride_x * g->input_step,
        .tap_step = g->dilation_x * g->input_step,
        .row_steps = row_steps,
        .input_width = g->input_width,
        .pad_left = g->pad_left,
        .stride_x = g->stride_x,
        .dilation_x = g->dilation_x,
        .padding = c->input_zero_point,
        .weights = c->weights,
        .bias = c->bias,
        .multipliers = c->multipliers,
        .requantization = &c->requantization,
        .output_step = g->output_step,
        .residual_step = g->residual_step,
    };
    // Where pixels are their own windows, all rows are one.
    const size_t joined = pads(c) && is_pointwise(g) ? part->last_row - part->first_row : 1;
    run.pixels *= joined;
    run.input_width *= joined;
    for (size_t y = part->first_row; y < part->last_row; y += joined) {
        for (size_t ky = 0; ky < g->kernel_height; ky++) {
            const ptrdiff_t iy = (ptrdiff_t)(y * g->stride_y + ky * g->dilation_y) - (ptrdiff_t)g->pad_top;
            const bool inside = iy >= 0 && iy < (ptrdiff_t)g->input_height;
            lines[ky] = inside ? input + (size_t)iy * g->input_width * g->input_step : padding;
            row_steps[ky] = inside ? g->input_step : 0;
        }
        const size_t at = y * g->output_width;
        run.output = (uint8_t *)output + at * g->output_step * element;
        run.residual = residual ? residual + at * g->residual_step : NULL;
        if (pads(c))
            c->depthwise->run(&run);
        else
            run_depthwise_row(c, run, rows, lines, copy, &b);
        if (c->table) apply_table(c, run.output, run.pixels, part);
    }
}
