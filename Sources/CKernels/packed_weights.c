// SPDX-License-Identifier: Apache-2.0
// Weights that lie packed in a file, [panel][row][block][16][4], and are read from there.
#include "convolution.h"
#include <string.h>

enum { COLUMNS = 16, LANES = 4, PANEL = COLUMNS * LANES };

bool qconvolution_takes_o16k4(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    return c->gemm && c->gemm->kr == LANES && c->gemm->nb == COLUMNS && g->groups == 1 && g->dilation_x == 1;
}

// Sums of the weights of 16 output channels, whose products are taken in `blocks` blocks.
static void sum_columns(const int8_t *panel, size_t blocks, int32_t sums[COLUMNS]) {
    enum { RUN = 256 }; // blocks whose sums fit 16 bits
    memset(sums, 0, COLUMNS * sizeof *sums);
    for (size_t first = 0; first < blocks; first += RUN) {
        int16_t lanes[PANEL] = {0};
        const size_t last = blocks - first < RUN ? blocks : first + RUN;
        for (size_t block = first; block < last; block++)
            for (size_t i = 0; i < PANEL; i++) lanes[i] = (int16_t)(lanes[i] + panel[block * PANEL + i]);
        for (size_t i = 0; i < PANEL; i++) sums[i / LANES] += lanes[i];
    }
}

void qconvolution_fold_o16k4(const struct qconvolution *c, const int8_t *packed, const int32_t *bias, const float *multipliers,
                             int32_t *folded, float *padded_multipliers) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t blocks = g->kernel_height * (round_up(g->kernel_width * g->input_channels, LANES) / LANES);
    const size_t padded = qconvolution_padded_outputs(c);
    const int32_t offset = (c->gemm->panel == PANEL_S8 ? 128 : 0) - c->input_zero_point;
    memset(folded, 0, padded * sizeof *folded);
    memset(padded_multipliers, 0, padded * sizeof *padded_multipliers);
    for (size_t o = 0; o < g->output_channels; o += COLUMNS) {
        int32_t sums[COLUMNS];
        sum_columns(packed + o * blocks * LANES, blocks, sums);
        for (size_t i = 0; i < COLUMNS && o + i < g->output_channels; i++)
            folded[o + i] = (int32_t)((uint32_t)(bias ? bias[o + i] : 0) + (uint32_t)offset * (uint32_t)sums[i]);
    }
    memcpy(padded_multipliers, multipliers, g->output_channels * sizeof *multipliers);
}

bool qconvolution_is_small_o16k4(const struct qconvolution *c, const int8_t *packed, const int32_t *bias, const float *multipliers) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t blocks = g->kernel_height * (round_up(g->kernel_width * g->input_channels, LANES) / LANES);
    for (size_t o = 0; o < g->output_channels; o += COLUMNS, packed += blocks * PANEL) {
        uint32_t magnitudes[COLUMNS] = {0};
        for (size_t block = 0; block < blocks; block++)
            for (size_t i = 0; i < PANEL; i++) {
                const int32_t weight = packed[block * PANEL + i];
                magnitudes[i / LANES] += (uint32_t)(weight < 0 ? -weight : weight);
            }
        for (size_t i = 0; i < COLUMNS && o + i < g->output_channels; i++)
            if (!channel_is_small(c, magnitudes[i], bias ? bias[o + i] : 0, multipliers[o + i])) return false;
    }
    return true;
}
