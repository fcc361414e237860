// SPDX-License-Identifier: Apache-2.0
// Weights in bins: the order in which vpmaddubsw is exact.
//
// A quad is four consecutive weights of one output channel along the depth. With activations x of 0 ... 255 the sum of products of a pair
// of weights lies within 16 bits if the positive ones of the pair add up to at most 128, and the negative ones to at least -128
// (255 * 128 < 2^15). The same holds for the sum over the like pairs of several quads. A bin is 1 ... 4 quads for which it does: their
// products are added in 16 bits, and only the sum of the bin is widened to 32. Quads share bins in any order, since a sum has none; what a
// pair has beyond the bound becomes a quad of its own, for the same activations. Quads of zeros are left out.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
    BIN_QUADS = 4,
    PLANE_PIXELS = 64,
    PLANE_BYTES = 4 * PLANE_PIXELS, // a plane: the four activations that meet a quad, of 64 pixels
    CHUNK_PLANES = 96,              // at most; they are used by all output channels, and stay in the first-level cache
};

// The bins of one output channel over one chunk of the depth: this header, then the bins, largest first. A bin of n quads is
// int8_t[n][4] and uint16_t[n], the distance of each quad's plane from the chunk's first in bytes.
struct bin_counts {
    uint16_t bins[BIN_QUADS]; // bins of 4, 3, 2 and 1 quads
};

enum {
    // No chunk of n quads needs more than a header and n times this.
    LARGEST_BIN_BYTES_PER_QUAD = 12,
};

// Packs `count` <= CHUNK_PLANES quads; returns the end of what it wrote.
uint8_t *bins_pack(uint8_t *packed, const int8_t (*quads)[4], size_t count);
