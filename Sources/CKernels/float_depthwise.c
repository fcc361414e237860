// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution reads its input where it lies: taps outside the image are left out, which a run of pixels says by a smaller window.
#include "float_driver.h"

// Channels of a depthwise convolution that are computed together: what their windows need stays in the first-level cache.
enum { DEPTHWISE_CHANNELS = 128 };

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Taps [first, last) of a window that begins at `start` lie inside an image of `size`.
struct taps {
    size_t first, last;
};
static struct taps taps_inside(ptrdiff_t start, size_t count, size_t dilation, size_t size) {
    struct taps taps = {0, 0};
    for (size_t i = 0; i < count; i++) {
        const ptrdiff_t at = start + (ptrdiff_t)(i * dilation);
        if (at < 0) taps.first = i + 1;
        if (at < (ptrdiff_t)size) taps.last = i + 1;
    }
    if (taps.last < taps.first) taps.last = taps.first;
    return taps;
}

// One row of some channels, of which `run` has the constants; `weights`, `input`, `output` and `residual` begin with the first of them.
static void run_depthwise_row(const struct convolution_geometry *g, struct fdepthwise_run run, const struct float_kernels *kernels,
                              const float *weights, const float *input, const float *residual, float *output, size_t y) {
    const ptrdiff_t top = (ptrdiff_t)(y * g->stride_y) - (ptrdiff_t)g->pad_top;
    const struct taps down = taps_inside(top, g->kernel_height, g->dilation_y, g->input_height);
    const size_t extent = (g->kernel_width - 1) * g->dilation_x + 1;
    for (size_t x = 0; x < g->output_width; x += run.pixels) {
        const ptrdiff_t left = (ptrdiff_t)(x * g->stride_x) - (ptrdiff_t)g->pad_left;
        const struct taps across = taps_inside(left, g->kernel_width, g->dilation_x, g->input_width);
        run.height = down.last - down.first;
        run.width = across.last - across.first;
        // Pixels whose windows are inside from side to side are one run.
        const bool whole = run.width == g->kernel_width;
        run.pixels = whole ? smaller(g->output_width - x, (g->input_width - (size_t)left - extent) / g->stride_x + 1) : 1;
        run.weights = weights + (down.first * g->kernel_width + across.first) * g->output_channels;
        run.input = input;
        if (run.height > 0 && run.width > 0)
            run.input += ((size_t)(top + (ptrdiff_t)(down.first * g->dilation_y)) * g->input_width
                          + (size_t)(left + (ptrdiff_t)(across.first * g->dilation_x)))
                * g->input_step;
        else
            run.height = run.width = 0;
        run.output = output + (y * g->output_width + x) * g->output_step;
        run.residual = residual ? residual + (y * g->output_width + x) * g->residual_step : NULL;
        kernels->depthwise(&run);
    }
}

void fdepthwise_run_rows(const struct fconvolution *c, const float *input, const float *residual, float *output, size_t first_row,
                         size_t last_row) {
    const struct convolution_geometry *g = &c->geometry;
    struct fdepthwise_run run = {
        .row_step = g->dilation_y * g->input_width * g->input_step,
        .pixel_step = g->stride_x * g->input_step,
        .tap_step = g->dilation_x * g->input_step,
        .weights_row_step = g->kernel_width * g->output_channels,
        .weights_step = g->output_channels,
        .output_step = g->output_step,
        .residual_step = g->residual_step,
    };
    const struct activation_function *f = fconvolution_limits(c, &run.low, &run.high);
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t channel = 0; channel < g->output_channels; channel += run.channels) {
            const size_t left = g->output_channels - channel;
            run.channels = left < 2 * DEPTHWISE_CHANNELS || g->kernel_width == 1 ? left : DEPTHWISE_CHANNELS;
            run.bias = c->bias + channel;
            run_depthwise_row(g, run, c->kernels, c->weights + channel, input + channel, residual ? residual + channel : NULL,
                              output + channel, y);
        }
        if (f) c->kernels->activate(f, g->output_width, g->output_channels, output + y * g->output_width * g->output_step, g->output_step);
    }
}
