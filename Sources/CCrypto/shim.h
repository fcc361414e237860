// SPDX-License-Identifier: Apache-2.0
#pragma once
// The direct functions are deprecated in favour of EVP, whose first use loads every cipher and the system's configuration: more time than the
// rest of a program's start takes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

static inline void sha256_of(const void *message, size_t count, unsigned char digest[32]) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, message, count);
    SHA256_Final(digest, &context);
}
