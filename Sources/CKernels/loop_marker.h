// SPDX-License-Identifier: Apache-2.0
// Marks an innermost loop for Packaging/arm64/mca: its name and the multiply-accumulates of one iteration, a constant.
#pragma once
#ifdef KERNEL_LOOP_MARKERS
#define MARK_LOOP(name, products) __asm__ volatile("// loop " name ": %0" ::"i"(products))
#else
#define MARK_LOOP(name, products) ((void)0)
#endif
