// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "allocations.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

// The GNU C library's own names of the same functions.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

struct family {
    atomic_size_t threads, allocations;
};

static _Thread_local size_t count;
// What an adopted thread counts into, and what its parent reads.
static _Thread_local struct family *family, *children;
static _Thread_local bool adopts;

static void note(void) {
    count++;
    if (family != NULL) atomic_fetch_add(&family->allocations, 1);
}

size_t allocations_of_this_thread(void) { return count; }

// Families are few, and outlive their threads.
void begin_adopting(void) {
    children = __libc_calloc(1, sizeof *children);
    adopts = true;
}

void end_adopting(void) { adopts = false; }

size_t allocations_of_adopted_threads(void) { return children == NULL ? 0 : atomic_load(&children->allocations); }
size_t adopted_threads(void) { return children == NULL ? 0 : atomic_load(&children->threads); }

struct start {
    void *(*body)(void *);
    void *argument;
    struct family *family;
};

static void *adopted(void *argument) {
    const struct start start = *(struct start *)argument;
    family = start.family;
    return start.body(start.argument);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    int (*const create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
    if (!adopts) return create(thread, attributes, body, argument);
    struct start *const start = __libc_malloc(sizeof *start);
    if (start == NULL) return EAGAIN;
    *start = (struct start){body, argument, children};
    atomic_fetch_add(&children->threads, 1);
    return create(thread, attributes, adopted, start);
}

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size) {
    note();
    return __libc_calloc(members, size);
}

void *realloc(void *memory, size_t size) {
    note();
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}
