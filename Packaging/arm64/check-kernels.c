// SPDX-License-Identifier: Apache-2.0
// Runs every kernel of the list that this processor has against definitions of its own, bit for bit. For machines without Swift,
// above all aarch64 under emulation; what Swift tests run on x86-64 is KernelsTests.
#include "check-float-kernels.h"
#include "kernels.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;
static uint64_t random_bits(void) { // SplitMix64
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}
static size_t between(size_t low, size_t high) { return low + random_bits() % (high - low + 1); }
static float scale(void) { return 0.004f + 0.026f * (float)(random_bits() >> 40) * 0x1p-24f; }

static size_t checks, failures;


static uint8_t *random_bytes(size_t count) {
    uint8_t *bytes = malloc(count ? count : 1);
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)random_bits();
    return bytes;
}

static float volatile_product(float a, float b) {
    volatile float product = a * b; // rounded by itself, whatever the compiler would contract
    return product;
}

// The definition of one output value as the bits that are stored.
static uint32_t expected(const struct qconvolution *c, const uint8_t *x, const int8_t *w, const int32_t *bias, const float *multipliers,
                         const uint8_t *residual, size_t y, size_t x0, size_t o) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t inputs = g->input_channels / g->groups, group = o / (g->output_channels / g->groups);
    int64_t sum = bias[o];
    for (size_t ky = 0; ky < g->kernel_height; ky++)
        for (size_t kx = 0; kx < g->kernel_width; kx++) {
            const long iy = (long)(y * g->stride_y + ky * g->dilation_y) - (long)g->pad_top;
            const long ix = (long)(x0 * g->stride_x + kx * g->dilation_x) - (long)g->pad_left;
            if (iy < 0 || ix < 0 || iy >= (long)g->input_height || ix >= (long)g->input_width) continue;
            for (size_t i = 0; i < inputs; i++) {
                const int value = x[((size_t)iy * g->input_width + (size_t)ix) * g->input_step + group * inputs + i];
                const int factor = w[((o * inputs + i) * g->kernel_height + ky) * g->kernel_width + kx];
                sum += (value - c->input_zero_point) * factor;
            }
        }
    const struct requantization *r = &c->requantization;
    float real = volatile_product((float)(int32_t)sum, multipliers[o]);
    if (residual) {
        const uint8_t value = residual[(y * g->output_width + x0) * g->residual_step + o];
        real += volatile_product((float)(value - r->residual_zero_point), r->residual_multiplier);
    }
    uint32_t bits;
    if (r->float_output) {
        real = fminf(fmaxf(real, r->low), r->high);
        memcpy(&bits, &real, sizeof bits);
        return bits;
    }
    real = fminf(fmaxf(real, -16777216.0f), 16777216.0f);
    const int32_t q = (int32_t)rintf(real) + r->zero_point;
    return (uint32_t)(q < r->lower ? r->lower : q > r->upper ? r->upper : q);
}

static void check_kind(struct qconvolution c, const char *name, bool extremes) {
    const struct convolution_geometry g = c.geometry;
    const size_t below = between(0, g.pad_top), right = between(0, g.pad_left);
    c.geometry.output_height = (g.input_height + g.pad_top + below - (g.kernel_height - 1) * g.dilation_y - 1) / g.stride_y + 1;
    c.geometry.output_width = (g.input_width + g.pad_left + right - (g.kernel_width - 1) * g.dilation_x - 1) / g.stride_x + 1;
    const size_t outputs = g.output_channels, pixels = c.geometry.output_height * c.geometry.output_width;
    // Steps beyond the channels: images that are parts of wider ones.
    c.geometry.input_step = g.input_channels + between(0, 1) * between(0, 9);
    c.geometry.output_step = outputs + between(0, 1) * between(0, 9);
    c.geometry.residual_step = outputs + between(0, 1) * between(0, 9);
    const size_t input_bytes = (g.input_height * g.input_width - 1) * c.geometry.input_step + g.input_channels;
    const size_t count = (pixels - 1) * c.geometry.output_step + outputs;
    const size_t depth = g.input_channels / g.groups * g.kernel_height * g.kernel_width;
    c.input_zero_point = (uint8_t)(random_bits() % 3 == 0 ? 0 : random_bits());
    c.requantization = (struct requantization){
        .zero_point = (int32_t)between(0, 255), .lower = (int32_t)between(0, 100), .upper = (int32_t)between(150, 255),
        .residual_zero_point = (int32_t)between(0, 255), .residual_multiplier = scale() * 60,
        .float_output = between(0, 3) == 0, .low = -0.5f, .high = INFINITY,
    };
    if (between(0, 2) == 0) c.requantization.zero_point = c.requantization.lower = 0, c.requantization.upper = 255; // as after relu
    uint8_t *x = random_bytes(input_bytes);
    int8_t *w = (int8_t *)random_bytes(outputs * depth);
    for (size_t i = 0; i < outputs * depth; i++) w[i] = extremes ? (w[i] < 0 ? -127 : 127) : w[i] == -128 ? 0 : w[i];
    if (c.narrow)
        for (size_t i = 0; i < outputs * depth; i++) w[i] = extremes ? (w[i] < 0 ? -8 : 7) : w[i] >> 4;
    if (extremes)
        for (size_t i = 0; i < input_bytes; i++) x[i] = x[i] < 128 ? 0 : 255;
    uint8_t *residual = between(0, 1) ? random_bytes((pixels - 1) * c.geometry.residual_step + outputs) : NULL;
    int32_t *bias = malloc(outputs * sizeof *bias);
    float *multipliers = malloc(outputs * sizeof *multipliers);
    for (size_t o = 0; o < outputs; o++) {
        bias[o] = (int32_t)between(0, 40000) - 20000;
        multipliers[o] = scale() / sqrtf((float)depth) * (between(0, 9) ? 1 : 60);
    }
    if (between(0, 9) == 0) multipliers[0] = 1e6f;
    c.requantization.small = between(0, 4) ? qconvolution_is_small(&c, w, bias, multipliers) : false;
    c.requantization.bounded = requantization_is_bounded(&c.requantization, multipliers, outputs);
    qconvolution_choose_strip(&c);
    const size_t padded = qconvolution_padded_outputs(&c);
    void *packed = malloc(qconvolution_weight_bytes(&c));
    int32_t *folded = malloc(padded * sizeof *folded);
    float *padded_multipliers = malloc(padded * sizeof *padded_multipliers);
    qconvolution_pack_weights(&c, w, packed);
    if (qconvolution_takes_o16k4(&c))
        failures += qconvolution_is_small_o16k4(&c, packed, bias, multipliers) != qconvolution_is_small(&c, w, bias, multipliers);
    qconvolution_pack_bias(&c, w, bias, multipliers, folded, padded_multipliers);
    if (qconvolution_takes_o16k4(&c)) {
        int32_t *others = malloc(padded * sizeof *others);
        qconvolution_fold_o16k4(&c, packed, bias, multipliers, others, padded_multipliers);
        failures += memcmp(others, folded, padded * sizeof *others) != 0;
        free(others);
    }
    c.weights = packed;
    c.bias = folded;
    c.multipliers = padded_multipliers;
    const size_t scratch_bytes = (qconvolution_scratch_bytes(&c) + 63) / 64 * 64;
    void *scratch = aligned_alloc(64, scratch_bytes ? scratch_bytes : 64);
    const size_t element = c.requantization.float_output ? 4 : 1;
    uint8_t *output = malloc(count * element);
    memset(output, 0x55, count * element);
    const size_t middle = between(0, c.geometry.output_height);
    const size_t alignment = qconvolution_channel_alignment(&c), blocks = alignment ? (outputs + alignment - 1) / alignment : 0;
    const size_t between_channels = blocks > 1 ? between(0, (uint32_t)blocks - 1) * alignment : 0;
    const struct qconvolution_part parts[] = {{middle, c.geometry.output_height, between_channels, outputs},
                                              {0, middle, between_channels, outputs},
                                              {0, c.geometry.output_height, 0, between_channels}};
    for (size_t i = 0; i < (between_channels ? 3 : 2); i++) qconvolution_run(&c, x, residual, output, scratch, &parts[i]);
    checks++;
    for (size_t i = 0; i < count; i++) {
        const size_t o = i % c.geometry.output_step, pixel = i / c.geometry.output_step;
        uint32_t want = element == 4 ? 0x55555555 : 0x55, found = 0; // between pixels nothing changes
        if (o < outputs)
            want = expected(&c, x, w, bias, multipliers, residual, pixel / c.geometry.output_width, pixel % c.geometry.output_width, o);
        memcpy(&found, output + i * element, element);
        if (found == want) continue;
        failures++;
        printf("%s: input %zux%zux%zu, kernel %zux%zu, groups %zu, %zu outputs: element %zu is %#x instead of %#x\n", name, g.input_height,
               g.input_width, g.input_channels, g.kernel_height, g.kernel_width, g.groups, outputs, i, found, want);
        break;
    }
    free(x), free(w), free(residual), free(bias), free(multipliers), free(packed), free(folded), free(padded_multipliers), free(scratch), free(output);
}

static void check(const struct qgemm_kernel *gemm, const struct qdepthwise_kernel *depthwise, struct convolution_geometry g, bool extremes) {
    check_kind((struct qconvolution){.geometry = g, .gemm = gemm, .depthwise = depthwise}, gemm ? gemm->name : depthwise->name, extremes);
}

static struct convolution_geometry random_geometry(bool depthwise) {
    const size_t groups = depthwise ? between(1, 200) : (size_t[]){1, 1, 1, 2, 3}[between(0, 4)];
    struct convolution_geometry g = {
        .kernel_height = (size_t[]){1, 3, 3, 5, 2}[between(0, 4)], .stride_y = between(1, 2), .stride_x = between(1, 2), .dilation_y = between(1, 2),
        .dilation_x = between(1, 2), .groups = groups, .input_channels = groups * (depthwise ? 1 : between(1, 40)),
        .output_channels = groups * (depthwise ? 1 : between(1, 40)),
    };
    g.kernel_width = between(0, 3) ? g.kernel_height : between(1, 3);
    if (between(0, 1)) g.dilation_x = g.dilation_y = g.stride_x = g.stride_y = 1;
    g.pad_top = between(0, g.kernel_height / 2);
    g.pad_left = between(0, g.kernel_width / 2);
    g.input_height = between((g.kernel_height - 1) * g.dilation_y + 1, 12);
    g.input_width = between((g.kernel_width - 1) * g.dilation_x + 1, between(0, 2) ? 12 : 50);
    return g;
}

static void check_pooling(const struct vector_kernels *kernels) {
    const size_t size = between(1, 3) < 3 ? 3 : between(1, 4);
    struct pooling_geometry g = {
        .input_height = between(7, 12), .input_width = between(7, 12), .channels = (size_t[]){3, 15, 16, 24, 40, 64, 72, 130}[between(0, 7)],
        .kernel_height = size, .kernel_width = size, .stride_y = between(1, 3), .stride_x = between(1, 3), .dilation_y = 1, .dilation_x = 1,
        .pad_top = between(0, size / 2), .pad_left = between(0, size / 2), .pad_bottom = between(0, size / 2), .pad_right = between(0, size / 2),
    };
    if (between(0, 5) == 0 && size < 4) g.dilation_x = 2;
    g.input_step = g.channels + between(0, 1) * between(1, 70);
    g.output_step = g.channels + between(0, 1) * between(1, 70);
    // A last window may hang over the end, as in ceiling mode.
    const size_t hang = between(0, 1);
    g.output_height = (g.input_height + g.pad_top + g.pad_bottom - size + hang * (g.stride_y - 1)) / g.stride_y + 1;
    g.output_width = (g.input_width + g.pad_left + g.pad_right - (size - 1) * g.dilation_x - 1 + hang * (g.stride_x - 1)) / g.stride_x + 1;
    while ((g.output_height - 1) * g.stride_y >= g.input_height + g.pad_top) g.output_height--;
    while ((g.output_width - 1) * g.stride_x >= g.input_width + g.pad_left) g.output_width--;
    const size_t count = (g.output_height * g.output_width - 1) * g.output_step + g.channels;
    uint8_t *x = random_bytes((g.input_height * g.input_width - 1) * g.input_step + g.channels), *y = malloc(count);
    memset(y, 0x55, count);
    kernels->max_pool_u8(&g, x, y, 1, g.output_height);
    kernels->max_pool_u8(&g, x, y, 0, 1);
    checks++;
    for (size_t i = 0; i < count; i++) {
        const size_t c = i % g.output_step, pixel = i / g.output_step;
        uint8_t want = c < g.channels ? 0 : 0x55;
        for (size_t ky = 0; c < g.channels && ky < size; ky++)
            for (size_t kx = 0; kx < size; kx++) {
                const long iy = (long)(pixel / g.output_width * g.stride_y + ky * g.dilation_y) - (long)g.pad_top;
                const long ix = (long)(pixel % g.output_width * g.stride_x + kx * g.dilation_x) - (long)g.pad_left;
                if (iy < 0 || ix < 0 || iy >= (long)g.input_height || ix >= (long)g.input_width) continue;
                const uint8_t value = x[((size_t)iy * g.input_width + (size_t)ix) * g.input_step + c];
                want = value > want ? value : want;
            }
        if (y[i] == want) continue;
        failures++;
        printf("max pool %s: %zux%zu stride %zu of %zux%zux%zu: element %zu is %d instead of %d\n", kernels->name, size, size, g.stride_x,
               g.input_height, g.input_width, g.channels, i, y[i], want);
        break;
    }
    free(x), free(y);
}

static void check_scaling(const struct vector_kernels *kernels) {
    const size_t pixels = between(1, 9), channels = between(1, 150), a_step = channels + between(0, 9), step = channels + between(0, 9);
    struct qbinary p = {.operation = BINARY_MULTIPLY, .a_zero_point = 13, .b_zero_point = 200, .zero_point = 77, .lower = 5, .upper = 250, .a_multiplier = scale()};
    const size_t shape[] = {pixels, channels}, factors[] = {1, channels}, count = (pixels - 1) * step + channels;
    const bool swapped = between(0, 1);
    if (swapped ? !broadcast_make(&p.broadcast, 2, factors, shape, (struct broadcast_steps){0, a_step, step})
                : !broadcast_make(&p.broadcast, 2, shape, factors, (struct broadcast_steps){a_step, 0, step}))
        return;
    if (swapped) p.a_zero_point = 200, p.b_zero_point = 13;
    uint8_t *a = random_bytes((pixels - 1) * a_step + channels), *b = random_bytes(channels), *q = malloc(count);
    memset(q, 0x55, count);
    kernels->binary_u8(&p, swapped ? b : a, swapped ? a : b, q, 0, broadcast_iterations(&p.broadcast));
    checks++;
    for (size_t i = 0; i < count; i++) {
        const size_t c = i % step;
        const float real = c < channels ? volatile_product((float)((a[i / step * a_step + c] - 13) * (b[c] - 200)), p.a_multiplier) : 0;
        failures += q[i] != (c < channels ? (uint8_t)fminf(fmaxf(rintf(real) + 77, 5), 250) : 0x55);
    }
    free(a), free(b), free(q);
}

static void check_tables(const struct vector_kernels *kernels) {
    const size_t rows = between(1, 4), count = between(1, 200), input_step = count + between(0, 9), step = count + between(0, 9);
    uint8_t *table = random_bytes(256), *x = random_bytes(rows * input_step), *y = malloc(rows * step);
    memset(y, 0x55, rows * step);
    kernels->table_u8(table, rows, count, x, input_step, y, step);
    checks++;
    for (size_t i = 0; i < rows * step; i++)
        failures += y[i] != (i % step < count ? table[x[i / step * input_step + i % step]] : 0x55);
    free(table), free(x), free(y);
}

static void check_vectors(const struct vector_kernels *kernels) {
    for (size_t n = 0; n < 1000; n++) {
        check_pooling(kernels);
        check_scaling(kernels);
        check_tables(kernels);
    }
    for (size_t count = 0; count < 70; count++) {
        checks++;
        uint8_t *a = random_bytes(count), *b = random_bytes(count), *q = malloc(count + 1);
        float *reals = malloc((count + 1) * sizeof *reals);
        const float s = scale();
        const int32_t zero_point = (int32_t)between(0, 255);
        kernels->dequantize(s, zero_point, a, reals, count);
        for (size_t i = 0; i < count; i++) failures += reals[i] != s * (float)(a[i] - zero_point);
        for (size_t i = 0; i < count; i++) reals[i] *= 1.1f;
        kernels->quantize(s, zero_point, reals, q, count);
        for (size_t i = 0; i < count; i++) {
            const float value = rintf(reals[i] / s) + (float)zero_point;
            failures += q[i] != (uint8_t)fminf(fmaxf(value, 0), 255);
        }
        if (count > 0 && between(0, 3) == 0) {
            const size_t at = between(0, count - 1);
            const float odd[] = {INFINITY, -INFINITY, NAN, 1e30f, -1e30f, 0.5f * s, -2.5f * s};
            const float value = odd[between(0, 6)];
            uint8_t one;
            reals[at] = value;
            kernels->quantize(s, zero_point, reals, q, count);
            const float scaled = value / s;
            const float rounded = scaled != scaled ? (float)zero_point : rintf(fminf(fmaxf(scaled, -1e6f), 1e6f)) + (float)zero_point;
            one = (uint8_t)fminf(fmaxf(rounded, 0), 255);
            failures += q[at] != one;
        }
        uint8_t table[256];
        for (size_t i = 0; i < 256; i++) table[i] = (uint8_t)random_bits();
        const size_t rows = between(1, 3), step = count + between(0, 3);
        uint8_t *wide = random_bytes(rows * step + 1), *looked_up = malloc(rows * (step + 1) + 1);
        kernels->table_u8(table, rows, count, wide, step, looked_up, step + 1);
        for (size_t y = 0; y < rows; y++)
            for (size_t i = 0; i < count; i++) failures += looked_up[y * (step + 1) + i] != table[wide[y * step + i]];
        free(wide), free(looked_up);
        struct qbinary p = {.a_zero_point = 13, .b_zero_point = 200, .zero_point = 77, .lower = 5, .upper = 250, .a_multiplier = scale() * 30, .b_multiplier = scale() * 30};
        // Both operands as they are, then one value for each of the two.
        for (size_t kind = 0; count > 0 && kind < 3; kind++) {
            const size_t one = 1;
            if (!broadcast_make(&p.broadcast, 1, kind == 1 ? &one : &count, kind == 2 ? &one : &count, (struct broadcast_steps){0})) failures++;
            for (p.operation = BINARY_ADD; p.operation <= BINARY_MULTIPLY; p.operation++) {
                kernels->binary_u8(&p, a, b, q, 0, broadcast_iterations(&p.broadcast));
                for (size_t i = 0; i < count; i++) {
                    const int x = a[kind == 1 ? 0 : i] - 13, y = b[kind == 2 ? 0 : i] - 200;
                    const float t = volatile_product((float)x, p.a_multiplier), u = volatile_product((float)y, p.b_multiplier);
                    const float real = p.operation == BINARY_ADD ? t + u : p.operation == BINARY_SUBTRACT ? t - u : volatile_product((float)(x * y), p.a_multiplier);
                    failures += q[i] != (uint8_t)fminf(fmaxf(rintf(real) + 77, 5), 250);
                }
            }
        }
        free(a), free(b), free(q), free(reals);
    }
}

int main(void) {
    const uint32_t isa = isa_detect();
    for (size_t i = 0; i < qgemm_kernel_count(); i++) {
        const struct qgemm_kernel *kernel = qgemm_kernel_at(i);
        if (kernel->isa & ~isa) {
            printf("skipped: %s\n", kernel->name);
            continue;
        }
        for (size_t depth = 1; depth <= 70; depth++)
            for (size_t outputs = 1; outputs <= 34; outputs += 3)
                check(kernel, NULL,
                      (struct convolution_geometry){.input_height = between(1, 26), .input_width = 1, .input_channels = depth, .output_channels = outputs,
                                                    .kernel_height = 1, .kernel_width = 1, .stride_y = 1, .stride_x = 1, .dilation_y = 1,
                                                    .dilation_x = 1, .groups = 1},
                      depth % 7 == 0);
        // Every number of pixels and of output channels that a tile can have.
        for (size_t pixels = 1; pixels <= 2 * (size_t)kernel->mr; pixels++)
            for (size_t outputs = 1; outputs <= (size_t)kernel->nr + 17; outputs++)
                check(kernel, NULL,
                      (struct convolution_geometry){.input_height = 1, .input_width = pixels, .input_channels = between(1, 50), .output_channels = outputs,
                                                    .kernel_height = 1, .kernel_width = 1, .stride_y = 1, .stride_x = 1, .dilation_y = 1,
                                                    .dilation_x = 1, .groups = 1},
                      outputs % 5 == 0);
        for (size_t depth = 4600; depth < 4610; depth++)
            check(kernel, NULL,
                  (struct convolution_geometry){.input_height = 3, .input_width = 2, .input_channels = depth, .output_channels = 17, .kernel_height = 1,
                                                .kernel_width = 1, .stride_y = 1, .stride_x = 1, .dilation_y = 1, .dilation_x = 1, .groups = 1},
                  true);
        for (size_t n = 0; n < 400; n++) check(kernel, NULL, random_geometry(false), n % 4 == 0);
        printf("checked: %s\n", kernel->name);
    }
    for (size_t i = 0; i < qbinned_kernel_count(); i++) {
        const struct qbinned_kernel *kernel = qbinned_kernel_at(i);
        if (kernel->isa & ~isa) {
            printf("skipped: %s\n", kernel->name);
            continue;
        }
        for (size_t n = 0; n < 1200; n++) {
            struct qconvolution c = {.geometry = random_geometry(false), .binned = kernel};
            if (n % 3 == 0) c.geometry.input_channels *= between(1, 12); // several chunks of depth
            check_kind(c, kernel->name, n % 4 == 0);
        }
        printf("checked: %s\n", kernel->name);
    }
    for (size_t i = 0; i < qwinograd_kernel_count(); i++) {
        const struct qwinograd_kernel *kernel = qwinograd_kernel_at(i);
        if (kernel->isa & ~isa) {
            printf("skipped: %s\n", kernel->name);
            continue;
        }
        for (size_t n = 0; n < 400; n++) {
            struct qconvolution c = {.geometry = random_geometry(false), .winograd = kernel};
            c.geometry.kernel_height = c.geometry.kernel_width = 3;
            c.geometry.stride_y = c.geometry.stride_x = c.geometry.dilation_y = c.geometry.dilation_x = c.geometry.groups = 1;
            c.geometry.input_height += 2;
            c.geometry.input_width += 2;
            check_kind(c, kernel->name, n % 4 == 0);
        }
        printf("checked: %s\n", kernel->name);
    }
    for (size_t i = 0; i < qnarrow_kernel_count(); i++) {
        const struct qnarrow_kernel *kernel = qnarrow_kernel_at(i);
        if (kernel->isa & ~isa) {
            printf("skipped: %s\n", kernel->name);
            continue;
        }
        for (size_t n = 0; n < 400; n++) {
            const size_t pixels = between(1, 4);
            check_kind((struct qconvolution){.narrow = kernel, .geometry = {
                           .input_height = pixels, .input_width = 1, .input_channels = between(1, between(0, 9) ? 90 : 1100), .output_channels = between(1, 300),
                           .kernel_height = 1, .kernel_width = 1, .stride_y = 1, .stride_x = 1, .dilation_y = 1, .dilation_x = 1, .groups = 1}},
                       kernel->name, n % 4 == 0);
        }
        printf("checked: %s\n", kernel->name);
    }
    for (size_t i = 0; i < qdepthwise_kernel_count(); i++) {
        const struct qdepthwise_kernel *kernel = qdepthwise_kernel_at(i);
        if (kernel->isa & ~isa) {
            printf("skipped: %s\n", kernel->name);
            continue;
        }
        size_t ran = 0;
        for (size_t n = 0; n < 4000 && ran < 400; n++) {
            const struct convolution_geometry g = random_geometry(true);
            if (kernel->size && ((size_t)kernel->size != g.kernel_height || (size_t)kernel->size != g.kernel_width)) continue;
            check(NULL, kernel, g, n % 4 == 0);
            ran++;
        }
        // Every width of images whose pixels fill vectors.
        for (size_t width = 1; width <= 24; width++)
            for (size_t n = 0; n < 24; n++) {
                const size_t channels = (size_t)8 << n % 4, size = kernel->size ? (size_t)kernel->size : 3;
                check(NULL, kernel,
                      (struct convolution_geometry){.input_height = size + 1, .input_width = width + size / 2, .input_channels = channels,
                                                    .output_channels = channels, .kernel_height = size, .kernel_width = size, .stride_y = 1,
                                                    .stride_x = 1, .dilation_y = 1, .dilation_x = 1, .pad_top = size / 2, .pad_left = size / 2,
                                                    .groups = channels},
                      n % 5 == 0);
            }
        printf("checked: %s\n", kernel->name);
    }
    for (size_t i = 0; i < vector_kernels_count(); i++) {
        const struct vector_kernels *kernels = vector_kernels_at(i);
        if (kernels->isa & ~isa) {
            printf("skipped: vector kernels %s\n", kernels->name);
            continue;
        }
        check_vectors(kernels);
        printf("checked: vector kernels %s\n", kernels->name);
    }
    failures += check_float_kernels(isa, &checks);
    printf("%zu checks, %zu failures\n", checks, failures);
    return failures ? 1 : 0;
}
