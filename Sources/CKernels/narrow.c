// SPDX-License-Identifier: Apache-2.0
// Few pixels by weights of 4 bits, two to a byte: half as many bytes where the speed at which weights arrive is all that counts.
#include "convolution.h"
#include <string.h>

// A block of depth is 8 elements; 16 output channels are packed together, and a tile has up to 128 of them.
enum { DEPTH = 8, PANEL = 16, TILE = 128, MOST_PIXELS = 4 };

static const struct qnarrow_kernel kernels[] = {
#define QGEMM_KERNEL(...)
#define QDEPTHWISE_KERNEL(...)
#define VECTOR_KERNELS(...)
#define QNARROW_KERNEL(name, isa) {#name, isa, name},
#include "kernels.inc"
#undef QGEMM_KERNEL
#undef QDEPTHWISE_KERNEL
#undef VECTOR_KERNELS
};

size_t qnarrow_kernel_count(void) { return sizeof kernels / sizeof kernels[0]; }
const struct qnarrow_kernel *qnarrow_kernel_at(size_t index) { return &kernels[index]; }

bool qnarrow_suits(const struct convolution_geometry *g, const int8_t *weights, size_t count) {
    if (!is_pointwise(g) || g->groups != 1) return false;
    for (size_t i = 0; i < count; i++)
        if (weights[i] < -8 || weights[i] > 7) return false;
    return true;
}

const struct qnarrow_kernel *qnarrow_kernel_choose(uint32_t isa, const struct convolution_geometry *g, const int8_t *weights,
                                                 size_t count) {
    if (g->output_height * g->output_width > MOST_PIXELS) return NULL;
    const struct qnarrow_kernel *best = NULL; // plain C gains nothing
    for (size_t i = 1; i < qnarrow_kernel_count(); i++)
        if ((kernels[i].isa & ~isa) == 0) best = &kernels[i];
    return best && qnarrow_suits(g, weights, count) ? best : NULL;
}

static size_t blocks_of(const struct qconvolution *c) { return round_up(c->geometry.input_channels, DEPTH) / DEPTH; }

size_t narrow_padded_outputs(const struct qconvolution *c) { return round_up(c->geometry.output_channels, PANEL); }

size_t narrow_weight_bytes(const struct qconvolution *c) { return narrow_padded_outputs(c) * blocks_of(c) * DEPTH / 2; }

size_t narrow_scratch_bytes(const struct qconvolution *c) { return blocks_of(c) * DEPTH; }

void narrow_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t panel_bytes = blocks_of(c) * PANEL * DEPTH / 2;
    memset(packed, 0x88, narrow_weight_bytes(c)); // weights of 0
    for (size_t o = 0; o < g->output_channels; o++)
        for (size_t k = 0; k < g->input_channels; k++) {
            const size_t in_block = k % DEPTH, shift = in_block < 4 ? 0 : 4;
            uint8_t *pair = (uint8_t *)packed + o / PANEL * panel_bytes + (k / DEPTH * PANEL + o % PANEL) * 4 + in_block % 4;
            *pair = (uint8_t)((*pair & ~(15u << shift)) | (uint32_t)(weights[o * g->input_channels + k] + 8) << shift);
        }
}

size_t narrow_channel_alignment(const struct qconvolution *c) {
    (void)c;
    return TILE;
}

void narrow_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                const struct qconvolution_part *part) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t element = c->requantization.float_output ? sizeof(float) : 1, panel_bytes = blocks_of(c) * PANEL * DEPTH / 2;
    const uint8_t *const copy = scratch;
    struct qgemm_tile tile = {
        .segments = &copy, .segment_count = 1, .segment_blocks = blocks_of(c), .b_step = panel_bytes,
        .requantization = &c->requantization, .output_step = g->output_step, .residual_step = g->residual_step, .m = 1,
    };
    memset(scratch, 0, narrow_scratch_bytes(c));
    for (size_t i = part->first_row * g->output_width; i < part->last_row * g->output_width; i++) {
        memcpy(scratch, input + i * g->input_step, g->input_channels);
        for (size_t o = part->first_channel; o < part->last_channel; o += TILE) {
            tile.b = (const uint8_t *)c->weights + o / PANEL * panel_bytes;
            tile.bias = c->bias + o;
            tile.multipliers = c->multipliers + o;
            tile.residual = residual ? residual + i * g->residual_step + o : NULL;
            tile.output = (uint8_t *)output + (i * g->output_step + o) * element;
            tile.n = part->last_channel - o < TILE ? part->last_channel - o : TILE;
            c->narrow->run(&tile);
        }
        if (c->table) apply_table(c, (uint8_t *)output + i * g->output_step, 1, part);
    }
}
