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

void qdepthwise_u8s8_1x1_plain(const struct qdepthwise_pixel *pixel) {
    const int8_t *weights = pixel->weights;
    for (size_t c = 0; c < pixel->channels; c++) {
        uint32_t acc = (uint32_t)pixel->bias[c];
        for (size_t t = 0; t < pixel->tap_count; t++) acc += (uint32_t)(pixel->taps[t][c] * weights[c * pixel->tap_count + t]);
        store_accumulator((int32_t)acc, pixel->multipliers[c], pixel->requantization, pixel->residual, pixel->output, c);
    }
}
