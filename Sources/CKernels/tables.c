// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

static const struct qgemm_kernel qgemm_kernels[] = {
#define QGEMM_KERNEL(name, isa, mr, nr, kr, panel) {#name, isa, mr, nr, kr, panel, name},
#define QDEPTHWISE_KERNEL(...)
#define VECTOR_KERNELS(...)
#include "kernels.inc"
#undef QGEMM_KERNEL
#undef QDEPTHWISE_KERNEL
#undef VECTOR_KERNELS
};

static const struct qdepthwise_kernel qdepthwise_kernels[] = {
#define QGEMM_KERNEL(...)
#define QDEPTHWISE_KERNEL(name, isa, block, group, size, weight_size, flips) {#name, isa, block, group, size, weight_size, flips, name},
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

static size_t padded(size_t n, const struct qgemm_kernel *kernel) {
    const size_t nr = (size_t)kernel->nr;
    return (n + nr - 1) / nr * nr;
}

// The last kernel of the instruction sets at hand, unless an earlier one of exactly the same needs wastes fewer output channels.
const struct qgemm_kernel *qgemm_kernel_choose(uint32_t isa, size_t m, size_t n, size_t k) {
    (void)m;
    (void)k;
    const struct qgemm_kernel *best = &qgemm_kernels[0];
    for (size_t i = 1; i < COUNT(qgemm_kernels); i++)
        if ((qgemm_kernels[i].isa & ~isa) == 0) best = &qgemm_kernels[i];
    const uint32_t needs = best->isa;
    size_t computed = padded(n, best);
    for (size_t i = COUNT(qgemm_kernels); i-- > 0;)
        if (qgemm_kernels[i].isa == needs && padded(n, &qgemm_kernels[i]) < computed) {
            best = &qgemm_kernels[i];
            computed = padded(n, best);
        }
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
