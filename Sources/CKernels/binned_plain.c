// SPDX-License-Identifier: Apache-2.0
#include "bins.h"
#include "internal.h"
#include "requantize.h"

static void gather(const uint8_t *const *pixels, size_t vectors, size_t bytes, uint8_t *planes) {
    for (size_t k = 0; k < (bytes + 3) / 4 * 4; k++)
        for (size_t i = 0; i < 8 * vectors; i++) planes[k / 4 * PLANE_BYTES + 4 * i + k % 4] = k < bytes ? pixels[i][k] : 0;
}

static const uint8_t *accumulate(const uint8_t *bins, const uint8_t *planes, size_t vectors, size_t outputs, const int32_t *bias,
                                 int32_t *sums) {
    for (size_t o = 0; o < outputs; o++, sums += PLANE_PIXELS) {
        struct bin_counts counts;
        memcpy(&counts, bins, sizeof counts);
        bins += sizeof counts;
        if (bias)
            for (size_t i = 0; i < 8 * vectors; i++) sums[i] = bias[o];
        for (size_t quads = BIN_QUADS; quads > 0; quads--)
            for (size_t n = counts.bins[BIN_QUADS - quads]; n > 0; n--, bins += 6 * quads)
                for (size_t q = 0; q < quads; q++) {
                    const int8_t *const weights = (const int8_t *)bins + 4 * q;
                    uint16_t offset;
                    memcpy(&offset, bins + 4 * quads + 2 * q, sizeof offset);
                    for (size_t i = 0; i < 8 * vectors; i++)
                        for (size_t k = 0; k < 4; k++)
                            sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)(planes[offset + 4 * i + k] * weights[k]));
                }
    }
    return bins;
}

static void store(const int32_t *sums, size_t outputs, size_t pixels, const float *multipliers, const struct requantization *requantization,
                  const uint8_t *residual, size_t residual_step, void *output, size_t output_step) {
    for (size_t i = 0; i < pixels; i++)
        for (size_t o = 0; o < outputs; o++)
            store_accumulator(sums[o * PLANE_PIXELS + i], multipliers[o], requantization, residual ? residual + i * residual_step + o : NULL,
                              output, i * output_step + o);
}

const struct qbinned_kernel qbinned_u8s8_64x1x4_plain = {
    .name = "qbinned_u8s8_64x1x4_plain",
    .isa = ISA_PLAIN,
    .gather = gather,
    .accumulate = accumulate,
    .store = store,
};
