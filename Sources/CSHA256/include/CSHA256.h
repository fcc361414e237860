// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The SHA-256 digest (FIPS 180-4) of `count` bytes: 32 bytes.
void sha256(const void *message, size_t count, uint8_t *digest);
