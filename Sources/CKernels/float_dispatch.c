// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

static const struct float_kernels *const sets[] = {
#define QGEMM_KERNEL(...)
#define QDEPTHWISE_KERNEL(...)
#define VECTOR_KERNELS(...)
#define FLOAT_KERNELS(name, isa) &float_kernels_##name,
#include "kernels.inc"
#undef QGEMM_KERNEL
#undef QDEPTHWISE_KERNEL
#undef VECTOR_KERNELS
};

enum { SETS = sizeof sets / sizeof sets[0] };

size_t float_kernels_count(void) { return SETS; }
const struct float_kernels *float_kernels_at(size_t index) { return sets[index]; }

const struct float_kernels *float_kernels_choose(uint32_t isa) {
    const struct float_kernels *best = sets[0];
    for (size_t i = 1; i < SETS; i++)
        if ((sets[i]->isa & ~isa) == 0) best = sets[i];
    return best;
}
