// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution reads its input where it lies, except for windows that reach over a side border: those columns are copied
// with their padding.
#include "convolution.h"
#include <string.h>

// Output pixels [first, last) of every row are computed where they lie: their windows are inside the image from side to side, and
// they aren't too few. The copies of the windows to the left and to the right of them are `left` and `right` columns wide.
enum { FEWEST_PIXELS = 8 };
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
    const bool few = b.first >= b.last || b.last - b.first < FEWEST_PIXELS;
    if (few && !(b.first == 0 && b.last == g->output_width)) b.first = b.last = g->output_width;
    b.left = columns_of(g, b.first);
    b.right = columns_of(g, g->output_width - b.last);
    return b;
}

size_t depthwise_padded_outputs(const struct qconvolution *c) {
    return round_up(c->geometry.output_channels, (size_t)c->depthwise->block);
}

size_t depthwise_weight_bytes(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t taps = g->kernel_width * round_up(g->kernel_height, (size_t)c->depthwise->group);
    return depthwise_padded_outputs(c) * taps * (size_t)c->depthwise->weight_size;
}

size_t depthwise_scratch_bytes(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    const struct borders b = borders_of(g);
    return round_up(2 * g->kernel_height * sizeof(void *), 64)
        + (g->input_width * g->input_step + (b.left > b.right ? b.left : b.right) * g->kernel_height * g->input_channels);
}

void depthwise_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t taps = g->kernel_height * g->kernel_width;
    const size_t block = (size_t)c->depthwise->block, group = (size_t)c->depthwise->group;
    const size_t groups = (g->kernel_height + group - 1) / group;
    memset(packed, 0, depthwise_weight_bytes(c));
    for (size_t o = 0; o < g->output_channels; o++)
        for (size_t y = 0; y < g->kernel_height; y++)
            for (size_t x = 0; x < g->kernel_width; x++) {
                const size_t row = (o / block * g->kernel_width + x) * groups + y / group;
                const size_t index = (row * block + o % block) * group + y % group;
                const int8_t weight = weights[o * taps + y * g->kernel_width + x];
                if (c->depthwise->weight_size == 2)
                    ((int16_t *)packed)[index] = weight;
                else
                    ((int8_t *)packed)[index] = weight;
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

void depthwise_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                   size_t first_row, size_t last_row) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t element = c->requantization.float_output ? sizeof(float) : 1;
    const struct borders b = borders_of(g);
    const uint8_t **rows = scratch, **lines = rows + g->kernel_height;
    uint8_t *padding = (uint8_t *)scratch + round_up(2 * g->kernel_height * sizeof(void *), 64);
    uint8_t *copy = padding + g->input_width * g->input_step;
    memset(padding, c->input_zero_point, g->input_width * g->input_step);
    struct qdepthwise_run run = {
        .rows = rows,
        .kernel_height = g->kernel_height,
        .kernel_width = g->kernel_width,
        .channels = g->input_channels,
        .pixel_step = g->stride_x * g->input_step,
        .tap_step = g->dilation_x * g->input_step,
        .weights = c->weights,
        .bias = c->bias,
        .multipliers = c->multipliers,
        .requantization = &c->requantization,
        .output_step = g->output_step,
        .residual_step = g->residual_step,
    };
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t ky = 0; ky < g->kernel_height; ky++) {
            const ptrdiff_t iy = (ptrdiff_t)(y * g->stride_y + ky * g->dilation_y) - (ptrdiff_t)g->pad_top;
            const bool inside = iy >= 0 && iy < (ptrdiff_t)g->input_height;
            lines[ky] = inside ? input + (size_t)iy * g->input_width * g->input_step : padding;
        }
        const size_t limits[] = {0, b.first, b.last, g->output_width};
        for (size_t part = 0; part < 3; part++) {
            const size_t first = limits[part], last = limits[part + 1];
            if (first == last) continue;
            const size_t at = y * g->output_width + first;
            run.output = (uint8_t *)output + at * g->output_step * element;
            run.residual = residual ? residual + at * g->residual_step : NULL;
            if (part != 1) {
                run_depthwise_border(c, run, rows, lines, copy, first, last);
                continue;
            }
            for (size_t ky = 0; ky < g->kernel_height; ky++) rows[ky] = lines[ky] + (first * g->stride_x - g->pad_left) * g->input_step;
            run.pixels = last - first;
            c->depthwise->run(&run);
        }
        if (c->table) apply_table(c, (uint8_t *)output + y * g->output_width * g->output_step, g->output_width);
    }
}

