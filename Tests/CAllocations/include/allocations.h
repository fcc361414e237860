// SPDX-License-Identifier: Apache-2.0
// Counts how often the calling thread has reserved memory: the functions of malloc(3) that this file's object defines stand
// in front of those of the C library, for the whole test process.
#pragma once
#include <stddef.h>

size_t allocations_of_this_thread(void);

// Between these two calls, threads that the calling thread creates are its own from then on.
void begin_adopting(void);
void end_adopting(void);

// Of all threads that the calling thread has adopted since it last began.
size_t allocations_of_adopted_threads(void);
size_t adopted_threads(void);
