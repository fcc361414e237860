// SPDX-License-Identifier: Apache-2.0
// Implicit GEMM: the windows of a block of output pixels are packed into a panel that stays in cache, then every block of
// output channels runs over it. Depthwise convolution reads its input where it lies, except for windows that reach over a side
// border: those columns are copied with their padding.
#include "internal.h"
#include <string.h>

// Aim for the bytes of a panel: it is read once for each block of output channels and should stay in the second-level cache.
enum { PANEL_BYTES = 96 * 1024, MAX_BLOCK_PIXELS = 192 };

static size_t round_up(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

static size_t element_size(enum panel panel) { return panel == PANEL_U16 ? 2 : 1; }

static size_t depth(const struct convolution_geometry *g) {
    return g->kernel_height * g->kernel_width * (g->input_channels / g->groups);
}

static size_t panel_stride(const struct qconvolution *c) {
    return round_up(depth(&c->geometry), (size_t)c->gemm->kr) * element_size((enum panel)c->gemm->panel);
}

// The windows are the pixels themselves, one after the other.
static bool is_pointwise(const struct convolution_geometry *g) {
    return g->kernel_height == 1 && g->kernel_width == 1 && g->stride_y == 1 && g->stride_x == 1
        && g->pad_top == 0 && g->pad_left == 0 && g->output_height == g->input_height && g->output_width == g->input_width;
}

static bool reads_in_place(const struct qconvolution *c) {
    return c->gemm->panel == PANEL_U8 && is_pointwise(&c->geometry) && depth(&c->geometry) % (size_t)c->gemm->kr == 0;
}

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

size_t qconvolution_padded_outputs(const struct qconvolution *c) {
    if (c->depthwise) return round_up(c->geometry.output_channels, (size_t)c->depthwise->block);
    return round_up(c->geometry.output_channels / c->geometry.groups, (size_t)c->gemm->nr);
}

size_t qconvolution_weight_bytes(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    if (c->depthwise) {
        const size_t taps = g->kernel_width * round_up(g->kernel_height, (size_t)c->depthwise->group);
        return qconvolution_padded_outputs(c) * taps * (size_t)c->depthwise->weight_size;
    }
    return g->groups * qconvolution_padded_outputs(c) * round_up(depth(g), (size_t)c->gemm->kr);
}

size_t qconvolution_scratch_bytes(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    if (c->depthwise) {
        const struct borders b = borders_of(g);
        return round_up(2 * g->kernel_height * sizeof(void *), 64)
            + (g->input_width + (b.left > b.right ? b.left : b.right) * g->kernel_height) * g->input_channels;
    }
    return reads_in_place(c) ? 0 : c->block_pixels * panel_stride(c);
}

void qconvolution_choose_block(struct qconvolution *c) {
    if (c->depthwise) return;
    const size_t mr = (size_t)c->gemm->mr;
    size_t pixels = PANEL_BYTES / panel_stride(c);
    const size_t all = c->geometry.output_height * c->geometry.output_width;
    if (pixels > MAX_BLOCK_PIXELS) pixels = MAX_BLOCK_PIXELS;
    if (pixels > all) pixels = all;
    c->block_pixels = pixels < mr ? mr : pixels / mr * mr;
}

void qconvolution_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t taps = g->kernel_height * g->kernel_width;
    memset(packed, 0, qconvolution_weight_bytes(c));
    if (c->depthwise) {
        const size_t block = (size_t)c->depthwise->block, group = (size_t)c->depthwise->group;
        const size_t groups = (g->kernel_height + group - 1) / group;
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
        return;
    }
    const size_t inputs = g->input_channels / g->groups, outputs = g->output_channels / g->groups;
    const size_t nr = (size_t)c->gemm->nr, kr = (size_t)c->gemm->kr, padded_depth = round_up(depth(g), kr);
    for (size_t o = 0; o < g->output_channels; o++) {
        const size_t group = o / outputs, column = o % outputs;
        int8_t *block = (int8_t *)packed + (group * qconvolution_padded_outputs(c) + column / nr * nr) * padded_depth;
        for (size_t i = 0; i < inputs; i++)
            for (size_t t = 0; t < taps; t++) {
                const size_t k = t * inputs + i;
                block[(k / kr * nr + column % nr) * kr + k % kr] = weights[(o * inputs + i) * taps + t];
            }
    }
}

void qconvolution_pack_bias(const struct qconvolution *c, const int8_t *weights, const int32_t *bias, const float *multipliers,
                            int32_t *folded, float *padded_multipliers) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t padded = qconvolution_padded_outputs(c), groups = c->depthwise ? 1 : g->groups;
    const size_t outputs = g->output_channels / groups;
    const bool flips = c->depthwise ? c->depthwise->flips : c->gemm->panel == PANEL_S8;
    const int32_t offset = (flips ? 128 : 0) - c->input_zero_point;
    memset(folded, 0, groups * padded * sizeof *folded);
    memset(padded_multipliers, 0, groups * padded * sizeof *padded_multipliers);
    for (size_t o = 0; o < g->output_channels; o++) {
        const size_t count = g->kernel_height * g->kernel_width * (g->input_channels / g->groups);
        const size_t index = o / outputs * padded + o % outputs;
        uint32_t sum = 0;
        for (size_t k = 0; k < count; k++) sum += (uint32_t)(int32_t)weights[o * count + k];
        folded[index] = (int32_t)((uint32_t)(bias ? bias[o] : 0) + (uint32_t)offset * sum);
        padded_multipliers[index] = multipliers[o];
    }
}

static void *append(void *row, enum panel panel, const uint8_t *source, size_t count) {
    switch (panel) {
    case PANEL_U8: memcpy(row, source, count); break;
    case PANEL_S8:
        for (size_t i = 0; i < count; i++) ((uint8_t *)row)[i] = source[i] ^ 0x80;
        break;
    case PANEL_U16:
        for (size_t i = 0; i < count; i++) ((uint16_t *)row)[i] = source[i];
        break;
    }
    return (uint8_t *)row + count * element_size(panel);
}

static void *append_padding(void *row, enum panel panel, uint8_t zero_point, size_t count) {
    if (panel != PANEL_U16) {
        memset(row, panel == PANEL_S8 ? zero_point ^ 0x80 : zero_point, count);
        return (uint8_t *)row + count;
    }
    uint16_t *to = row;
    for (size_t i = 0; i < count; i++) to[i] = zero_point;
    return to + count;
}

// Packs the window of output pixel (y, x) of one group; taps outside the image read as the zero point.
static void pack_window(const struct qconvolution *c, size_t group, const uint8_t *input, size_t y, size_t x, void *row) {
    const struct convolution_geometry *g = &c->geometry;
    const enum panel panel = (enum panel)c->gemm->panel;
    const size_t channels = g->input_channels / g->groups;
    const uint8_t *image = input + group * channels;
    const ptrdiff_t top = (ptrdiff_t)(y * g->stride_y) - (ptrdiff_t)g->pad_top, left = (ptrdiff_t)(x * g->stride_x) - (ptrdiff_t)g->pad_left;
    uint8_t *const end = (uint8_t *)row + panel_stride(c);
    const bool inside = left >= 0 && left + (ptrdiff_t)((g->kernel_width - 1) * g->dilation_x) < (ptrdiff_t)g->input_width;
    const bool contiguous = inside && g->groups == 1 && (g->dilation_x == 1 || g->kernel_width == 1);
    for (size_t ky = 0; ky < g->kernel_height; ky++) {
        const ptrdiff_t iy = top + (ptrdiff_t)(ky * g->dilation_y);
        if (iy < 0 || iy >= (ptrdiff_t)g->input_height) {
            row = append_padding(row, panel, c->input_zero_point, g->kernel_width * channels);
            continue;
        }
        const uint8_t *line = image + (size_t)iy * g->input_width * g->input_channels;
        if (contiguous) {
            row = append(row, panel, line + (size_t)left * g->input_channels, g->kernel_width * channels);
            continue;
        }
        for (size_t kx = 0; kx < g->kernel_width; kx++) {
            const ptrdiff_t ix = left + (ptrdiff_t)(kx * g->dilation_x);
            if (ix < 0 || ix >= (ptrdiff_t)g->input_width)
                row = append_padding(row, panel, c->input_zero_point, channels);
            else
                row = append(row, panel, line + (size_t)ix * g->input_channels, channels);
        }
    }
    for (uint8_t *tail = row; tail < end; tail++) *tail = 0;
}

// Packs the windows of `pixels` output pixels from `first` on.
static void pack_block(const struct qconvolution *c, size_t group, const uint8_t *input, size_t first, size_t pixels, uint8_t *panel) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t stride = panel_stride(c);
    if (is_pointwise(g) && g->groups == 1 && g->input_channels % (size_t)c->gemm->kr == 0) {
        append(panel, (enum panel)c->gemm->panel, input + first * g->input_channels, pixels * g->input_channels);
        return;
    }
    size_t y = first / g->output_width, x = first % g->output_width;
    for (size_t i = 0; i < pixels; i++) {
        pack_window(c, group, input, y, x, panel + i * stride);
        if (++x == g->output_width) x = 0, y++;
    }
}

static void run_gemm(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                     size_t first_pixel, size_t last_pixel) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t inputs = g->input_channels / g->groups, outputs = g->output_channels / g->groups;
    const size_t mr = (size_t)c->gemm->mr, nr = (size_t)c->gemm->nr;
    const size_t padded = qconvolution_padded_outputs(c), padded_depth = round_up(depth(g), (size_t)c->gemm->kr);
    const size_t element = c->requantization.float_output ? sizeof(float) : 1;
    const bool in_place = reads_in_place(c);
    struct qgemm_tile tile = {
        .a_stride = in_place ? g->input_channels : panel_stride(c),
        .blocks = padded_depth / (size_t)c->gemm->kr,
        .requantization = &c->requantization,
        .stride = g->output_channels,
    };
    for (size_t first = first_pixel; first < last_pixel; first += c->block_pixels) {
        const size_t pixels = last_pixel - first < c->block_pixels ? last_pixel - first : c->block_pixels;
        for (size_t group = 0; group < g->groups; group++) {
            const uint8_t *panel = in_place ? input + first * g->input_channels + group * inputs : scratch;
            if (!in_place) pack_block(c, group, input, first, pixels, scratch);
            for (size_t column = 0; column < outputs; column += nr) {
                tile.b = (const int8_t *)c->weights + (group * padded + column) * padded_depth;
                tile.bias = c->bias + group * padded + column;
                tile.multipliers = c->multipliers + group * padded + column;
                tile.n = outputs - column < nr ? outputs - column : nr;
                for (size_t i = 0; i < pixels; i += mr) {
                    const size_t at = (first + i) * g->output_channels + group * outputs + column;
                    tile.a = panel + i * tile.a_stride;
                    tile.m = pixels - i < mr ? pixels - i : mr;
                    tile.output = (uint8_t *)output + at * element;
                    tile.residual = residual ? residual + at : NULL;
                    c->gemm->run(&tile);
                }
            }
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
                memcpy(copy, lines[ky] + (size_t)x * channels, channels);
        }
    }
    run.pixels = last - first;
    c->depthwise->run(&run);
}

static void run_depthwise(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                          size_t first_row, size_t last_row) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t channels = g->input_channels;
    const size_t element = c->requantization.float_output ? sizeof(float) : 1;
    const struct borders b = borders_of(g);
    const uint8_t **rows = scratch, **lines = rows + g->kernel_height;
    uint8_t *padding = (uint8_t *)scratch + round_up(2 * g->kernel_height * sizeof(void *), 64);
    uint8_t *copy = padding + g->input_width * channels;
    memset(padding, c->input_zero_point, g->input_width * channels);
    struct qdepthwise_run run = {
        .rows = rows,
        .kernel_height = g->kernel_height,
        .kernel_width = g->kernel_width,
        .channels = channels,
        .pixel_step = g->stride_x * channels,
        .tap_step = g->dilation_x * channels,
        .weights = c->weights,
        .bias = c->bias,
        .multipliers = c->multipliers,
        .requantization = &c->requantization,
    };
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t ky = 0; ky < g->kernel_height; ky++) {
            const ptrdiff_t iy = (ptrdiff_t)(y * g->stride_y + ky * g->dilation_y) - (ptrdiff_t)g->pad_top;
            const bool inside = iy >= 0 && iy < (ptrdiff_t)g->input_height;
            lines[ky] = inside ? input + (size_t)iy * g->input_width * channels : padding;
        }
        const size_t limits[] = {0, b.first, b.last, g->output_width};
        for (size_t part = 0; part < 3; part++) {
            const size_t first = limits[part], last = limits[part + 1];
            if (first == last) continue;
            const size_t at = (y * g->output_width + first) * channels;
            run.output = (uint8_t *)output + at * element;
            run.residual = residual ? residual + at : NULL;
            if (part != 1) {
                run_depthwise_border(c, run, rows, lines, copy, first, last);
                continue;
            }
            for (size_t ky = 0; ky < g->kernel_height; ky++) rows[ky] = lines[ky] + (first * g->stride_x - g->pad_left) * channels;
            run.pixels = last - first;
            c->depthwise->run(&run);
        }
    }
}

void qconvolution_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                      size_t first_row, size_t last_row) {
    if (c->depthwise)
        run_depthwise(c, input, residual, output, scratch, first_row, last_row);
    else
        run_gemm(c, input, residual, output, scratch, first_row * c->geometry.output_width, last_row * c->geometry.output_width);
}
