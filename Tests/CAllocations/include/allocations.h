// SPDX-License-Identifier: Apache-2.0
// Counts how often the calling thread has reserved memory: the functions of malloc(3) that this file's object defines stand
// in front of those of the C library, for the whole test process.
#pragma once
#include <stddef.h>

size_t allocations_of_this_thread(void);
