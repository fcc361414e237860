// SPDX-License-Identifier: Apache-2.0
// Winograd's minimal filtering F(2x2,3x3) (Lavin and Gray 2016, 4.1) in integers: 16 products a channel in place of 36.
//     y = A^T [ (G g G^T) * (B^T d B) ] A
// Everything is exact. Activations of 0 ... 255 give |B^T d B| <= 1020, and 4 G g G^T is whole and at most 9 * 127 = 1143: 16 bits hold
// both. The sum over channels and A^T are taken modulo 2^32 and give 4y, which lies within 31 bits where 255 * 127 * 9 * channels < 2^29;
// dividing it by 4 leaves no rest. The zero point is in the bias, and in the padding.
#include "convolution.h"
#include <string.h>

enum {
    POSITIONS = 16,
    OUTPUTS = 16, // output channels of a panel of weights
    MOST_CHANNELS = ((1 << 29) - 1) / (255 * 127 * 9),
    MOST_TILES = 48,
    TRANSFORMED_BYTES = 128 * 1024, // aim for a block: the panels run over it
    LEAST_TILES = 16,               // but the weights, which are read once a block, are worth that many
};

struct view {
    size_t channels, pairs; // of the input, in whole vectors; pairs of them that count
    size_t panels;
    size_t tiles; // of a block, at most
    size_t transformed_step, product_step; // elements from position to position
};

// Positions are written and read side by side: an odd number of cache lines apart, they don't share sets.
static size_t odd_lines(size_t bytes) { return (round_up(bytes, 64) / 64 | 1) * 64; }

static struct view view_of(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    struct view v = {
        .channels = round_up(g->input_channels, 16),
        .pairs = (g->input_channels + 1) / 2,
        .panels = (g->output_channels + OUTPUTS - 1) / OUTPUTS,
    };
    const size_t fits = TRANSFORMED_BYTES / (POSITIONS * v.channels * sizeof(int16_t));
    const size_t all = (g->output_height + 1) / 2 * ((g->output_width + 1) / 2);
    v.tiles = fits < LEAST_TILES ? LEAST_TILES : fits < MOST_TILES ? fits : MOST_TILES;
    if (v.tiles > all) v.tiles = all;
    v.transformed_step = odd_lines(v.tiles * v.channels * sizeof(int16_t)) / sizeof(int16_t);
    v.product_step = odd_lines(v.tiles * OUTPUTS * sizeof(int32_t)) / sizeof(int32_t);
    return v;
}

static const struct qwinograd_kernel *const kernels[] = {
#define QGEMM_KERNEL(...)
#define QDEPTHWISE_KERNEL(...)
#define VECTOR_KERNELS(...)
#define QWINOGRAD_KERNEL(name) &name,
#include "kernels.inc"
#undef QGEMM_KERNEL
#undef QDEPTHWISE_KERNEL
#undef VECTOR_KERNELS
};

size_t qwinograd_kernel_count(void) { return sizeof kernels / sizeof kernels[0]; }
const struct qwinograd_kernel *qwinograd_kernel_at(size_t index) { return kernels[index]; }

bool qwinograd_suits(const struct convolution_geometry *g) {
    return g->kernel_height == 3 && g->kernel_width == 3 && g->stride_y == 1 && g->stride_x == 1 && g->dilation_y == 1 && g->dilation_x == 1
        && g->groups == 1 && g->input_channels <= MOST_CHANNELS;
}

// Pays where there is no instruction that adds four products into 32 bits, channels enough for the products to outweigh the transforms, and tiles enough for
// weights of 16 bits, nearly four times as many bytes as the direct method's.
enum { FEWEST_CHANNELS = 16, FEWEST_TILES = 4, MOST_WEIGHTS_A_TILE = 4096 };

const struct qwinograd_kernel *qwinograd_kernel_choose(uint32_t isa, const struct convolution_geometry *g) {
    const struct qwinograd_kernel *const best = kernels[qwinograd_kernel_count() - 1];
    if (best->isa == ISA_PLAIN || (best->isa & ~isa) != 0 || (isa & (ISA_AVX_VNNI | ISA_AVX512_VNNI | ISA_NEON_DOT)) != 0) return NULL;
    if (!qwinograd_suits(g) || g->input_channels < FEWEST_CHANNELS || g->output_channels < FEWEST_CHANNELS) return NULL;
    const size_t tiles = (g->output_height + 1) / 2 * ((g->output_width + 1) / 2);
    if (tiles < FEWEST_TILES || g->input_channels * g->output_channels > tiles * MOST_WEIGHTS_A_TILE) return NULL;
    return best;
}

size_t winograd_padded_outputs(const struct qconvolution *c) { return round_up(c->geometry.output_channels, OUTPUTS); }

// [panels][POSITIONS][pairs][OUTPUTS][2]
size_t winograd_weight_bytes(const struct qconvolution *c) {
    const struct view v = view_of(c);
    return v.panels * POSITIONS * v.pairs * OUTPUTS * 2 * sizeof(int16_t);
}

// Transformed tiles [POSITIONS][tiles][channels], products [POSITIONS][tiles][OUTPUTS], a pixel of zero points.
size_t winograd_scratch_bytes(const struct qconvolution *c) {
    const struct view v = view_of(c);
    return POSITIONS * (v.transformed_step * sizeof(int16_t) + v.product_step * sizeof(int32_t)) + round_up(c->geometry.input_channels, 64);
}

// 2 G g
static void transform_column(const int *g, size_t step, int *to, size_t to_step) {
    const int a = g[0], b = g[step], c = g[2 * step];
    to[0] = 2 * a;
    to[to_step] = a + b + c;
    to[2 * to_step] = a - b + c;
    to[3 * to_step] = 2 * c;
}

void winograd_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed) {
    const struct convolution_geometry *g = &c->geometry;
    const struct view v = view_of(c);
    memset(packed, 0, winograd_weight_bytes(c));
    for (size_t o = 0; o < g->output_channels; o++)
        for (size_t i = 0; i < g->input_channels; i++, weights += 9) {
            int window[9], columns[12], u[POSITIONS];
            for (size_t k = 0; k < 9; k++) window[k] = weights[k];
            for (size_t x = 0; x < 3; x++) transform_column(window + x, 3, columns + x, 3);
            for (size_t y = 0; y < 4; y++) transform_column(columns + 3 * y, 1, u + 4 * y, 1);
            for (size_t p = 0; p < POSITIONS; p++) {
                int16_t *const pairs = (int16_t *)packed + ((o / OUTPUTS * POSITIONS + p) * v.pairs + i / 2) * OUTPUTS * 2;
                pairs[o % OUTPUTS * 2 + i % 2] = (int16_t)u[p];
            }
        }
}

// Tiles of output rows [first_row, last_row), and where `at` stands among them.
struct tile_walk {
    size_t first_row, last_row, y, x; // y, x: in tiles
};

// Transforms one tile and says which pixels it gives.
static void transform_tile(const struct qconvolution *c, const struct tile_walk *walk, const uint8_t *input, const uint8_t *padding,
                           int16_t *to, size_t step, ptrdiff_t pixels[4]) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t y = walk->first_row + 2 * walk->y, x = 2 * walk->x;
    const uint8_t *from[POSITIONS];
    for (size_t p = 0; p < POSITIONS; p++) {
        const size_t iy = y + p / 4 - g->pad_top, ix = x + p % 4 - g->pad_left; // above and left wrap
        from[p] = iy < g->input_height && ix < g->input_width ? input + (iy * g->input_width + ix) * g->input_step : padding;
    }
    c->winograd->transform(from, g->input_channels, to, step);
    for (size_t p = 0; p < 4; p++) {
        const size_t oy = y + p / 2, ox = x + p % 2;
        pixels[p] = oy < walk->last_row && ox < g->output_width ? (ptrdiff_t)(oy * g->output_width + ox) : -1;
    }
}

size_t winograd_channel_alignment(const struct qconvolution *c) {
    (void)c;
    return OUTPUTS;
}

void winograd_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                  const struct qconvolution_part *part) {
    const struct convolution_geometry *g = &c->geometry;
    const struct view v = view_of(c);
    const size_t first_row = part->first_row, last_row = part->last_row;
    const size_t first_panel = part->first_channel / OUTPUTS, last_panel = (part->last_channel + OUTPUTS - 1) / OUTPUTS;
    const size_t element = c->requantization.float_output ? sizeof(float) : 1;
    int16_t *const transformed = scratch;
    int32_t *const products = (int32_t *)(transformed + POSITIONS * v.transformed_step);
    uint8_t *const padding = (uint8_t *)(products + POSITIONS * v.product_step);
    memset(padding, c->input_zero_point, g->input_channels);
    struct tile_walk walk = {.first_row = first_row, .last_row = last_row};
    const size_t across = (g->output_width + 1) / 2;
    for (size_t left = (last_row - first_row + 1) / 2 * across; left > 0;) {
        const size_t blocks = (left + v.tiles - 1) / v.tiles, tiles = (left + blocks - 1) / blocks;
        ptrdiff_t pixels[MOST_TILES][4];
        for (size_t i = 0; i < tiles; i++) {
            transform_tile(c, &walk, input, padding, transformed + i * v.channels, v.transformed_step, pixels[i]);
            if (++walk.x == across) walk.x = 0, walk.y++;
        }
        for (size_t panel = first_panel; panel < last_panel; panel++) {
            const size_t o = panel * OUTPUTS;
            const int16_t *const weights = (const int16_t *)c->weights + panel * POSITIONS * v.pairs * OUTPUTS * 2;
            for (size_t p = 0; p < POSITIONS; p++)
                c->winograd->multiply(transformed + p * v.transformed_step, v.channels, weights + p * v.pairs * OUTPUTS * 2, v.pairs,
                                      tiles, products + p * v.product_step);
            const struct qwinograd_results to = {
                .pixels = pixels,
                .outputs = g->output_channels - o < OUTPUTS ? g->output_channels - o : OUTPUTS,
                .bias = c->bias + o,
                .multipliers = c->multipliers + o,
                .requantization = &c->requantization,
                .residual = residual ? residual + o : NULL,
                .output = (uint8_t *)output + o * element,
                .residual_step = g->residual_step,
                .output_step = g->output_step,
            };
            c->winograd->finish(products, v.product_step, tiles, &to);
        }
        left -= tiles;
    }
    const size_t first = first_row * g->output_width;
    if (c->table) apply_table(c, (uint8_t *)output + first * g->output_step, last_row * g->output_width - first, part);
}
