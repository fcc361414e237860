// SPDX-License-Identifier: Apache-2.0
#include "requantize.h"
#include "internal.h"

void qgemm_u8s8_4x4x1_plain(const struct qgemm_tile *tile) {
    uint32_t acc[4][4];
    for (size_t i = 0; i < tile->m; i++)
        for (size_t j = 0; j < 4; j++) acc[i][j] = (uint32_t)tile->bias[j];
    const int8_t *b = tile->b;
    for (size_t s = 0; s < tile->segment_count; s++)
        for (size_t k = 0; k < tile->segment_blocks; k++, b += 4)
            for (size_t i = 0; i < tile->m; i++) {
                const int32_t x = tile->segments[s][i * tile->a_step + k];
                for (size_t j = 0; j < 4; j++) acc[i][j] += (uint32_t)(x * b[j]);
            }
    for (size_t i = 0; i < tile->m; i++)
        for (size_t j = 0; j < tile->n; j++)
            store_accumulator((int32_t)acc[i][j], tile->multipliers[j], tile->requantization,
                              tile->residual ? tile->residual + i * tile->residual_step + j : NULL, tile->output,
                              i * tile->output_step + j);
}

void qnarrow_u8s4_1x1x8_plain(const struct qgemm_tile *tile) {
    for (size_t j = 0; j < tile->n; j++) {
        const uint8_t *b = (const uint8_t *)tile->b + j / 16 * tile->b_step + j % 16 * 4, *a = tile->segments[0];
        uint32_t acc = (uint32_t)tile->bias[j];
        for (size_t k = 0; k < tile->segment_blocks; k++, a += 8, b += 64)
            for (size_t i = 0; i < 4; i++) acc += (uint32_t)(a[i] * ((b[i] & 15) - 8) + a[4 + i] * ((b[i] >> 4) - 8));
        store_accumulator((int32_t)acc, tile->multipliers[j], tile->requantization, tile->residual ? tile->residual + j : NULL,
                          tile->output, j);
    }
}

void qdepthwise_u8s8_1x1_plain(const struct qdepthwise_run *run) {
    const size_t height = run->kernel_height, width = run->kernel_width;
    for (size_t i = 0; i < run->pixels; i++)
        for (size_t c = 0; c < run->channels; c++) {
            const int8_t *weights = (const int8_t *)run->weights + c * height * width;
            uint32_t acc = (uint32_t)run->bias[c];
            for (size_t x = 0; x < width; x++)
                for (size_t y = 0; y < height; y++)
                    acc += (uint32_t)(run->rows[y][i * run->pixel_step + x * run->tap_step + c] * weights[x * height + y]);
            store_accumulator((int32_t)acc, run->multipliers[c], run->requantization,
                              run->residual ? run->residual + i * run->residual_step + c : NULL, run->output, i * run->output_step + c);
        }
}
