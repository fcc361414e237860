// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "processor.h"
#include <sched.h>

int available_processors(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

bool bind_thread(int processor) {
    if (processor < 0 || processor >= CPU_SETSIZE) return false;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

bool can_bind_thread(int processor) {
    cpu_set_t before;
    if (sched_getaffinity(0, sizeof before, &before) != 0 || !bind_thread(processor)) return false;
    sched_setaffinity(0, sizeof before, &before);
    return true;
}
