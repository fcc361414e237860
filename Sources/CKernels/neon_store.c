// SPDX-License-Identifier: Apache-2.0
#include "neon_store.h"
#if defined(__aarch64__)

void neon_store_pixels(const struct neon_pixels *p) {
    const struct requantization *r = p->requantization;
    const struct neon_rule rule = neon_rule(r, p->multipliers, p->vectors);
    if (!r->float_output && p->n == 16) {
        const int32x4_t *sums = p->sums;
        const uint8_t *residual = p->residual;
        uint8_t *output = p->output;
        const size_t step = p->output_step, residual_step = p->residual_step;
        if (residual)
            for (size_t i = p->count; i > 0; i--, sums += 4, output += step, residual += residual_step)
                neon_store(sums, 4, &rule, residual, output);
        else
            for (size_t i = p->count; i > 0; i--, sums += 4, output += step) neon_store(sums, 4, &rule, NULL, output);
        return;
    }
    const float32x4_t low = vdupq_n_f32(r->low), high = vdupq_n_f32(r->high);
    for (size_t i = 0; i < p->count; i++)
        for (size_t c = 0; c < p->n; c += 8) {
            const size_t n = p->n - c < 8 ? p->n - c : 8;
            const int32x4_t *sums = p->sums + i * p->vectors + c / 4;
            float32x4_t real[2] = {
                vmulq_f32(vcvtq_f32_s32(sums[0]), rule.multipliers[c / 4]),
                vmulq_f32(vcvtq_f32_s32(sums[1]), rule.multipliers[c / 4 + 1]),
            };
            if (p->residual) {
                const uint8_t *from = p->residual + i * p->residual_step + c;
                uint8_t bytes[8] = {0};
                if (n < 8) from = memcpy(bytes, from, n);
                neon_add_residual(real, &rule, vld1_u8(from));
            }
            if (r->float_output) {
                float results[8];
                vst1q_f32(results, vminq_f32(vmaxq_f32(real[0], low), high));
                vst1q_f32(results + 4, vminq_f32(vmaxq_f32(real[1], low), high));
                memcpy((float *)p->output + i * p->output_step + c, results, n * sizeof(float));
            } else {
                uint8_t results[8], *to = (uint8_t *)p->output + i * p->output_step + c;
                vst1_u8(n < 8 ? results : to, neon_clamp_half(neon_round(real, &rule), &rule));
                if (n < 8) memcpy(to, results, n);
            }
        }
}
#endif
