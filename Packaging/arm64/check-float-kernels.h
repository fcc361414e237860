// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

// How many float32 convolutions differ from their definition, on the instruction sets `isa`; adds to *checks how many there were.
size_t check_float_kernels(uint32_t isa, size_t *checks);
