// SPDX-License-Identifier: Apache-2.0
// What threads ask of the processor that they run on.
#pragma once
#include <stdbool.h>

// Tells the core that its thread looks out for a change of memory, so that the other thread of the core and the power supply gain.
static inline void spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); // yield is over at once on cores without a second thread
#endif
}

// How many processors the calling thread may run on.
int available_processors(void);

// Binds the calling thread to one processor, by the system's number. False where there is none, or it isn't ours.
bool bind_thread(int processor);

// Whether bind_thread would succeed. The calling thread stays where it may run.
bool can_bind_thread(int processor);
