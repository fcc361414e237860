// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "include/kernels.h"

#define QGEMM_KERNEL(name, ...) void name(const struct qgemm_tile *tile);
#define QDEPTHWISE_KERNEL(name, ...) void name(const struct qdepthwise_run *run);
#define QBINNED_KERNEL(name) extern const struct qbinned_kernel name;
#define QWINOGRAD_KERNEL(name) extern const struct qwinograd_kernel name;
#define QNARROW_KERNEL(name, isa) void name(const struct qgemm_tile *tile);
#define FLOAT_KERNELS(name, isa) extern const struct float_kernels float_kernels_##name;
#define VECTOR_KERNELS(name, isa) extern const struct vector_kernels vector_kernels_##name;
#include "kernels.inc"
#undef QGEMM_KERNEL
#undef QDEPTHWISE_KERNEL
#undef VECTOR_KERNELS
