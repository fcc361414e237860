// SPDX-License-Identifier: Apache-2.0
#include "convolution.h"

static const struct qgemm_kernel qgemm_kernels[] = {
#define QGEMM_KERNEL(name, isa, mr, nr, kr, nb, panel) {#name, isa, mr, nr, kr, nb, panel, name},
#define QDEPTHWISE_KERNEL(...)
#define VECTOR_KERNELS(...)
#include "kernels.inc"
#undef QGEMM_KERNEL
#undef QDEPTHWISE_KERNEL
#undef VECTOR_KERNELS
};

static const struct qdepthwise_kernel qdepthwise_kernels[] = {
#define QGEMM_KERNEL(...)
#define QDEPTHWISE_KERNEL(name, isa, block, group, size, weight_size, flags) {#name, isa, block, group, size, weight_size, flags, name},
#define VECTOR_KERNELS(...)
#include "kernels.inc"
#undef QGEMM_KERNEL
#undef QDEPTHWISE_KERNEL
#undef VECTOR_KERNELS
};

static const struct vector_kernels *const vector_kernel_sets[] = {
#define QGEMM_KERNEL(...)
#define QDEPTHWISE_KERNEL(...)
#define VECTOR_KERNELS(name, isa) &vector_kernels_##name,
#include "kernels.inc"
#undef QGEMM_KERNEL
#undef QDEPTHWISE_KERNEL
#undef VECTOR_KERNELS
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

size_t qgemm_kernel_count(void) { return COUNT(qgemm_kernels); }
const struct qgemm_kernel *qgemm_kernel_at(size_t index) { return &qgemm_kernels[index]; }

size_t qdepthwise_kernel_count(void) { return COUNT(qdepthwise_kernels); }
const struct qdepthwise_kernel *qdepthwise_kernel_at(size_t index) { return &qdepthwise_kernels[index]; }

size_t vector_kernels_count(void) { return COUNT(vector_kernel_sets); }
const struct vector_kernels *vector_kernels_at(size_t index) { return vector_kernel_sets[index]; }

// Tiles for a row of pixels and one group's output channels.
static size_t tiles_of(const struct convolution_geometry *g, const struct qgemm_kernel *kernel) {
    const size_t mr = (size_t)kernel->mr, nr = (size_t)kernel->nr, n = g->output_channels / g->groups;
    const size_t width = is_pointwise(g) ? g->output_height * g->output_width : g->output_width;
    return (width + mr - 1) / mr * ((n + nr - 1) / nr);
}

// The last kernel of the instruction sets at hand, unless another of exactly the same needs takes fewer tiles.
const struct qgemm_kernel *qgemm_kernel_choose(uint32_t isa, const struct convolution_geometry *g) {
    const struct qgemm_kernel *best = &qgemm_kernels[0];
    for (size_t i = 1; i < COUNT(qgemm_kernels); i++)
        if ((qgemm_kernels[i].isa & ~isa) == 0) best = &qgemm_kernels[i];
    const uint32_t needs = best->isa;
    for (size_t i = COUNT(qgemm_kernels); i-- > 0;)
        if (qgemm_kernels[i].isa == needs && tiles_of(g, &qgemm_kernels[i]) < tiles_of(g, best)) best = &qgemm_kernels[i];
    return best;
}

const struct qdepthwise_kernel *qdepthwise_kernel_choose(uint32_t isa, size_t channels, size_t kernel_height, size_t kernel_width) {
    (void)channels;
    const struct qdepthwise_kernel *best = &qdepthwise_kernels[0];
    for (size_t i = 1; i < COUNT(qdepthwise_kernels); i++) {
        const struct qdepthwise_kernel *kernel = &qdepthwise_kernels[i];
        const bool fits = kernel->size == 0 || ((size_t)kernel->size == kernel_height && (size_t)kernel->size == kernel_width);
        if ((kernel->isa & ~isa) == 0 && fits) best = kernel;
    }
    return best;
}

const struct vector_kernels *vector_kernels_choose(uint32_t isa) {
    const struct vector_kernels *best = vector_kernel_sets[0];
    for (size_t i = 1; i < COUNT(vector_kernel_sets); i++)
        if ((vector_kernel_sets[i]->isa & ~isa) == 0) best = vector_kernel_sets[i];
    return best;
}
