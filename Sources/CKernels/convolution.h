// SPDX-License-Identifier: Apache-2.0
// The drivers behind qconvolution_run: strips.c for the kernels of matrix products, binned.c, winograd.c, narrow.c, depthwise.c. Their functions
// have the contracts of their namesakes in quantized.h.
#pragma once
#include "internal.h"

static inline size_t round_up(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Whether requantization.small holds for a channel whose weights have this sum of magnitudes.
bool channel_is_small(const struct qconvolution *c, uint32_t magnitude, int32_t bias, float multiplier);

// The windows are the pixels themselves, one after the other.
static inline bool is_pointwise(const struct convolution_geometry *g) {
    return g->kernel_height == 1 && g->kernel_width == 1 && g->stride_y == 1 && g->stride_x == 1
        && g->pad_top == 0 && g->pad_left == 0 && g->output_height == g->input_height && g->output_width == g->input_width;
}

// Replaces the results of so many pixels by what the table has for them, in the channels of the part.
void apply_table(const struct qconvolution *c, uint8_t *output, size_t pixels, const struct qconvolution_part *part);

// Channels of a part: multiples of these.
size_t narrow_channel_alignment(const struct qconvolution *c);
size_t strips_channel_alignment(const struct qconvolution *c);
size_t winograd_channel_alignment(const struct qconvolution *c);

size_t narrow_padded_outputs(const struct qconvolution *c);
size_t narrow_weight_bytes(const struct qconvolution *c);
size_t narrow_scratch_bytes(const struct qconvolution *c);
void narrow_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed);
void narrow_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                const struct qconvolution_part *part);

void strips_choose(struct qconvolution *c);
size_t strips_padded_outputs(const struct qconvolution *c);
size_t strips_weight_bytes(const struct qconvolution *c);
size_t strips_scratch_bytes(const struct qconvolution *c);
void strips_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed);
// Where output channel o stands among the padded ones.
size_t strips_column(const struct qconvolution *c, size_t o);
void strips_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                const struct qconvolution_part *part);

// The channels of block `index`: the last one reaches back over the one before it where that saves no work in a block of its own.
struct depthwise_span {
    size_t first, count;
};
struct depthwise_span depthwise_span(size_t channels, size_t block, size_t index);
// Which output channel stands at a position among the padded ones; none: the number of channels. In lanes, a channel of a short last block
// stands in every lane that takes another pixel, and position 4 (4k + l) + d of a block holds channel 16l + 4k + d, of 32: 4 (2k + l) + d.
size_t depthwise_channel(const struct qconvolution *c, size_t position);
// Kernels with DEPTHWISE_UNITS multiply units of 16 channels by `group` taps. Which tap, numbered column by column, stands at a place of a
// unit for channels with odd or even numbers; none: -1. A window of 2k + 1 rows has
// group 2: two rows of a column, for each of k pairs of rows and 2k + 1 columns; then the last row in k + 1 pairs of columns, and once more
//          for windows that begin with the second column of a pair;
// group 4: 3x3: the three rows of a column, the last one in the third place or, of odd channels, in the fourth;
//          5x5: four rows of a column, for each column; then the last row in two fours of columns, for windows that begin with the
//          first, second, third and fourth column of one.
size_t depthwise_unit_count(size_t size, size_t group);
// Of so many channels each the even ones come before the odd ones.
size_t depthwise_unit_run(size_t size, size_t group);
int depthwise_tap(size_t size, size_t group, size_t unit, size_t place, bool odd);
size_t depthwise_padded_outputs(const struct qconvolution *c);
size_t depthwise_weight_bytes(const struct qconvolution *c);
size_t depthwise_scratch_bytes(const struct qconvolution *c);
void depthwise_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed);
void depthwise_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                   const struct qconvolution_part *part);

size_t binned_padded_outputs(const struct qconvolution *c);
size_t binned_weight_bytes(const struct qconvolution *c);
size_t binned_scratch_bytes(const struct qconvolution *c);
void binned_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed);
void binned_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                const struct qconvolution_part *part);

size_t winograd_padded_outputs(const struct qconvolution *c);
size_t winograd_weight_bytes(const struct qconvolution *c);
size_t winograd_scratch_bytes(const struct qconvolution *c);
void winograd_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed);
void winograd_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                  const struct qconvolution_part *part);
