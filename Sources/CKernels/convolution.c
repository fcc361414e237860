// SPDX-License-Identifier: Apache-2.0
// What all kinds of convolution share, and which driver does what.
#include "convolution.h"
#include <string.h>

struct driver {
    size_t (*padded_outputs)(const struct qconvolution *c);
    size_t (*weight_bytes)(const struct qconvolution *c);
    size_t (*scratch_bytes)(const struct qconvolution *c);
    void (*pack_weights)(const struct qconvolution *c, const int8_t *weights, void *packed);
    void (*run)(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                const struct qconvolution_part *part);
    size_t (*channel_alignment)(const struct qconvolution *c); // null: parts have all channels
};

static const struct driver strips = {strips_padded_outputs, strips_weight_bytes, strips_scratch_bytes, strips_pack_weights,
                                     strips_run, strips_channel_alignment};
static const struct driver binned = {binned_padded_outputs, binned_weight_bytes, binned_scratch_bytes, binned_pack_weights,
                                     binned_run, NULL};
static const struct driver winograd = {winograd_padded_outputs, winograd_weight_bytes, winograd_scratch_bytes, winograd_pack_weights,
                                       winograd_run, winograd_channel_alignment};
static const struct driver narrow = {narrow_padded_outputs, narrow_weight_bytes, narrow_scratch_bytes, narrow_pack_weights,
                                     narrow_run, narrow_channel_alignment};
static const struct driver depthwise = {depthwise_padded_outputs, depthwise_weight_bytes, depthwise_scratch_bytes, depthwise_pack_weights,
                                        depthwise_run, NULL};

static const struct driver *driver_of(const struct qconvolution *c) {
    return c->depthwise ? &depthwise : c->winograd ? &winograd : c->narrow ? &narrow : c->binned ? &binned : &strips;
}

bool requantization_is_bounded(const struct requantization *r, const float *multipliers, size_t count) {
    // |acc| <= 2^31 and |residual - zero point| <= 255, so |t| <= 2^30 and |u| < 2^28.
    bool bounded = r->residual_multiplier >= 0 && r->residual_multiplier <= 0x1p20f;
    for (size_t i = 0; i < count; i++) bounded = bounded && multipliers[i] >= 0 && multipliers[i] <= 0.5f;
    return bounded;
}

void qconvolution_choose_strip(struct qconvolution *c) {
    if (c->gemm) strips_choose(c);
}

size_t qconvolution_padded_outputs(const struct qconvolution *c) { return driver_of(c)->padded_outputs(c); }

size_t qconvolution_weight_bytes(const struct qconvolution *c) { return driver_of(c)->weight_bytes(c); }

size_t qconvolution_scratch_bytes(const struct qconvolution *c) { return driver_of(c)->scratch_bytes(c); }

void qconvolution_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed) {
    driver_of(c)->pack_weights(c, weights, packed);
}

void qconvolution_pack_bias(const struct qconvolution *c, const int8_t *weights, const int32_t *bias, const float *multipliers,
                            int32_t *folded, float *padded_multipliers) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t padded = qconvolution_padded_outputs(c), outputs = g->output_channels;
    const bool flips = c->depthwise ? c->depthwise->flags & DEPTHWISE_FLIPS : c->gemm && c->gemm->panel == PANEL_S8;
    const int32_t offset = (flips ? 128 : 0) - c->input_zero_point;
    const size_t count = g->kernel_height * g->kernel_width * (g->input_channels / g->groups);
    memset(folded, 0, padded * sizeof *folded);
    memset(padded_multipliers, 0, padded * sizeof *padded_multipliers);
    for (size_t i = 0; i < (c->depthwise ? padded : outputs); i++) {
        const size_t o = c->depthwise ? depthwise_channel(c, i) : i, index = c->gemm ? strips_column(c, i) : i;
        if (o == outputs) continue;
        uint32_t sum = 0;
        for (size_t k = 0; k < count; k++) sum += (uint32_t)(int32_t)weights[o * count + k];
        folded[index] = (int32_t)((uint32_t)(bias ? bias[o] : 0) + (uint32_t)offset * sum);
        padded_multipliers[index] = multipliers[o];
    }
}

bool channel_is_small(const struct qconvolution *c, uint32_t magnitude, int32_t bias, float multiplier) {
    const double sum = 255.0 * magnitude + (bias < 0 ? -(double)bias : (double)bias);
    return sum < 0x1p22 && sum * (double)multiplier + 255.0 * (double)c->requantization.residual_multiplier < 32700;
}

bool qconvolution_is_small(const struct qconvolution *c, const int8_t *weights, const int32_t *bias, const float *multipliers) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t count = g->kernel_height * g->kernel_width * (g->input_channels / g->groups);
    for (size_t o = 0; o < g->output_channels; o++) {
        uint32_t magnitude = 0;
        for (size_t k = 0; k < count; k++) {
            const int32_t weight = weights[o * count + k];
            magnitude += (uint32_t)(weight < 0 ? -weight : weight);
        }
        if (!channel_is_small(c, magnitude, bias ? bias[o] : 0, multipliers[o])) return false;
    }
    return true;
}

void qconvolution_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                      const struct qconvolution_part *part) {
    driver_of(c)->run(c, input, residual, output, scratch, part);
}

size_t qconvolution_channel_alignment(const struct qconvolution *c) {
    const struct driver *driver = driver_of(c);
    return driver->channel_alignment ? driver->channel_alignment(c) : 0;
}

size_t qconvolution_row_alignment(const struct qconvolution *c) { return c->winograd ? 2 : 1; }

void apply_table(const struct qconvolution *c, uint8_t *output, size_t pixels, const struct qconvolution_part *part) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t channels = part->last_channel - part->first_channel;
    output += part->first_channel;
    if (g->output_step == channels)
        c->layers->table_u8(c->table, 1, pixels * channels, output, 0, output, 0);
    else
        c->layers->table_u8(c->table, pixels, channels, output, g->output_step, output, g->output_step);
}
