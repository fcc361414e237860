// SPDX-License-Identifier: Apache-2.0
#include "requantize.h"
#include "internal.h"

void qgemm_u8s8_4x4x1_plain(const struct qgemm_tile *tile) {
    uint32_t acc[4][4];
    for (size_t i = 0; i < tile->m; i++)
        for (size_t j = 0; j < 4; j++) acc[i][j] = (uint32_t)tile->bias[j];
    for (size_t k = 0; k < tile->blocks; k++)
        for (size_t i = 0; i < tile->m; i++) {
            const int32_t x = ((const uint8_t *)tile->a)[i * tile->a_stride + k];
            for (size_t j = 0; j < 4; j++) acc[i][j] += (uint32_t)(x * tile->b[k * 4 + j]);
        }
    for (size_t i = 0; i < tile->m; i++)
        for (size_t j = 0; j < tile->n; j++)
            store_accumulator((int32_t)acc[i][j], tile->multipliers[j], tile->requantization, tile->residual, tile->output,
                              i * tile->stride + j);
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
            store_accumulator((int32_t)acc, run->multipliers[c], run->requantization, run->residual, run->output, i * run->channels + c);
        }
}
