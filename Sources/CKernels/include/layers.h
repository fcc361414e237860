// SPDX-License-Identifier: Apache-2.0
// Layers that are bound by memory rather than multiplications: pooling, means, binary operations, tables, activations.
// One source, compiled for each instruction set of vector_kernels_at.
#pragma once
#include "quantized.h"

struct pooling_geometry {
    size_t input_height, input_width, channels, output_height, output_width;
    size_t kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x;
    size_t pad_top, pad_left, pad_bottom, pad_right;
    size_t input_step, output_step; // elements from pixel to pixel, at least `channels`
    bool counts_padding;
};

// The collapsed iteration space of a broadcast: `outer` loops, outermost first, around runs of `inner` elements.
enum { BROADCAST_LOOPS = 6 };
struct broadcast {
    size_t loops;
    size_t count[BROADCAST_LOOPS];
    size_t a_stride[BROADCAST_LOOPS], b_stride[BROADCAST_LOOPS], output_stride[BROADCAST_LOOPS]; // elements
    size_t inner, a_step, b_step; // steps 0 or 1
};

// Elements from one position of the last axis but one to the next, at least the size of the last axis; 0 where there are no gaps.
struct broadcast_steps {
    size_t a, b, output;
};

// Shapes of equal rank, outermost first. False where they don't broadcast or need more loops than there are.
bool broadcast_make(struct broadcast *p, size_t rank, const size_t *a, const size_t *b, struct broadcast_steps steps);
// The outer loops taken as one.
size_t broadcast_iterations(const struct broadcast *p);

enum binary_operation { BINARY_ADD, BINARY_SUBTRACT, BINARY_MULTIPLY, BINARY_DIVIDE };

// add, subtract: t = (float)(a - za) * ma, u = (float)(b - zb) * mb, rhe(t +- u) + zo; multiply: (float)((a - za) * (b - zb)) * ma.
struct qbinary {
    int32_t operation;
    int32_t a_zero_point, b_zero_point, zero_point, lower, upper;
    float a_multiplier, b_multiplier;
    struct broadcast broadcast;
};

enum activation {
    ACTIVATION_CLAMP,        // min(max(x, p), q); none, relu, clip
    ACTIVATION_LEAKY_RELU,   // x < 0 ? p * x : x
    ACTIVATION_SIGMOID,      // 1 / (1 + exp(-x))
    ACTIVATION_HARD_SIGMOID, // min(max(p * x + q, 0), 1)
    ACTIVATION_HARD_SWISH,   // x * min(max(x / 6 + 1/2, 0), 1)
    ACTIVATION_SILU,         // x / (1 + exp(-x))
};
struct activation_function {
    int32_t kind;
    float p, q;
};

struct fbinary {
    int32_t operation;
    struct activation_function activation;
    struct broadcast broadcast;
};

struct vector_kernels {
    const char *name;
    uint32_t isa;
    void (*max_pool_u8)(const struct pooling_geometry *g, const uint8_t *input, uint8_t *output, size_t first_row, size_t last_row);
    // multipliers: by the number of positions that count, 0 ... kernel size.
    void (*average_pool_u8)(const struct pooling_geometry *g, int32_t input_zero_point, const float *multipliers, int32_t zero_point,
                            const uint8_t *input, uint8_t *output, size_t first_row, size_t last_row);
    // Channels [first, last) of the mean over `pixels` pixels, `step` elements apart.
    void (*mean_u8)(size_t pixels, size_t step, int32_t input_zero_point, float multiplier, int32_t zero_point,
                    const uint8_t *input, uint8_t *output, size_t first, size_t last);
    // Iterations [first, last) of the outer loops taken as one; the output overlaps neither operand.
    void (*binary_u8)(const struct qbinary *p, const uint8_t *a, const uint8_t *b, uint8_t *output, size_t first, size_t last);
    // output[i] = table[input[i]] for `rows` rows of `count` elements, the steps apart; input and output may be the same.
    void (*table_u8)(const uint8_t *table, size_t rows, size_t count, const uint8_t *input, size_t input_step, uint8_t *output,
                     size_t output_step);
    void (*quantize)(float scale, int32_t zero_point, const float *input, uint8_t *output, size_t count);
    void (*dequantize)(float scale, int32_t zero_point, const uint8_t *input, float *output, size_t count);

    void (*max_pool_f32)(const struct pooling_geometry *g, const float *input, float *output, size_t first_row, size_t last_row);
    void (*average_pool_f32)(const struct pooling_geometry *g, const float *input, float *output, size_t first_row, size_t last_row);
    void (*mean_f32)(size_t pixels, size_t step, const float *input, float *output, size_t first, size_t last);
    void (*binary_f32)(const struct fbinary *p, const float *a, const float *b, float *output, size_t first, size_t last);
    void (*activate)(const struct activation_function *f, const float *input, float *output, size_t count);
    // Rows of `count` logits; input and output may be the same.
    void (*softmax)(size_t rows, size_t count, const float *input, float *output);
} __attribute__((swift_attr("@Sendable")));

size_t vector_kernels_count(void);
const struct vector_kernels *vector_kernels_at(size_t index);
const struct vector_kernels *vector_kernels_choose(uint32_t isa);
