// SPDX-License-Identifier: Apache-2.0
#include "include/layers.h"

// Longest run that is taken as one iteration, so that a layer of one long run can still be divided.
enum { LONGEST_RUN = 8192 };

bool broadcast_make(struct broadcast *p, size_t rank, const size_t *a, const size_t *b, struct broadcast_steps steps) {
    struct loop {
        size_t count, a, b, output;
    } loops[BROADCAST_LOOPS + 1], here; // innermost first
    size_t used = 0, a_next = 1, b_next = 1, output_next = 1;
    for (size_t i = rank; i-- > 0;) {
        const size_t size = a[i] == 1 ? b[i] : a[i];
        if (a[i] != size && a[i] != 1) return false;
        if (b[i] != size && b[i] != 1) return false;
        here = (struct loop){size, a[i] == 1 ? 0 : a_next, b[i] == 1 ? 0 : b_next, output_next};
        a_next = i + 1 == rank && steps.a ? steps.a : a_next * a[i];
        b_next = i + 1 == rank && steps.b ? steps.b : b_next * b[i];
        output_next = i + 1 == rank && steps.output ? steps.output : output_next * size;
        if (size == 1) continue;
        if (used > 0) { // axes that all three step through alike are joined
            struct loop *inner = &loops[used - 1];
            if (here.a == inner->a * inner->count && here.b == inner->b * inner->count && here.output == inner->output * inner->count) {
                inner->count *= size;
                continue;
            }
        } else if (here.output != 1 || here.a > 1 || here.b > 1) { // runs of single elements
            loops[used++] = (struct loop){1, 1, 1, 1};
        }
        if (used == BROADCAST_LOOPS + 1) return false;
        loops[used++] = here;
    }
    if (used == 0) loops[used++] = (struct loop){1, 0, 0, 1};
    size_t run = loops[0].count < LONGEST_RUN ? loops[0].count : LONGEST_RUN;
    while (run > 1 && loops[0].count % run != 0) run--;
    if (used == BROADCAST_LOOPS + 1 || run == 1) run = loops[0].count;
    *p = (struct broadcast){.inner = run, .a_step = loops[0].a, .b_step = loops[0].b};
    const bool divided = run < loops[0].count;
    if (divided) loops[0] = (struct loop){loops[0].count / run, run * loops[0].a, run * loops[0].b, run * loops[0].output};
    p->loops = divided ? used : used - 1;
    for (size_t i = 0; i < p->loops; i++) {
        const struct loop *loop = &loops[used - 1 - i];
        p->count[i] = loop->count;
        p->a_stride[i] = loop->a;
        p->b_stride[i] = loop->b;
        p->output_stride[i] = loop->output;
    }
    return true;
}

size_t broadcast_iterations(const struct broadcast *p) {
    size_t iterations = 1;
    for (size_t i = 0; i < p->loops; i++) iterations *= p->count[i];
    return iterations;
}
