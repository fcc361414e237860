// SPDX-License-Identifier: Apache-2.0
// What both kinds of convolution share, and which driver does what.
#include "convolution.h"
#include <string.h>

void qconvolution_choose_strip(struct qconvolution *c) {
    if (!c->depthwise) strips_choose(c);
}

size_t qconvolution_padded_outputs(const struct qconvolution *c) {
    return c->depthwise ? depthwise_padded_outputs(c) : strips_padded_outputs(c);
}

size_t qconvolution_weight_bytes(const struct qconvolution *c) {
    return c->depthwise ? depthwise_weight_bytes(c) : strips_weight_bytes(c);
}

size_t qconvolution_scratch_bytes(const struct qconvolution *c) {
    return c->depthwise ? depthwise_scratch_bytes(c) : strips_scratch_bytes(c);
}

void qconvolution_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed) {
    if (c->depthwise)
        depthwise_pack_weights(c, weights, packed);
    else
        strips_pack_weights(c, weights, packed);
}

void qconvolution_pack_bias(const struct qconvolution *c, const int8_t *weights, const int32_t *bias, const float *multipliers,
                            int32_t *folded, float *padded_multipliers) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t padded = qconvolution_padded_outputs(c);
    const bool flips = c->depthwise ? c->depthwise->flips : c->gemm->panel == PANEL_S8;
    const int32_t offset = (flips ? 128 : 0) - c->input_zero_point;
    const size_t count = g->kernel_height * g->kernel_width * (g->input_channels / g->groups);
    memset(folded, 0, padded * sizeof *folded);
    memset(padded_multipliers, 0, padded * sizeof *padded_multipliers);
    for (size_t o = 0; o < g->output_channels; o++) {
        const size_t index = c->depthwise ? o : strips_column(c, o);
        uint32_t sum = 0;
        for (size_t k = 0; k < count; k++) sum += (uint32_t)(int32_t)weights[o * count + k];
        folded[index] = (int32_t)((uint32_t)(bias ? bias[o] : 0) + (uint32_t)offset * sum);
        padded_multipliers[index] = multipliers[o];
    }
}

void qconvolution_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                      size_t first_row, size_t last_row) {
    if (c->depthwise)
        depthwise_run(c, input, residual, output, scratch, first_row, last_row);
    else
        strips_run(c, input, residual, output, scratch, first_row, last_row);
}

void apply_table(const struct qconvolution *c, uint8_t *output, size_t pixels) {
    const struct convolution_geometry *g = &c->geometry;
    if (g->output_step == g->output_channels)
        c->layers->table_u8(c->table, 1, pixels * g->output_channels, output, 0, output, 0);
    else
        c->layers->table_u8(c->table, pixels, g->output_channels, output, g->output_step, output, g->output_step);
}
