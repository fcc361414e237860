// SPDX-License-Identifier: Apache-2.0
#include "include/layers.h"

// Longest run that is taken as one iteration, so that a layer of one long run can still be divided.
enum { LONGEST_RUN = 8192 };

bool broadcast_make(struct broadcast *p, size_t rank, const size_t *a, const size_t *b) {
    size_t count[BROADCAST_LOOPS + 1], a_stride[BROADCAST_LOOPS + 1], b_stride[BROADCAST_LOOPS + 1], loops = 0;
    size_t a_next = 1, b_next = 1;
    for (size_t i = rank; i-- > 0;) { // innermost first; axes that both sides step through alike are joined
        const size_t size = a[i] == 1 ? b[i] : a[i];
        if (a[i] != size && a[i] != 1) return false;
        if (b[i] != size && b[i] != 1) return false;
        if (size == 1) continue;
        const size_t a_step = a[i] == 1 ? 0 : a_next, b_step = b[i] == 1 ? 0 : b_next;
        a_next *= a[i];
        b_next *= b[i];
        if (loops > 0 && a_step == a_stride[loops - 1] * count[loops - 1] && b_step == b_stride[loops - 1] * count[loops - 1]) {
            count[loops - 1] *= size;
            continue;
        }
        if (loops == BROADCAST_LOOPS + 1) return false;
        count[loops] = size;
        a_stride[loops] = a_step;
        b_stride[loops] = b_step;
        loops++;
    }
    if (loops == 0) count[0] = 1, a_stride[0] = b_stride[0] = 0, loops = 1;
    *p = (struct broadcast){.inner = count[0], .a_step = a_stride[0], .b_step = b_stride[0]};
    size_t run = count[0] < LONGEST_RUN ? count[0] : LONGEST_RUN;
    while (run > 1 && count[0] % run != 0) run--;
    if (run > 1 && run < count[0] && loops <= BROADCAST_LOOPS) {
        p->inner = run;
        p->loops = 1;
        p->count[0] = count[0] / run;
        p->a_stride[0] = run * a_stride[0];
        p->b_stride[0] = run * b_stride[0];
    }
    // Loops are kept outermost first: the split run is the innermost of them.
    const size_t split = p->loops;
    if (split) {
        p->count[loops - 1] = p->count[0];
        p->a_stride[loops - 1] = p->a_stride[0];
        p->b_stride[loops - 1] = p->b_stride[0];
    }
    for (size_t i = 1; i < loops; i++) {
        p->count[loops - 1 - i] = count[i];
        p->a_stride[loops - 1 - i] = a_stride[i];
        p->b_stride[loops - 1 - i] = b_stride[i];
    }
    p->loops = loops - 1 + split;
    return true;
}

size_t broadcast_iterations(const struct broadcast *p) {
    size_t iterations = 1;
    for (size_t i = 0; i < p->loops; i++) iterations *= p->count[i];
    return iterations;
}
