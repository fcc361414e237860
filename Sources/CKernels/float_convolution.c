// SPDX-License-Identifier: Apache-2.0
// Implicit GEMM: no matrix of windows. What a window needs of one input row is one segment of depth: it lies in the image, or, where
// the image is padded from side to side, in a padded copy of the rows that a strip of output rows needs. Strips are so small that
// they stay in cache while all panels of weights run over them.
#include "float_driver.h"
#include <math.h>
#include <string.h>

// Aims for the input of a strip: it stays in the first-level cache where the weights stay in the second, or else in the second.
enum { CACHED_WEIGHT_BYTES = 384 * 1024, SMALL_STRIP_BYTES = 24 * 1024, LARGE_STRIP_BYTES = 320 * 1024 };
// Tiles need that many pixels to run at full speed.
enum { FEWEST_STRIP_PIXELS = 48 };
enum { CACHE_LINE = 64 };

size_t fconvolution_round_up(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// A window whose columns don't follow one another in memory has one segment a tap; others have one a row.
static bool has_segment_rows(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    return g->kernel_width == 1 || (g->groups == 1 && g->dilation_x == 1 && (pads_sideways(g) || g->input_step == g->input_channels));
}

bool pads_sideways(const struct convolution_geometry *g) {
    return g->pad_left > 0 || (g->output_width - 1) * g->stride_x + (g->kernel_width - 1) * g->dilation_x >= g->input_width;
}

static bool pads_vertically(const struct convolution_geometry *g) {
    return g->pad_top > 0 || (g->output_height - 1) * g->stride_y + (g->kernel_height - 1) * g->dilation_y >= g->input_height;
}

// The image is one long row of pixels.
static bool is_flat(const struct convolution_geometry *g) {
    return g->kernel_height == 1 && g->kernel_width == 1 && g->stride_y == 1 && g->stride_x == 1 && g->pad_top == 0 && g->pad_left == 0
        && g->output_height == g->input_height && g->output_width == g->input_width;
}

static size_t padded_width(const struct convolution_geometry *g) {
    return (g->output_width - 1) * g->stride_x + (g->kernel_width - 1) * g->dilation_x + 1;
}

// Input rows that `rows` output rows need.
static size_t input_rows(const struct convolution_geometry *g, size_t rows) {
    return (rows - 1) * g->stride_y + (g->kernel_height - 1) * g->dilation_y + 1;
}

static size_t group_inputs(const struct convolution_geometry *g) { return g->input_channels / g->groups; }
static size_t group_outputs(const struct convolution_geometry *g) { return g->output_channels / g->groups; }
static size_t depth(const struct convolution_geometry *g) { return g->kernel_height * g->kernel_width * group_inputs(g); }
static size_t padded_outputs(const struct convolution_geometry *g) { return fconvolution_round_up(group_outputs(g), FLOAT_PANEL); }

static bool is_depthwise(const struct convolution_geometry *g) { return g->groups == g->input_channels && g->output_channels == g->groups; }

enum fconvolution_method fconvolution_choose_method(const struct fconvolution *c) {
    return is_depthwise(&c->geometry) ? FCONVOLUTION_DEPTHWISE : fwinograd_pays(c) ? FCONVOLUTION_WINOGRAD : FCONVOLUTION_DIRECT;
}

size_t fconvolution_choose_strip(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    if (c->method == FCONVOLUTION_WINOGRAD) return fwinograd_strip_rows(c);
    if (c->method == FCONVOLUTION_DEPTHWISE) return g->output_height;
    const size_t row_bytes = g->input_width * g->input_channels * sizeof(float);
    const size_t weight_bytes = g->output_channels * depth(g) * sizeof(float);
    const size_t aim = weight_bytes <= CACHED_WEIGHT_BYTES ? SMALL_STRIP_BYTES : LARGE_STRIP_BYTES;
    size_t rows = 1;
    while (rows < g->output_height
           && (rows * g->output_width < FEWEST_STRIP_PIXELS || input_rows(g, rows + 1) * row_bytes <= aim))
        rows++;
    return rows;
}

// Rows that read all weights once are worth dividing into a few parts, but no more.
size_t fconvolution_row_alignment(const struct fconvolution *c) {
    enum { PARTS = 4 };
    const size_t rows = smaller((c->geometry.output_height + PARTS - 1) / PARTS, c->strip_rows);
    if (c->method == FCONVOLUTION_DEPTHWISE) return 1;
    return c->method == FCONVOLUTION_WINOGRAD ? fconvolution_round_up(rows, WINOGRAD_TILE) : rows;
}

size_t fconvolution_bias_count(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    return c->method == FCONVOLUTION_DEPTHWISE ? g->output_channels : g->groups * padded_outputs(g);
}

size_t fconvolution_weight_count(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    if (c->method == FCONVOLUTION_DEPTHWISE) return g->output_channels * depth(g);
    const size_t taps = c->method == FCONVOLUTION_WINOGRAD ? (size_t)WINOGRAD_PRODUCTS : g->kernel_height * g->kernel_width;
    return g->groups * padded_outputs(g) * taps * group_inputs(g);
}

// Pixels that follow one another in memory, as far as all runs have them.
static size_t run_pixels(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    return is_flat(g) ? g->output_height * g->output_width : g->output_width;
}

// Pointers to segments, then a row of zeros, then padded rows.
static size_t segment_count(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    return has_segment_rows(c) ? g->kernel_height : g->kernel_height * g->kernel_width;
}
static size_t pointer_bytes(const struct fconvolution *c) {
    return fconvolution_round_up((segment_count(c) + input_rows(&c->geometry, c->strip_rows)) * sizeof(float *), CACHE_LINE);
}
static size_t row_step(const struct fconvolution *c) { // elements
    const struct convolution_geometry *g = &c->geometry;
    return pads_sideways(g) ? padded_width(g) * g->input_channels : g->input_width * g->input_step;
}

size_t fconvolution_scratch_bytes(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    if (c->method == FCONVOLUTION_WINOGRAD) return fwinograd_scratch_bytes(c);
    if (c->method == FCONVOLUTION_DEPTHWISE) return 0;
    const size_t zeros = pads_vertically(g) ? row_step(c) : 0;
    const size_t copies = pads_sideways(g) ? input_rows(g, c->strip_rows) * row_step(c) : 0;
    return pointer_bytes(c) + (zeros + copies) * sizeof(float);
}

bool fconvolution_takes_o16(const struct fconvolution *c) {
    return c->method == FCONVOLUTION_DIRECT && c->geometry.groups == 1 && !c->kernels->interleaves;
}

void fconvolution_pack_bias(const struct fconvolution *c, const float *bias, float *padded) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t outputs = group_outputs(g), step = c->method == FCONVOLUTION_DEPTHWISE ? outputs : padded_outputs(g);
    memset(padded, 0, fconvolution_bias_count(c) * sizeof *padded);
    for (size_t o = 0; o < g->output_channels && bias; o++) padded[o / outputs * step + o % outputs] = bias[o];
}

void fconvolution_pack_weights(const struct fconvolution *c, const float *weights, enum fconvolution_order order, float *packed) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t inputs = group_inputs(g), outputs = group_outputs(g), taps = g->kernel_height * g->kernel_width;
    if (c->method == FCONVOLUTION_WINOGRAD) {
        fwinograd_pack(c, weights, order, packed);
        return;
    }
    if (c->method == FCONVOLUTION_DEPTHWISE) {
        for (size_t o = 0; o < g->output_channels; o++)
            for (size_t t = 0; t < taps; t++) packed[t * g->output_channels + o] = weights[o * taps + t];
        return;
    }
    // From one output channel, step of depth and tap to the next.
    const bool canonical = order == FCONVOLUTION_CANONICAL;
    const size_t input_step = canonical ? taps : FLOAT_PANEL, tap_step = canonical ? 1 : inputs * FLOAT_PANEL;
    memset(packed, 0, fconvolution_weight_count(c) * sizeof *packed);
    for (size_t o = 0; o < g->output_channels; o++) {
        const float *from = weights + (canonical ? o * inputs * taps : o / FLOAT_PANEL * FLOAT_PANEL * depth(g) + o % FLOAT_PANEL);
        size_t width;
        float *to = packed + o / outputs * padded_outputs(g) * depth(g)
            + fgemm_column(c->kernels, padded_outputs(g), run_pixels(c), depth(g), o % outputs, &width);
        for (size_t t = 0; t < taps; t++)
            for (size_t i = 0; i < inputs; i++) to[(t * inputs + i) * width] = from[t * tap_step + i * input_step];
    }
}

// `pixels` pixels of one row, in tiles that differ by one pixel at most. `tile` describes the first of them, all but m.
void fgemm_row(const struct float_kernels *kernels, const struct fgemm_tile *row, size_t pixels, const struct activation_function *f) {
    const size_t most = kernels->pixels[row->panels], tiles = (pixels + most - 1) / most;
    struct fgemm_tile tile = *row;
    size_t first = 0;
    for (size_t i = 0; i < tiles; i++) {
        const size_t last = pixels * (i + 1) / tiles;
        tile.m = last - first;
        kernels->gemm(&tile);
        if (f) kernels->activate(f, tile.m, tile.n, tile.output, tile.output_step);
        tile.a_first += tile.m * tile.a_step;
        tile.output += tile.m * tile.output_step;
        if (tile.residual) tile.residual += tile.m * tile.residual_step;
        first = last;
    }
}

// Sums in the smallest tile of a run of `pixels`: as many as can be in flight.
static size_t sums_in_flight(const struct float_kernels *kernels, size_t panels, size_t pixels) {
    const size_t most = kernels->pixels[panels];
    return most ? pixels / ((pixels + most - 1) / most) * panels * kernels->vectors : 0;
}

// Two panels if that takes no pixels from a tile, and three where that leaves no single one over, which loads more than it multiplies;
// more where tiles have so few pixels that multiplications would wait for one another.
size_t fgemm_panels(const struct float_kernels *kernels, size_t left, size_t pixels) {
    enum { ENOUGH_SUMS = 10 };
    size_t best = left >= 2 && kernels->pixels[2] >= kernels->pixels[1] ? 2 : 1;
    if (left >= 3 && left % 2 == 1 && kernels->pixels[3]) best = 3;
    size_t sums = sums_in_flight(kernels, best, pixels);
    for (size_t panels = best + 1; panels <= 4 && panels <= left && sums < ENOUGH_SUMS; panels++)
        if (sums_in_flight(kernels, panels, pixels) > sums) {
            best = panels;
            sums = sums_in_flight(kernels, panels, pixels);
        }
    return best;
}

size_t fgemm_column(const struct float_kernels *kernels, size_t outputs, size_t pixels, size_t depth, size_t column, size_t *width) {
    size_t panel = 0, panels = 1;
    for (;; panel += panels) {
        if (kernels->interleaves) panels = fgemm_panels(kernels, outputs / FLOAT_PANEL - panel, pixels);
        if (column < (panel + panels) * FLOAT_PANEL) {
            *width = panels * FLOAT_PANEL;
            return panel * FLOAT_PANEL * depth + column - panel * FLOAT_PANEL;
        }
    }
}

// The activation that tiles don't do in their clamp.
const struct activation_function *fconvolution_limits(const struct fconvolution *c, float *low, float *high) {
    const bool clamps = c->activation.kind == ACTIVATION_CLAMP;
    *low = clamps ? c->activation.p : -INFINITY;
    *high = clamps ? c->activation.q : INFINITY;
    return clamps ? NULL : &c->activation;
}

// The input rows of a strip, from `top` on: in place, or copied with their padding.
static void prepare_rows(const struct fconvolution *c, const float *input, ptrdiff_t top, size_t count, const float **rows, float *memory) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t step = row_step(c), channels = g->input_channels;
    float *zeros = memory;
    if (pads_vertically(g)) {
        memset(zeros, 0, step * sizeof *zeros);
        memory += step;
    }
    for (size_t i = 0; i < count; i++) {
        const ptrdiff_t y = top + (ptrdiff_t)i;
        if (y < 0 || y >= (ptrdiff_t)g->input_height) {
            rows[i] = zeros;
            continue;
        }
        const float *from = input + (size_t)y * g->input_width * g->input_step;
        if (!pads_sideways(g)) {
            rows[i] = from;
            continue;
        }
        float *to = memory + i * step;
        rows[i] = to;
        // All windows may lie in the left pad: strides can be longer than the image.
        const size_t left = smaller(g->pad_left, padded_width(g)), inside = smaller(g->input_width, padded_width(g) - left);
        memset(to, 0, left * channels * sizeof *to);
        to += left * channels;
        if (g->input_step == channels)
            memcpy(to, from, inside * channels * sizeof *to);
        else
            for (size_t x = 0; x < inside; x++) memcpy(to + x * channels, from + x * g->input_step, channels * sizeof *to);
        memset(to + inside * channels, 0, (padded_width(g) - left - inside) * channels * sizeof *to);
    }
}

static void run_direct(const struct fconvolution *c, const float *input, const float *residual, float *output, void *scratch,
                       const struct fconvolution_part *part) {
    const struct convolution_geometry *g = &c->geometry;
    const bool flat = is_flat(g), by_row = has_segment_rows(c);
    const size_t inputs = group_inputs(g), outputs = group_outputs(g), pixel = pads_sideways(g) ? g->input_channels : g->input_step;
    const float **segments = scratch, **rows = segments + segment_count(c);
    struct fgemm_tile tile = {
        .segments = segments,
        .segment_count = segment_count(c),
        .segment_length = by_row ? g->kernel_width * inputs : inputs,
        .a_step = g->stride_x * pixel,
        .b_step = depth(g) * FLOAT_PANEL,
        .output_step = g->output_step,
        .residual_step = g->residual_step,
    };
    const struct activation_function *f = fconvolution_limits(c, &tile.low, &tile.high);
    for (size_t first = part->first_row; first < part->last_row; first += c->strip_rows) {
        const size_t count = smaller(c->strip_rows, part->last_row - first);
        const size_t pixels = flat ? count * g->output_width : g->output_width;
        if (flat)
            rows[0] = input + first * g->input_width * g->input_step;
        else
            prepare_rows(c, input, (ptrdiff_t)(first * g->stride_y) - (ptrdiff_t)g->pad_top, input_rows(g, count), rows,
                         (float *)((char *)scratch + pointer_bytes(c)));
        for (size_t group = 0; group < g->groups; group++) {
            const size_t panels = padded_outputs(g) / FLOAT_PANEL;
            for (size_t panel = 0; panel < panels; panel += tile.panels) {
                tile.panels = fgemm_panels(c->kernels, panels - panel, run_pixels(c));
                // Tiles are the same however channels are divided: that in which a tile begins computes it.
                const size_t channel = group * outputs + panel * FLOAT_PANEL;
                if (channel < part->first_channel || channel >= part->last_channel) continue;
                tile.b = c->weights + (group * panels + panel) * depth(g) * FLOAT_PANEL;
                tile.bias = c->bias + group * padded_outputs(g) + panel * FLOAT_PANEL;
                tile.n = smaller(outputs - panel * FLOAT_PANEL, tile.panels * FLOAT_PANEL);
                for (size_t y = 0; y < (flat ? 1 : count); y++) {
                    for (size_t s = 0; s < tile.segment_count; s++) {
                        const size_t ky = by_row ? s : s / g->kernel_width, kx = by_row ? 0 : s % g->kernel_width;
                        segments[s] = rows[y * g->stride_y + ky * g->dilation_y] + kx * g->dilation_x * pixel + group * inputs;
                    }
                    const size_t at = (first + y) * g->output_width, column = group * outputs + panel * FLOAT_PANEL;
                    tile.output = output + at * g->output_step + column;
                    tile.residual = residual ? residual + at * g->residual_step + column : NULL;
                    fgemm_row(c->kernels, &tile, pixels, f);
                }
            }
        }
    }
}

bool fconvolution_takes_images(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    return c->method == FCONVOLUTION_DIRECT && g->groups == 1 && is_flat(g) && g->output_height * g->output_width == 1;
}

void fconvolution_run_images(const struct fconvolution *c, const float *input, float *output, size_t images) {
    const struct convolution_geometry *g = &c->geometry;
    const float *const segments[] = {input};
    struct fgemm_tile tile = {
        .segments = segments,
        .segment_count = 1,
        .segment_length = g->input_channels,
        .a_step = g->input_channels,
        .b_step = depth(g) * FLOAT_PANEL,
        .output_step = g->output_channels,
    };
    const struct activation_function *f = fconvolution_limits(c, &tile.low, &tile.high);
    // Where panels lie side by side, as many do as one image's tiles have.
    const size_t panels = padded_outputs(g) / FLOAT_PANEL, pixels = c->kernels->interleaves ? run_pixels(c) : images;
    for (size_t panel = 0; panel < panels; panel += tile.panels) {
        tile.panels = fgemm_panels(c->kernels, panels - panel, pixels);
        const size_t channel = panel * FLOAT_PANEL;
        tile.b = c->weights + channel * depth(g);
        tile.bias = c->bias + channel;
        tile.n = smaller(g->output_channels - channel, tile.panels * FLOAT_PANEL);
        tile.output = output + channel;
        fgemm_row(c->kernels, &tile, images, f);
    }
}

size_t fconvolution_channel_alignment(const struct fconvolution *c) {
    return c->method == FCONVOLUTION_DIRECT && c->geometry.groups == 1 ? FLOAT_PANEL : 0;
}

void fconvolution_run(const struct fconvolution *c, const float *input, const float *residual, float *output, void *scratch,
                      const struct fconvolution_part *part) {
    switch (c->method) {
    case FCONVOLUTION_DIRECT: run_direct(c, input, residual, output, scratch, part); break;
    case FCONVOLUTION_DEPTHWISE: fdepthwise_run_rows(c, input, residual, output, part->first_row, part->last_row); break;
    case FCONVOLUTION_WINOGRAD: fwinograd_run(c, input, residual, output, scratch, part->first_row, part->last_row); break;
    }
}
