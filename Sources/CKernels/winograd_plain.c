// SPDX-License-Identifier: Apache-2.0
#include "internal.h"
#include "requantize.h"

// B^T d
static void transform_line(const int d[4], int t[4]) {
    t[0] = d[0] - d[2];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[1] - d[3];
}

static void transform(const uint8_t *const pixels[16], size_t channels, int16_t *to, size_t step) {
    for (size_t c = 0; c < (channels + 15) / 16 * 16; c++) {
        int columns[4][4], rows[4][4];
        for (size_t x = 0; x < 4; x++) {
            int d[4];
            for (size_t y = 0; y < 4; y++) d[y] = c < channels ? pixels[4 * y + x][c] : 0;
            transform_line(d, columns[x]);
        }
        for (size_t y = 0; y < 4; y++) {
            const int d[4] = {columns[0][y], columns[1][y], columns[2][y], columns[3][y]};
            transform_line(d, rows[y]);
        }
        for (size_t p = 0; p < 16; p++) to[p * step + c] = (int16_t)rows[p / 4][p % 4];
    }
}

static void multiply(const int16_t *a, size_t a_step, const int16_t *b, size_t pairs, size_t tiles, int32_t *products) {
    for (size_t i = 0; i < tiles; i++, a += a_step, products += 16)
        for (size_t o = 0; o < 16; o++) {
            uint32_t sum = 0;
            for (size_t k = 0; k < 2 * pairs; k++) sum += (uint32_t)(a[k] * b[(k / 2 * 16 + o) * 2 + k % 2]);
            products[o] = (int32_t)sum;
        }
}

// A^T m
static void reduce_line(const uint32_t m[4], uint32_t y[2]) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
}

static void finish(const int32_t *products, size_t step, size_t tiles, const struct qwinograd_results *to) {
    for (size_t i = 0; i < tiles; i++, products += 16)
        for (size_t o = 0; o < to->outputs; o++) {
            uint32_t rows[4][2], sums[2][2];
            for (size_t y = 0; y < 4; y++) {
                uint32_t m[4];
                for (size_t x = 0; x < 4; x++) m[x] = (uint32_t)products[(4 * y + x) * step + o];
                reduce_line(m, rows[y]);
            }
            for (size_t x = 0; x < 2; x++) {
                const uint32_t m[4] = {rows[0][x], rows[1][x], rows[2][x], rows[3][x]};
                reduce_line(m, sums[x]);
            }
            for (size_t p = 0; p < 4; p++) {
                const ptrdiff_t pixel = to->pixels[i][p];
                if (pixel < 0) continue;
                const int32_t sum = (int32_t)sums[p % 2][p / 2] / 4;
                store_accumulator((int32_t)((uint32_t)sum + (uint32_t)to->bias[o]), to->multipliers[o], to->requantization,
                                  to->residual ? to->residual + (size_t)pixel * to->residual_step + o : NULL, to->output,
                                  (size_t)pixel * to->output_step + o);
            }
        }
}

const struct qwinograd_kernel qwinograd_u8s8_1x16x2_plain = {
    .name = "qwinograd_u8s8_1x16x2_plain",
    .isa = ISA_PLAIN,
    .transform = transform,
    .multiply = multiply,
    .finish = finish,
};
