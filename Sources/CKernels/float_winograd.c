// SPDX-License-Identifier: Apache-2.0
// Winograd's F(4x4, 3x3) for 3x3 windows with stride 1: 36 products instead of 144. A strip of tiles is transformed to 36 matrices,
// one a frequency; each is multiplied by its weights; the products are transformed back.
//
// Error: with u = 2^-24, element by element, U = |G| |w| |G|^T and V = |B|^T |d| |B|, an output of a layer with C input channels is
// within (C + 18) u (|A|^T (sum over C of U V) |A| + |bias| + |residual|) of the exact one. Each transform is two passes of at most three
// roundings, 12 together; a weight is rounded once, the sum over C at most C + 1 times, then bias and residual are added; two cover
// the terms of second order.
#include "float_driver.h"
#include <math.h>
#include <string.h>

enum { STRIP_BYTES = 640 * 1024, FEWEST_TILES = 12, FREQUENCY_GAP = 16 };

static size_t tiles_of(size_t size) { return (size + WINOGRAD_TILE - 1) / WINOGRAD_TILE; }
static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Elements from one frequency to the next, of n channels; the gap keeps 36 of them from meeting in one set of the cache.
static size_t frequency_step(size_t tiles, size_t n) { return tiles * n + FREQUENCY_GAP; }

bool fconvolution_suits_winograd(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    return g->kernel_height == 3 && g->kernel_width == 3 && g->stride_y == 1 && g->stride_x == 1 && g->dilation_y == 1
        && g->dilation_x == 1 && g->groups == 1 && g->input_channels % FLOAT_PANEL == 0 && g->output_channels % FLOAT_PANEL == 0;
}

// Of few tiles the weights, four times as many as the direct method's, cost more to fetch than the products save, except where they are in a cache.
bool fwinograd_pays(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t tiles = tiles_of(g->output_height) * tiles_of(g->output_width);
    return fconvolution_suits_winograd(c) && g->input_channels >= 16 && g->output_channels >= 32 && tiles >= 9;
}

size_t fwinograd_strip_rows(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t across = tiles_of(g->output_width), down = tiles_of(g->output_height);
    const size_t bytes = WINOGRAD_PRODUCTS * across * (g->input_channels + g->output_channels) * sizeof(float);
    size_t rows = 1;
    while (rows < down && (rows * across < FEWEST_TILES || (rows + 1) * bytes <= STRIP_BYTES)) rows++;
    return rows * WINOGRAD_TILE;
}

static size_t strip_tiles(const struct fconvolution *c) { return tiles_of(c->strip_rows) * tiles_of(c->geometry.output_width); }

// A pixel of zeros, then the two sets of 36 matrices.
size_t fwinograd_scratch_bytes(const struct fconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t tiles = strip_tiles(c);
    return (g->input_channels
            + WINOGRAD_PRODUCTS * (frequency_step(tiles, g->input_channels) + frequency_step(tiles, g->output_channels)))
        * sizeof(float);
}

// packed: 36 times the weights of a product with depth c, G w G^T, computed in double.
void fwinograd_pack(const struct fconvolution *c, const float *weights, enum fconvolution_order order, float *packed) {
    static const double transform[WINOGRAD_INPUT][3] = {
        {1.0 / 4, 0, 0},           {-1.0 / 6, -1.0 / 6, -1.0 / 6},  {-1.0 / 6, 1.0 / 6, -1.0 / 6},
        {1.0 / 24, 1.0 / 12, 1.0 / 6}, {1.0 / 24, -1.0 / 12, 1.0 / 6}, {0, 0, 1},
    };
    enum { TAPS = 9 };
    const size_t inputs = c->geometry.input_channels, outputs = c->geometry.output_channels;
    const bool canonical = order == FCONVOLUTION_CANONICAL;
    const size_t output_step = canonical ? inputs * TAPS : 1, input_step = canonical ? TAPS : FLOAT_PANEL;
    const size_t tap_step = canonical ? 1 : inputs * FLOAT_PANEL;
    for (size_t panel = 0; panel < outputs / FLOAT_PANEL; panel++) {
        size_t width;
        const size_t column = fgemm_column(c->kernels, outputs, strip_tiles(c), inputs, panel * FLOAT_PANEL, &width);
        for (size_t i = 0; i < inputs; i++) {
            const float *from = weights + panel * FLOAT_PANEL * inputs * TAPS + i * input_step;
            float *to = packed + column + i * width;
            double half[WINOGRAD_INPUT * 3][FLOAT_PANEL];
            for (size_t f = 0; f < WINOGRAD_INPUT * 3; f++)
                for (size_t o = 0; o < FLOAT_PANEL; o++) {
                    const float *w = from + f % 3 * tap_step + o * output_step;
                    const double *row = transform[f / 3];
                    half[f][o] = row[0] * (double)w[0] + row[1] * (double)w[3 * tap_step] + row[2] * (double)w[6 * tap_step];
                }
            for (size_t f = 0; f < WINOGRAD_PRODUCTS; f++)
                for (size_t o = 0; o < FLOAT_PANEL; o++) {
                    const double *row = transform[f % WINOGRAD_INPUT];
                    const size_t y = f / WINOGRAD_INPUT * 3;
                    to[f * inputs * outputs + o] = (float)(half[y][o] * row[0] + half[y + 1][o] * row[1] + half[y + 2][o] * row[2]);
                }
        }
    }
}

static void transform_input(const struct fconvolution *c, const float *input, const float *zeros, float *transformed, size_t step,
                            size_t row, size_t column) {
    const struct convolution_geometry *g = &c->geometry;
    const float *pixels[WINOGRAD_PRODUCTS];
    for (size_t i = 0; i < WINOGRAD_PRODUCTS; i++) {
        const ptrdiff_t y = (ptrdiff_t)(row + i / WINOGRAD_INPUT) - (ptrdiff_t)g->pad_top;
        const ptrdiff_t x = (ptrdiff_t)(column + i % WINOGRAD_INPUT) - (ptrdiff_t)g->pad_left;
        const bool inside = y >= 0 && y < (ptrdiff_t)g->input_height && x >= 0 && x < (ptrdiff_t)g->input_width;
        pixels[i] = inside ? input + ((size_t)y * g->input_width + (size_t)x) * c->geometry.input_step : zeros;
    }
    c->kernels->winograd_input(pixels, g->input_channels, transformed, step);
}

static void multiply(const struct fconvolution *c, const float *transformed, size_t step, float *products, size_t product_step,
                     size_t tiles) {
    static const float no_bias[4 * FLOAT_PANEL];
    const size_t inputs = c->geometry.input_channels, outputs = c->geometry.output_channels, panels = outputs / FLOAT_PANEL;
    struct fgemm_tile tile = {
        .segments = &transformed, .segment_count = 1, .segment_length = inputs, .a_step = inputs, .b_step = inputs * FLOAT_PANEL,
        .bias = no_bias, .output_step = outputs, .low = -INFINITY, .high = INFINITY,
    };
    for (size_t f = 0; f < WINOGRAD_PRODUCTS; f++)
        for (size_t panel = 0; panel < panels; panel += tile.panels) {
            tile.panels = fgemm_panels(c->kernels, panels - panel, strip_tiles(c));
            tile.n = tile.panels * FLOAT_PANEL;
            tile.a_first = f * step;
            tile.b = c->weights + (f * panels + panel) * inputs * FLOAT_PANEL;
            tile.output = products + f * product_step + panel * FLOAT_PANEL;
            fgemm_row(c->kernels, &tile, tiles, NULL);
        }
}

void fwinograd_run(const struct fconvolution *c, const float *input, const float *residual, float *output, void *scratch,
                   size_t first_row, size_t last_row) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t across = tiles_of(g->output_width), most = strip_tiles(c);
    const size_t step = frequency_step(most, g->input_channels), product_step = frequency_step(most, g->output_channels);
    float *zeros = scratch, *transformed = zeros + g->input_channels, *products = transformed + WINOGRAD_PRODUCTS * step;
    memset(zeros, 0, g->input_channels * sizeof *zeros);
    struct fwinograd_output tile = {
        .step = product_step,
        .bias = c->bias,
        .row_step = g->output_width * c->geometry.output_step,
        .output_step = c->geometry.output_step,
        .residual_row_step = g->output_width * c->geometry.residual_step,
        .residual_step = c->geometry.residual_step,
        .channels = g->output_channels,
    };
    const struct activation_function *f = fconvolution_limits(c, &tile.low, &tile.high);
    for (size_t first = first_row; first < last_row; first += c->strip_rows) {
        const size_t last = smaller(first + c->strip_rows, last_row), tiles = tiles_of(last - first) * across;
        for (size_t i = 0; i < tiles; i++)
            transform_input(c, input, zeros, transformed + i * g->input_channels, step, first + i / across * WINOGRAD_TILE,
                            i % across * WINOGRAD_TILE);
        multiply(c, transformed, step, products, product_step, tiles);
        for (size_t i = 0; i < tiles; i++) {
            const size_t y = first + i / across * WINOGRAD_TILE, x = i % across * WINOGRAD_TILE, at = y * g->output_width + x;
            tile.products = products + i * g->output_channels;
            tile.output = output + at * c->geometry.output_step;
            tile.residual = residual ? residual + at * c->geometry.residual_step : NULL;
            tile.height = smaller(WINOGRAD_TILE, last - y);
            tile.width = smaller(WINOGRAD_TILE, g->output_width - x);
            c->kernels->winograd_output(&tile);
        }
        if (f)
            c->kernels->activate(f, (last - first) * g->output_width, g->output_channels, output + first * g->output_width * c->geometry.output_step,
                                 c->geometry.output_step);
    }
}
