// SPDX-License-Identifier: Apache-2.0
// Runs the float32 convolutions of every instruction set that this processor has against a definition in double, and from weights in both orders.
#include "check-float-kernels.h"
#include "kernels.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 7;
static size_t between(size_t low, size_t high) { // xorshift64
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return low + state % (high - low + 1);
}

static float *random_floats(size_t count) {
    float *numbers = malloc((count ? count : 1) * sizeof *numbers);
    for (size_t i = 0; i < count; i++) numbers[i] = (float)between(0, 2000) * 0.001f - 1;
    return numbers;
}

static void *cache_lines(size_t bytes) { return aligned_alloc(64, (bytes + 64) / 64 * 64); }

// [o][i][tap] in the order O16.
static float *in_panels(const struct convolution_geometry *g, const float *w) {
    const size_t taps = g->kernel_height * g->kernel_width, depth = taps * g->input_channels, padded = (g->output_channels + 15) / 16 * 16;
    float *panels = cache_lines(padded * depth * sizeof *panels);
    memset(panels, 0, padded * depth * sizeof *panels);
    for (size_t o = 0; o < g->output_channels; o++)
        for (size_t i = 0; i < g->input_channels; i++)
            for (size_t t = 0; t < taps; t++)
                panels[(o / 16 * depth + t * g->input_channels + i) * 16 + o % 16] = w[(o * g->input_channels + i) * taps + t];
    return panels;
}

// The sum of one output, and in *size that of its terms' magnitudes.
static double defined(const struct convolution_geometry *g, const float *x, const float *w, const float *bias, size_t y, size_t x0, size_t o, double *size) {
    const size_t inputs = g->input_channels / g->groups, group = o / (g->output_channels / g->groups);
    double sum = bias[o];
    *size = fabs(sum);
    for (size_t ky = 0; ky < g->kernel_height; ky++)
        for (size_t kx = 0; kx < g->kernel_width; kx++) {
            const long iy = (long)(y * g->stride_y + ky * g->dilation_y) - (long)g->pad_top;
            const long ix = (long)(x0 * g->stride_x + kx * g->dilation_x) - (long)g->pad_left;
            if (iy < 0 || ix < 0 || iy >= (long)g->input_height || ix >= (long)g->input_width) continue;
            for (size_t i = 0; i < inputs; i++) {
                const double product = (double)x[((size_t)iy * g->input_width + (size_t)ix) * g->input_step + group * inputs + i]
                    * (double)w[((o * inputs + i) * g->kernel_height + ky) * g->kernel_width + kx];
                sum += product;
                *size += fabs(product);
            }
        }
    return sum;
}

static size_t check(const struct float_kernels *kernels, struct convolution_geometry g, bool winograd) {
    g.output_height = (g.input_height + 2 * g.pad_top - (g.kernel_height - 1) * g.dilation_y - 1) / g.stride_y + 1;
    g.output_width = (g.input_width + 2 * g.pad_left - (g.kernel_width - 1) * g.dilation_x - 1) / g.stride_x + 1;
    g.input_step = g.input_channels + between(0, 1) * between(0, 5);
    g.output_step = g.residual_step = g.output_channels + between(0, 1) * between(0, 5);
    struct fconvolution c = {.geometry = g, .kernels = kernels, .activation = {.kind = ACTIVATION_CLAMP, .p = -2, .q = 3}};
    c.method = winograd ? FCONVOLUTION_WINOGRAD : fconvolution_choose_method(&c) == FCONVOLUTION_DEPTHWISE ? FCONVOLUTION_DEPTHWISE : FCONVOLUTION_DIRECT;
    c.strip_rows = fconvolution_choose_strip(&c);
    const size_t depth = g.kernel_height * g.kernel_width * g.input_channels / g.groups, count = g.output_height * g.output_width * g.output_step;
    float *x = random_floats(g.input_height * g.input_width * g.input_step), *w = random_floats(g.output_channels * depth), *b = random_floats(g.output_channels);
    float *packed = cache_lines(fconvolution_weight_count(&c) * sizeof *packed), *padded = cache_lines(fconvolution_bias_count(&c) * sizeof *padded);
    void *scratch = cache_lines(fconvolution_scratch_bytes(&c));
    float *y = malloc(count * sizeof *y), *again = malloc(count * sizeof *again);
    for (size_t i = 0; i < count; i++) y[i] = again[i] = 9;
    fconvolution_pack_weights(&c, w, FCONVOLUTION_CANONICAL, packed);
    fconvolution_pack_bias(&c, b, padded);
    c.weights = packed;
    c.bias = padded;
    const struct fconvolution_part whole = {0, g.output_height, 0, g.output_channels};
    fconvolution_run(&c, x, NULL, y, scratch, &whole);
    size_t failures = 0;
    for (size_t i = 0; i < count && !failures; i++) {
        const size_t o = i % g.output_step, pixel = i / g.output_step;
        double size = 0, want = 9, bound = 0;
        if (o < g.output_channels) {
            want = fmin(fmax(defined(&g, x, w, b, pixel / g.output_width, pixel % g.output_width, o, &size), -2), 3);
            // What float_winograd.c derives is below 100 times what holds for one chain.
            bound = (double)(depth + 2) * 0x1p-24 * size * (winograd ? 100 : 1) + (winograd ? 1e-5 : 0);
        }
        failures += !(fabs((double)y[i] - want) <= bound);
    }
    if (g.groups == 1 && c.method != FCONVOLUTION_DEPTHWISE) {
        float *panels = in_panels(&g, w);
        if (fconvolution_takes_o16(&c)) {
            c.weights = panels;
        } else {
            memset(packed, 0, fconvolution_weight_count(&c) * sizeof *packed);
            fconvolution_pack_weights(&c, panels, FCONVOLUTION_O16, packed);
        }
        fconvolution_run(&c, x, NULL, again, scratch, &whole);
        failures += memcmp(y, again, count * sizeof *y) != 0;
        free(panels);
    }
    if (failures)
        printf("%s: input %zux%zux%zu, kernel %zux%zu, groups %zu, %zu outputs%s differs\n", kernels->name, g.input_height, g.input_width,
               g.input_channels, g.kernel_height, g.kernel_width, g.groups, g.output_channels, winograd ? ", Winograd" : "");
    free(x), free(w), free(b), free(packed), free(padded), free(scratch), free(y), free(again);
    return failures != 0;
}

size_t check_float_kernels(uint32_t isa, size_t *checks) {
    size_t failures = 0;
    for (size_t k = 0; k < float_kernels_count(); k++) {
        const struct float_kernels *kernels = float_kernels_at(k);
        if (kernels->isa & ~isa) {
            printf("skipped: %s\n", kernels->name);
            continue;
        }
        for (size_t n = 0; n < 600; n++) {
            const size_t groups = n % 5 ? 1 : between(1, 3), size = between(0, 1) ? 1 : between(1, 3);
            struct convolution_geometry g = {
                .input_channels = groups * between(1, 40), .output_channels = groups * between(1, 90), .groups = groups, .kernel_height = size,
                .kernel_width = between(0, 3) ? size : between(1, 3), .stride_y = between(1, 2), .stride_x = between(1, 2), .dilation_y = 1,
                .dilation_x = between(1, 2), .pad_top = between(0, size - 1),
            };
            g.pad_left = between(0, g.kernel_width - 1);
            g.input_height = g.kernel_height + between(0, 8);
            g.input_width = (g.kernel_width - 1) * g.dilation_x + between(1, 30);
            if (n % 7 == 0) g.output_channels = g.groups = g.input_channels; // depthwise
            if (n % 11 == 0) g.input_height = g.input_width = g.kernel_height = g.kernel_width = g.dilation_x = 1, g.pad_top = g.pad_left = 0;
            failures += check(kernels, g, false);
        }
        for (size_t n = 0; n < 60; n++)
            failures += check(kernels,
                              (struct convolution_geometry){.input_channels = 16 * between(1, 3), .output_channels = 16 * between(1, 6), .groups = 1, .kernel_height = 3,
                                                            .kernel_width = 3, .stride_y = 1, .stride_x = 1, .dilation_y = 1, .dilation_x = 1, .pad_top = between(0, 1),
                                                            .pad_left = between(0, 1), .input_height = between(3, 20), .input_width = between(3, 20)},
                              true);
        *checks += 660;
        printf("checked: %s\n", kernels->name);
    }
    return failures;
}
