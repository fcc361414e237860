// SPDX-License-Identifier: Apache-2.0
// Convolution in float32: activation(convolution + bias + residual).
//
// Every sum is one chain of fused multiply-adds (products and sums on processors without them) in an order that depends on nothing
// but the layer, so that a result is the same however pixels are grouped into tiles and rows are divided among threads.
#pragma once
#include "layers.h"

// Output channels of one panel of packed weights.
enum { FLOAT_PANEL = 16 };

// One tile: out[i][j] = clamp(bias[j] + sum over s, k of segments[s][a_first + i * a_step + k] * b[s * segment_length + k][j]
// + residual[i][j], low, high) for i < m, j < n; b[k][j] is in panel j / 16.
struct fgemm_tile {
    const float *const *segments; // what a window consists of
    size_t segment_count, segment_length;
    size_t a_first, a_step; // elements to the first pixel, and from pixel to pixel
    const float *b;    // [panels][segment_count * segment_length][16], or interleaved
    size_t b_step;     // elements from panel to panel, where they aren't interleaved
    const float *bias; // [16 * panels]
    const float *residual; // null, or the tile's first element
    float *output;
    size_t output_step, residual_step; // elements from pixel to pixel
    size_t m, n; // n: 1 ... 16 * panels
    size_t panels; // 1 ... 4
    float low, high;
};

// A run of output pixels of one row of a depthwise convolution, over those taps of the window that lie inside the image:
// out[i][c] = clamp(bias[c] + sum over y, x of input[y * row_step + i * pixel_step + x * tap_step + c] * weights[y][x][c] + residual[i][c]).
struct fdepthwise_run {
    const float *input; // the first tap of the first pixel
    size_t row_step, pixel_step, tap_step; // elements
    size_t height, width; // of the window
    const float *weights;
    size_t weights_row_step, weights_step; // elements from weights[y] to weights[y + 1], from weights[y][x] to weights[y][x + 1]
    const float *bias;
    const float *residual; // null, or the first pixel's
    float *output;
    size_t output_step, residual_step;
    size_t pixels, channels;
    float low, high;
};

// Tiles of Winograd's F(4x4, 3x3): 6x6 inputs to 4x4 outputs by way of 36 products.
enum { WINOGRAD_TILE = 4, WINOGRAD_INPUT = 6, WINOGRAD_PRODUCTS = 36 };

struct fwinograd_output {
    const float *products; // [36] of `step` elements each, of which the first `channels` count
    size_t step;
    const float *bias, *residual; // residual: null, or the tile's first element
    float *output;
    size_t row_step, output_step;            // elements from row to row and from pixel to pixel of the output
    size_t residual_row_step, residual_step; // the same of the residual
    size_t height, width, channels; // height, width: 1 ... 4, what of the tile lies inside the image
    float low, high;
};

struct float_kernels {
    const char *name;
    uint32_t isa;
    // Vectors of a panel, and the most pixels of a tile of 1 ... 4 panels; 0 where there is no such tile.
    uint8_t vectors, pixels[5];
    // Whether the panels of a tile lie side by side, [depth][panels][16], since one stream of weights is read quicker than two; else one behind the other.
    bool interleaves;
    void (*gemm)(const struct fgemm_tile *tile);
    void (*depthwise)(const struct fdepthwise_run *run);
    // Transforms a 6x6 tile of `channels` (a multiple of 16) channels; frequencies are `step` elements apart.
    void (*winograd_input)(const float *const pixels[WINOGRAD_PRODUCTS], size_t channels, float *transformed, size_t step);
    void (*winograd_output)(const struct fwinograd_output *tile);
    // Replaces `pixels` runs of `channels` elements, `step` apart, by their activation.
    void (*activate)(const struct activation_function *f, size_t pixels, size_t channels, float *values, size_t step);
} __attribute__((swift_attr("@Sendable")));

size_t float_kernels_count(void);
const struct float_kernels *float_kernels_at(size_t index);
// The last set of the list that the instruction sets allow.
const struct float_kernels *float_kernels_choose(uint32_t isa);

enum fconvolution_method { FCONVOLUTION_DIRECT, FCONVOLUTION_DEPTHWISE, FCONVOLUTION_WINOGRAD };

struct fconvolution {
    struct convolution_geometry geometry;
    const struct float_kernels *kernels;
    enum fconvolution_method method;
    struct activation_function activation;
    const float *weights; // as fconvolution_pack_weights leaves them
    const float *bias;    // padded: fconvolution_bias_count
    size_t strip_rows;    // output rows that are computed together
} __attribute__((swift_attr("@Sendable"))); // what it points to is never written again

// The fastest method; needs geometry and kernels.
enum fconvolution_method fconvolution_choose_method(const struct fconvolution *c);
// Whether both the direct method and Winograd's can compute it; needs geometry.
bool fconvolution_suits_winograd(const struct fconvolution *c);
// strip_rows; needs the method besides.
size_t fconvolution_choose_strip(const struct fconvolution *c);
// Rows of an image are divided at multiples of so many.
size_t fconvolution_row_alignment(const struct fconvolution *c);
size_t fconvolution_bias_count(const struct fconvolution *c);
size_t fconvolution_weight_count(const struct fconvolution *c);
size_t fconvolution_scratch_bytes(const struct fconvolution *c);
// How weights are ordered.
enum fconvolution_order {
    FCONVOLUTION_CANONICAL, // [o][i / groups][kernel_height][kernel_width]
    FCONVOLUTION_O16,       // one group: [ceil(o / 16)][kernel_height][kernel_width][i][16], channel o at panel o / 16, column o % 16; zeros between
};
// Whether the method reads weights in the order O16 where they lie.
bool fconvolution_takes_o16(const struct fconvolution *c);
// Packs weights into the order of the method: that is O16 for the direct one, group by group, where kernels don't interleave panels. packed is written wholly.
void fconvolution_pack_weights(const struct fconvolution *c, const float *weights, enum fconvolution_order order, float *packed);
// bias may be null; padded is written wholly.
void fconvolution_pack_bias(const struct fconvolution *c, const float *bias, float *padded);
// Output rows [first_row, last_row) of output channels [first_channel, last_channel).
struct fconvolution_part {
    size_t first_row, last_row, first_channel, last_channel;
};
// Parts begin at channels that are multiples of so many; 0: they have all channels.
size_t fconvolution_channel_alignment(const struct fconvolution *c);
// Computes a part of an NHWC image; the bits don't depend on how it is divided. The output overlaps nothing else. scratch: 64-byte
// aligned, fconvolution_scratch_bytes.
void fconvolution_run(const struct fconvolution *c, const float *input, const float *residual, float *output, void *scratch,
                      const struct fconvolution_part *part);
// Of an image of one pixel, by the direct method, in one group with a 1x1 window: the same for `images` of them, one behind the other, with the bits that each has
// alone. Weights are read once for as many as a tile has pixels. There is no residual.
void fconvolution_run_images(const struct fconvolution *c, const float *input, float *output, size_t images);
bool fconvolution_takes_images(const struct fconvolution *c);
