// SPDX-License-Identifier: Apache-2.0
// Convolution of unsigned 8-bit activations with signed 8-bit weights (-127 ... 127), exact in wrapping int32.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What becomes of an int32 accumulator. Quantised output:
//     t = (float)acc * multiplier[c];  u = (float)(residual - residual_zero_point) * residual_multiplier
//     q = min(max(round_half_even(t + u) + zero_point, lower), upper)
// Float output: min(max(t + u, low), high). Each operation is rounded to float32 by itself; without a residual nothing is added.
struct requantization {
    int32_t zero_point, lower, upper; // 0 ... 255 each
    int32_t residual_zero_point;
    float residual_multiplier;
    bool float_output;
    float low, high;
};

// How a kernel wants the 8-bit values x of an image.
enum panel {
    PANEL_U8,  // x
    PANEL_U16, // x, widened to 16 bits
    PANEL_S8,  // x - 128
};

// One tile: pixels that lie one after the other in a row, and some output channels.
//     out[i][j] = requantize(bias[j] + sum over segments s and k of segments[s][i * a_step + k] * b[s][k][j])   for i < m, j < n
// A segment is a part of the depth that lies without gaps, mostly a row of the window. It is taken in whole blocks of kr elements:
// what is read beyond its end meets weights of 0.
struct qgemm_tile {
    const uint8_t *const *segments; // [segment_count]: what the first pixel reads; elements of the kernel's panel type
    size_t segment_count, segment_blocks; // at least 1 each
    size_t a_step;    // bytes from pixel to pixel
    const void *b;    // [ceil(n / nb)][segment_count][segment_blocks][nb][kr]
    size_t b_step;    // bytes from nb columns to the next nb
    const int32_t *bias;      // rounded up to nb, as are the multipliers
    const float *multipliers;
    const struct requantization *requantization;
    const uint8_t *residual; // null, or the first pixel's first channel
    void *output;            // uint8_t or float, likewise
    size_t output_step, residual_step; // elements from pixel to pixel
    size_t m, n;             // 1 ... mr, 1 ... nr
};

struct qgemm_kernel {
    const char *name;
    uint32_t isa;
    int32_t mr, nr; // pixels and output channels of a tile
    int32_t kr, nb; // depth and output channels that weights are packed by; nr is a multiple of nb
    int32_t panel;
    void (*run)(const struct qgemm_tile *tile);
} __attribute__((swift_attr("@Sendable")));

size_t qgemm_kernel_count(void);
const struct qgemm_kernel *qgemm_kernel_at(size_t index);

// A run of output pixels of one row of a depthwise convolution:
// out[i][c] = requantize(bias[c] + sum over y, x of rows[y][i * pixel_step + x * tap_step + c] * w[y][x][c]),
// with the input - 128 in place of the input where the kernel `flips`.
struct qdepthwise_run {
    const uint8_t *const *rows; // kernel_height pointers to what the first pixel's window begins with
    size_t kernel_height, kernel_width, channels;
    size_t pixels, pixel_step, tap_step; // bytes
    const void *weights; // [ceil(c / block)][kernel_width][ceil(kernel_height / group)][block][group]
    const int32_t *bias; // rounded up to the kernel's block of channels, as are the multipliers
    const float *multipliers;
    const struct requantization *requantization;
    const uint8_t *residual; // null, or the first pixel's first channel
    void *output;            // uint8_t or float, likewise
    size_t output_step, residual_step; // elements from pixel to pixel
};

// A kernel with size != 0 runs exactly windows of size x size.
struct qdepthwise_kernel {
    const char *name;
    uint32_t isa;
    int32_t block, group, size;
    int32_t weight_size; // bytes: 1 or 2
    bool flips;
    void (*run)(const struct qdepthwise_run *run);
} __attribute__((swift_attr("@Sendable")));

size_t qdepthwise_kernel_count(void);
const struct qdepthwise_kernel *qdepthwise_kernel_at(size_t index);
const struct qdepthwise_kernel *qdepthwise_kernel_choose(uint32_t isa, size_t channels, size_t kernel_height, size_t kernel_width);

// Sizes in elements; channels are those of the whole image, not of a group. Steps are from pixel to pixel, at least the channels:
// more where the channels are part of a wider image. Rows follow each other without gaps.
struct convolution_geometry {
    size_t input_height, input_width, input_channels, input_step;
    size_t output_height, output_width, output_channels, output_step, residual_step;
    size_t kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x;
    size_t pad_top, pad_left; // pads below and right follow from the output size
    size_t groups;
};

// The kernel for a convolution that isn't depthwise. A pure function of its arguments.
const struct qgemm_kernel *qgemm_kernel_choose(uint32_t isa, const struct convolution_geometry *g);

struct qconvolution {
    struct convolution_geometry geometry;
    const struct qgemm_kernel *gemm;           // null for a depthwise convolution
    const struct qdepthwise_kernel *depthwise; // null for a general one
    const void *weights;       // packed
    const int32_t *bias;       // folded and padded, as are the multipliers: [qconvolution_padded_outputs]
    const float *multipliers;
    const uint8_t *table;      // null, or 256 entries that replace each quantised result,
    const struct vector_kernels *layers; // which these look up
    struct requantization requantization;
    uint8_t input_zero_point;
    size_t strip_rows, strip_columns; // of the output that are computed at a time; qconvolution_choose_strip sets them
} __attribute__((swift_attr("@Sendable"))); // what it points to is never written again

// Entries of bias and multipliers: the output channels, rounded up to what the kernel computes at a time.
size_t qconvolution_padded_outputs(const struct qconvolution *c);
size_t qconvolution_weight_bytes(const struct qconvolution *c);
size_t qconvolution_scratch_bytes(const struct qconvolution *c);
// Call once geometry and kernel are set, before all others.
void qconvolution_choose_strip(struct qconvolution *c);
// weights: [o][i / groups][kernel_height][kernel_width]; packed: qconvolution_weight_bytes, written wholly.
void qconvolution_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed);
// folded[c] = bias[c] - (zero point the kernel leaves in x) * sum of the weights of c; multipliers are padded with 0.
void qconvolution_pack_bias(const struct qconvolution *c, const int8_t *weights, const int32_t *bias, const float *multipliers,
                            int32_t *folded, float *padded_multipliers);
// Computes output rows [first_row, last_row) of an NHWC image. scratch: 64-byte aligned, qconvolution_scratch_bytes.
void qconvolution_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                      size_t first_row, size_t last_row);
