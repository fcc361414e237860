// SPDX-License-Identifier: Apache-2.0
// What the forms of float convolution share.
#pragma once
#include "internal.h"

size_t fconvolution_round_up(size_t value, size_t multiple);

// Padding at the left or the right.
bool pads_sideways(const struct convolution_geometry *g);

// The low and high limits of the convolution's tiles, and the activation that is left to do after them, or null.
const struct activation_function *fconvolution_limits(const struct fconvolution *c, float *low, float *high);

// Multiplies `pixels` pixels that follow one another as the first tile of them, `row`, says (all but m), then applies f, if there is one.
void fgemm_row(const struct float_kernels *kernels, const struct fgemm_tile *row, size_t pixels, const struct activation_function *f);

// How many of `left` panels the tiles of the next columns take, for runs of `pixels`.
size_t fgemm_panels(const struct float_kernels *kernels, size_t left, size_t pixels);

// Where in packed weights of so many output channels (whole panels), for runs of `pixels`, column `column` begins; *width: the elements
// from one step of depth to the next.
size_t fgemm_column(const struct float_kernels *kernels, size_t outputs, size_t pixels, size_t depth, size_t column, size_t *width);

void fdepthwise_run_rows(const struct fconvolution *c, const float *input, const float *residual, float *output, size_t first_row,
                         size_t last_row);

bool fwinograd_pays(const struct fconvolution *c);
size_t fwinograd_strip_rows(const struct fconvolution *c);
size_t fwinograd_scratch_bytes(const struct fconvolution *c);
void fwinograd_pack(const struct fconvolution *c, const float *weights, enum fconvolution_order order, float *packed);
void fwinograd_run(const struct fconvolution *c, const float *input, const float *residual, float *output, void *scratch,
                   size_t first_row, size_t last_row);
