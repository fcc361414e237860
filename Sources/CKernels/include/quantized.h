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
    bool bounded; // t + u can't reach 2^31: it may be converted to an integer as it is. requantization_is_bounded
    float low, high;
    bool small; // whatever the input, |acc| < 2^22 and |t + u| < 32700; false where it isn't known
};

// Whether that holds for every accumulator, given the multipliers of all channels.
bool requantization_is_bounded(const struct requantization *r, const float *multipliers, size_t count);

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
    const void *wanted_soon; // null, or weights to fetch into cache meanwhile: a line of 64 bytes for every block of depth
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
// with the input - 128 in place of the input where the kernel `flips`. A kernel that `pads` is given whole rows: `rows` point to column 0,
// the window of pixel i begins at column i * stride_x - pad_left, and columns outside 0 ... input_width - 1 hold the padding.
struct qdepthwise_run {
    const uint8_t *const *rows; // kernel_height pointers to what the first pixel's window begins with, or to column 0
    size_t kernel_height, kernel_width, channels;
    size_t pixels, pixel_step, tap_step; // bytes
    const size_t *row_steps; // bytes from column to column; 0 for a row of padding, which has but one
    size_t input_width, pad_left, stride_x, dilation_x;
    uint8_t padding;
    const void *weights; // [ceil(c / block)][kernel_width][ceil(kernel_height / group)][block][group], channels as by depthwise_channel;
                         // of a kernel with DEPTHWISE_UNITS [ceil(c / block)][units][block][group], taps as by depthwise_tap
    const int32_t *bias; // rounded up to the kernel's block of channels, as are the multipliers
    const float *multipliers;
    const struct requantization *requantization;
    const uint8_t *residual; // null, or the first pixel's first channel
    void *output;            // uint8_t or float, likewise
    size_t output_step, residual_step; // elements from pixel to pixel
};

enum depthwise_flags {
    DEPTHWISE_FLIPS = 1,
    DEPTHWISE_PADS = 2,
    DEPTHWISE_LANES = 4, // the channels of a block are in the order that interleaving bytes in 16-byte lanes gives: depthwise_channel
    DEPTHWISE_UNITS = 8, // channels and taps are in an order of their own: depthwise_unit_run, depthwise_tap
};

// A kernel with size != 0 runs exactly windows of size x size.
struct qdepthwise_kernel {
    const char *name;
    uint32_t isa;
    int32_t block, group, size;
    int32_t weight_size; // bytes: 1 or 2
    uint32_t flags;
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

// Convolution with pixels in the lanes. bins.h says what planes, quads, bins and chunks are; sums are [outputs][64 pixels].
struct qbinned_kernel {
    const char *name;
    uint32_t isa;
    // planes[p] = bytes 4p ... 4p + 3 of 8 * vectors pixels, for p < ceil(bytes / 4); zeros beyond `bytes`.
    void (*gather)(const uint8_t *const *pixels, size_t vectors, size_t bytes, uint8_t *planes);
    // sums[o][i] = bias[o] or, without bias, sums[o][i], + the products of pixel i of the planes with the bins of output channel o, for
    // 8 * vectors pixels. Returns what comes after these bins.
    const uint8_t *(*accumulate)(const uint8_t *bins, const uint8_t *planes, size_t vectors, size_t outputs, const int32_t *bias,
                                 int32_t *sums);
    // output[i][o] = requantize(sums[o][i]); steps are elements from pixel to pixel. There are sums and multipliers for 7 more outputs.
    void (*store)(const int32_t *sums, size_t outputs, size_t pixels, const float *multipliers, const struct requantization *requantization,
                  const uint8_t *residual, size_t residual_step, void *output, size_t output_step);
} __attribute__((swift_attr("@Sendable")));

size_t qbinned_kernel_count(void);
const struct qbinned_kernel *qbinned_kernel_at(size_t index);
// Null where another kind of kernel is faster. A pure function of its arguments.
const struct qbinned_kernel *qbinned_kernel_choose(uint32_t isa, const struct convolution_geometry *geometry);

// Convolution with 3x3 windows by products of transformed tiles, F(2x2,3x3), exact: see winograd.c. A tile is 4x4 pixels of the input and
// 2x2 of the output; position 4y + x of the 16 is row y, column x.
struct qwinograd_results {
    const ptrdiff_t (*pixels)[4]; // [tiles]: the output pixels of each tile, negative where there is none
    size_t outputs;               // 1 ... 16
    const int32_t *bias;          // 16, as are the multipliers
    const float *multipliers;
    const struct requantization *requantization;
    const uint8_t *residual; // null, or pixel 0's first channel
    void *output;            // uint8_t or float, likewise
    size_t residual_step, output_step; // elements from pixel to pixel
};

struct qwinograd_kernel {
    const char *name;
    uint32_t isa;
    // to[p * step + c] = (B^T d B)[p] for d[p] = pixels[p][c]; channels up to a multiple of 16 are written, 0 for those that there aren't.
    void (*transform)(const uint8_t *const pixels[16], size_t channels, int16_t *to, size_t step);
    // products[i][o] = sum over k of a[i * a_step + k] * b[k / 2][o][k % 2] for o < 16, k < 2 * pairs
    void (*multiply)(const int16_t *a, size_t a_step, const int16_t *b, size_t pairs, size_t tiles, int32_t *products);
    // output = requantize(A^T m A / 4 + bias) for m[p] = products[p * step + 16 * tile + o]
    void (*finish)(const int32_t *products, size_t step, size_t tiles, const struct qwinograd_results *results);
} __attribute__((swift_attr("@Sendable")));

size_t qwinograd_kernel_count(void);
const struct qwinograd_kernel *qwinograd_kernel_at(size_t index);
// Whether these kernels can compute it: 3x3 windows with strides and dilations of 1, one group, and few enough channels.
bool qwinograd_suits(const struct convolution_geometry *geometry);
// Likewise.
const struct qwinograd_kernel *qwinograd_kernel_choose(uint32_t isa, const struct convolution_geometry *geometry);

// Pixels by weights of -8 ... 7, two to a byte. A tile is one of m = 1, n <= 128 and one segment of blocks of 8 elements, with b
// [ceil(n / 16)][segment_blocks][16][4]: the low four bits of byte i are weight i of the block plus 8, the high four weight 4 + i.
struct qnarrow_kernel {
    const char *name;
    uint32_t isa;
    void (*run)(const struct qgemm_tile *tile);
} __attribute__((swift_attr("@Sendable")));

size_t qnarrow_kernel_count(void);
const struct qnarrow_kernel *qnarrow_kernel_at(size_t index);
// Whether these kernels can compute it: windows that are the pixels, one group, and weights of 4 bits, `count` of them in any order.
bool qnarrow_suits(const struct convolution_geometry *geometry, const int8_t *weights, size_t count);
// Null where another kind of kernel is faster. A pure function of its arguments.
const struct qnarrow_kernel *qnarrow_kernel_choose(uint32_t isa, const struct convolution_geometry *geometry, const int8_t *weights,
                                                 size_t count);

struct qconvolution {
    struct convolution_geometry geometry;
    // One of them; the others are null.
    const struct qgemm_kernel *gemm;
    const struct qbinned_kernel *binned;
    const struct qwinograd_kernel *winograd;
    const struct qnarrow_kernel *narrow;
    const struct qdepthwise_kernel *depthwise;
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
// weights: [o][i / groups][kernel_height][kernel_width]; packed: qconvolution_weight_bytes. A binned convolution writes as many
// of them as the weights call for; the others write all.
void qconvolution_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed);
// folded[c] = bias[c] - (zero point the kernel leaves in x) * sum of the weights of c; multipliers are padded with 0.
void qconvolution_pack_bias(const struct qconvolution *c, const int8_t *weights, const int32_t *bias, const float *multipliers,
                            int32_t *folded, float *padded_multipliers);
// Whether requantization.small holds, given the arrays above.
bool qconvolution_is_small(const struct qconvolution *c, const int8_t *weights, const int32_t *bias, const float *multipliers);
// Whether the packed weights are in the order [ceil(o / 16)][kernel_height][ceil(kernel_width * i / 4)][16][4], in which files keep them.
bool qconvolution_takes_o16k4(const struct qconvolution *c);
// As qconvolution_pack_bias, from weights in that order.
void qconvolution_fold_o16k4(const struct qconvolution *c, const int8_t *packed, const int32_t *bias, const float *multipliers,
                             int32_t *folded, float *padded_multipliers);
// As qconvolution_is_small, likewise.
bool qconvolution_is_small_o16k4(const struct qconvolution *c, const int8_t *packed, const int32_t *bias, const float *multipliers);
// Output rows [first_row, last_row) of output channels [first_channel, last_channel).
struct qconvolution_part {
    size_t first_row, last_row, first_channel, last_channel;
};
// Parts begin at channels that are multiples of so many; 0: they have all channels.
size_t qconvolution_channel_alignment(const struct qconvolution *c);
// Parts that begin at rows that are multiples of so many compute nothing twice.
size_t qconvolution_row_alignment(const struct qconvolution *c);
// Computes a part of an NHWC image. scratch: 64-byte aligned, qconvolution_scratch_bytes.
void qconvolution_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                      const struct qconvolution_part *part);
