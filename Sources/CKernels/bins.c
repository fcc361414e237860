// SPDX-License-Identifier: Apache-2.0
#include "bins.h"
#include <stdbool.h>
#include <string.h>

enum { LIMIT = 128 };

// The sums of the two pairs of a quad, positive and negative weights by themselves: four fields of 16 bits.
static uint64_t load_of(const int8_t quad[4]) {
    uint64_t load = 0;
    for (size_t k = 0; k < 4; k++) {
        const uint64_t size = (uint64_t)(quad[k] < 0 ? -quad[k] : quad[k]);
        load += size << (16 * (k / 2 + (quad[k] < 0 ? 2 : 0)));
    }
    return load;
}

static uint32_t largest_field(uint64_t load) {
    uint32_t largest = 0;
    for (size_t i = 0; i < 4; i++, load >>= 16)
        if ((load & 0xFFFF) > largest) largest = load & 0xFFFF;
    return largest;
}

struct item {
    int8_t quad[4];
    uint16_t plane;
    uint64_t load;
};

// Moves what a pair has beyond the limit into `rest`; true if there is any.
static bool split(int8_t quad[4], int8_t rest[4]) {
    bool any = false;
    memset(rest, 0, 4);
    for (size_t k = 0; k < 4; k += 2) {
        const int sum = quad[k] + quad[k + 1];
        if ((quad[k] > 0) != (quad[k + 1] > 0) || (sum <= LIMIT && sum >= -LIMIT)) continue;
        rest[k] = (int8_t)(sum > 0 ? sum - LIMIT : sum + LIMIT);
        quad[k] = (int8_t)(quad[k] - rest[k]);
        any = true;
    }
    return any;
}

// Heaviest first.
static size_t sorted_items(struct item *sorted, const int8_t (*quads)[4], size_t count) {
    struct item items[2 * CHUNK_PLANES];
    size_t n = 0, starts[LIMIT + 2] = {0};
    for (size_t q = 0; q < count; q++) {
        int8_t quad[4], rest[4];
        memcpy(quad, quads[q], 4);
        const bool more = split(quad, rest);
        const int8_t *const parts[2] = {quad, rest};
        for (size_t p = 0; p < (more ? 2 : 1); p++) {
            const uint64_t load = load_of(parts[p]);
            if (load == 0) continue;
            items[n] = (struct item){.plane = (uint16_t)q, .load = load};
            memcpy(items[n++].quad, parts[p], 4);
            starts[LIMIT - largest_field(load) + 1]++;
        }
    }
    for (size_t i = 1; i < LIMIT + 2; i++) starts[i] += starts[i - 1];
    for (size_t i = 0; i < n; i++) sorted[starts[LIMIT - largest_field(items[i].load)]++] = items[i];
    return n;
}

uint8_t *bins_pack(uint8_t *packed, const int8_t (*quads)[4], size_t count) {
    struct item items[2 * CHUNK_PLANES];
    const size_t n = sorted_items(items, quads, count);
    // First fit. The room of a bin is kept with a guard bit in each field, which a field that doesn't fit takes away.
    const uint64_t guards = 0x8000800080008000u, empty = guards | 0x0080008000800080u;
    struct {
        uint16_t items[BIN_QUADS];
        size_t count;
    } bins[2 * CHUNK_PLANES];
    uint64_t room[2 * CHUNK_PLANES];
    size_t opened = 0, first = 0; // those before `first` are full
    for (size_t i = 0; i < n; i++) {
        size_t b = first;
        while (b < opened && ((room[b] - items[i].load) & guards) != guards) b++;
        if (b == opened) {
            room[opened] = empty;
            bins[opened++].count = 0;
        }
        room[b] -= items[i].load;
        bins[b].items[bins[b].count++] = (uint16_t)i;
        if (bins[b].count == BIN_QUADS) room[b] = guards;
        while (first < opened && bins[first].count == BIN_QUADS) first++;
    }
    struct bin_counts counts = {{0}};
    uint8_t *to = packed + sizeof counts;
    for (size_t size = BIN_QUADS; size > 0; size--)
        for (size_t b = 0; b < opened; b++) {
            if (bins[b].count != size) continue;
            counts.bins[BIN_QUADS - size]++;
            for (size_t i = 0; i < size; i++, to += 4) memcpy(to, items[bins[b].items[i]].quad, 4);
            for (size_t i = 0; i < size; i++, to += 2) {
                const uint16_t offset = (uint16_t)(items[bins[b].items[i]].plane * PLANE_BYTES);
                memcpy(to, &offset, 2);
            }
        }
    memcpy(packed, &counts, sizeof counts);
    return to;
}
