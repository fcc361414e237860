// SPDX-License-Identifier: Apache-2.0
// Implicit GEMM over strips, some output rows at a time. A row of the window is one segment of depth: its pixels lie side by side
// in the image. Where the kernel can't read them there (padding at the sides, another element type, windows that end within a block) the
// rows under the strip are copied first. Every block of output channels then runs over the whole strip, so that its weights are
// fetched once a strip.
#include "convolution.h"
#include <string.h>

// Aim for what a strip reads: it stays in the second-level cache while all output channels run over it.
enum { STRIP_BYTES = 96 * 1024 };

static size_t element_size(enum panel panel) { return panel == PANEL_U16 ? 2 : 1; }

// How a convolution is seen by the kernel.
struct view {
    size_t groups, inputs, outputs; // channels of one group; narrow groups are merged, with weights of 0 between them
    size_t merged;                  // groups of the convolution that make one
    size_t padded_outputs;          // of one group
    size_t taps;                    // window columns of a segment
    size_t segments, blocks;
    size_t element;
    bool in_place;
    bool over_reads; // in place, by part of a block beyond each pixel: the last one is copied
    size_t column_step; // from copied column to copied column, in columns of the image
};

static struct view view_of(const struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    const size_t kr = (size_t)c->gemm->kr, nb = (size_t)c->gemm->nb, outputs = g->output_channels / g->groups;
    size_t merged = nb / outputs < g->groups ? nb / outputs : g->groups;
    while (merged > 1 && g->groups % merged != 0) merged--;
    if (merged == 0) merged = 1;
    struct view v = {.groups = g->groups / merged, .merged = merged, .outputs = outputs * merged};
    v.inputs = g->input_channels / v.groups;
    v.padded_outputs = round_up(v.outputs, nb);
    v.taps = g->dilation_x == 1 ? g->kernel_width : 1;
    v.segments = g->kernel_height * (g->kernel_width / v.taps);
    v.blocks = round_up(v.taps * v.inputs, kr) / kr;
    v.element = element_size((enum panel)c->gemm->panel);
    const size_t last_column = (g->output_width - 1) * g->stride_x + (g->kernel_width - 1) * g->dilation_x;
    const size_t beyond = v.blocks * kr - v.taps * v.inputs;
    const bool reads_inside = beyond == 0 || (is_pointwise(g) && beyond <= g->input_step); // but for the last pixel
    v.in_place = c->gemm->panel == PANEL_U8 && g->pad_left == 0 && last_column < g->input_width && reads_inside
        && (v.taps == 1 || v.inputs == g->input_step);
    v.over_reads = v.in_place && beyond > 0;
    v.column_step = v.in_place || g->kernel_width > 1 ? 1 : g->stride_x;
    return v;
}

// Copied columns for so many output pixels.
static size_t columns_for(const struct convolution_geometry *g, const struct view *v, size_t pixels) {
    return ((pixels - 1) * g->stride_x + (g->kernel_width - 1) * g->dilation_x) / v->column_step + 1;
}

static size_t rows_for(const struct convolution_geometry *g, size_t rows) {
    return (rows - 1) * g->stride_y + (g->kernel_height - 1) * g->dilation_y + 1;
}

// Bytes from column to column and from row to row of what the kernel reads. Copied rows have room for a block of over-reading.
static size_t column_bytes(const struct qconvolution *c, const struct view *v) {
    return v->in_place ? c->geometry.input_step : v->inputs * v->element;
}

static size_t row_bytes(const struct qconvolution *c, const struct view *v) {
    if (v->in_place) return c->geometry.input_width * c->geometry.input_step;
    return round_up((columns_for(&c->geometry, v, c->strip_columns) * v->inputs + (size_t)c->gemm->kr) * v->element, 64);
}

static size_t parts_of(size_t whole, size_t limit) { return (whole + limit - 1) / limit; }

void strips_choose(struct qconvolution *c) {
    const struct convolution_geometry *g = &c->geometry;
    const struct view v = view_of(c);
    if (is_pointwise(g)) {
        const size_t pixels = g->output_height * g->output_width, mr = (size_t)c->gemm->mr;
        const size_t limit = STRIP_BYTES / (v.inputs * v.element) / mr * mr;
        const size_t strips = parts_of(pixels, limit ? limit : mr);
        c->strip_rows = 1;
        c->strip_columns = round_up(parts_of(pixels, strips), mr);
        return;
    }
    c->strip_columns = g->output_width;
    const size_t reach = (g->kernel_height - 1) * g->dilation_y + 1, rows = STRIP_BYTES / row_bytes(c, &v);
    const size_t limit = rows > reach ? (rows - reach) / g->stride_y + 1 : 1;
    c->strip_rows = parts_of(g->output_height, parts_of(g->output_height, limit));
}

size_t strips_padded_outputs(const struct qconvolution *c) {
    const struct view v = view_of(c);
    return v.groups * v.padded_outputs;
}

size_t strips_weight_bytes(const struct qconvolution *c) {
    const struct view v = view_of(c);
    return v.groups * v.padded_outputs * v.segments * v.blocks * (size_t)c->gemm->kr;
}

// Whether some window reaches over the upper or the lower border.
static bool needs_padding_row(const struct convolution_geometry *g) {
    return g->pad_top > 0 || rows_for(g, g->output_height) > g->input_height;
}

static size_t pointer_bytes(const struct view *v) { return round_up(v->segments * sizeof(void *), 64); }

size_t strips_scratch_bytes(const struct qconvolution *c) {
    const struct view v = view_of(c);
    const size_t padding = needs_padding_row(&c->geometry) ? 1 : 0, copies = v.in_place ? 0 : rows_for(&c->geometry, c->strip_rows);
    const size_t last_pixel = v.over_reads ? v.blocks * (size_t)c->gemm->kr : 0;
    return pointer_bytes(&v) + (padding + copies) * row_bytes(c, &v) + last_pixel;
}

size_t strips_column(const struct qconvolution *c, size_t o) {
    const struct view v = view_of(c);
    return o / v.outputs * v.padded_outputs + o % v.outputs;
}

void strips_pack_weights(const struct qconvolution *c, const int8_t *weights, void *packed) {
    const struct convolution_geometry *g = &c->geometry;
    const struct view v = view_of(c);
    const size_t inputs = g->input_channels / g->groups, outputs = g->output_channels / g->groups;
    const size_t kr = (size_t)c->gemm->kr, nb = (size_t)c->gemm->nb, depth = v.segments * v.blocks * kr;
    memset(packed, 0, strips_weight_bytes(c));
    for (size_t o = 0; o < g->output_channels; o++) {
        const size_t column = strips_column(c, o), first_input = o / outputs % v.merged * inputs;
        int8_t *panel = (int8_t *)packed + column / nb * nb * depth;
        for (size_t i = 0; i < inputs; i++)
            for (size_t y = 0; y < g->kernel_height; y++)
                for (size_t x = 0; x < g->kernel_width; x++) {
                    const size_t tap = y * g->kernel_width + x, k = x % v.taps * v.inputs + first_input + i;
                    const size_t block = tap / v.taps * v.blocks + k / kr;
                    panel[(block * nb + column % nb) * kr + k % kr] = weights[(o * inputs + i) * g->kernel_height * g->kernel_width + tap];
                }
    }
}

static uint8_t *append(uint8_t *row, enum panel panel, const uint8_t *source, size_t count) {
    switch (panel) {
    case PANEL_U8: memcpy(row, source, count); break;
    case PANEL_S8:
        for (size_t i = 0; i < count; i++) row[i] = source[i] ^ 0x80;
        break;
    case PANEL_U16:
        for (size_t i = 0; i < count; i++) ((uint16_t *)(void *)row)[i] = source[i];
        break;
    }
    return row + count * element_size(panel);
}

static uint8_t *append_padding(uint8_t *row, enum panel panel, uint8_t zero_point, size_t count) {
    if (panel == PANEL_U16)
        for (size_t i = 0; i < count; i++) ((uint16_t *)(void *)row)[i] = zero_point;
    else
        memset(row, panel == PANEL_S8 ? zero_point ^ 0x80 : zero_point, count);
    return row + count * element_size(panel);
}

// One strip of one group, or of some channels of the only one: output rows [first_row, last_row) by columns [first_column, last_column).
struct strip {
    const struct qconvolution *c;
    struct convolution_geometry g; // of c, or what it comes to where pixels of several rows lie in one
    struct view v;
    size_t first_row, last_row, first_column, last_column, group;
    const struct qconvolution_part *part; // its channels; rows are those above
    const uint8_t *input;
    uint8_t *padding, *copies; // rows
};

// Copies one input row under the strip, from its first column on; columns outside the image read as the zero point.
static void copy_row(const struct strip *s, const uint8_t *line, uint8_t *to) {
    const struct convolution_geometry *g = &s->g;
    const enum panel panel = (enum panel)s->c->gemm->panel;
    const size_t columns = columns_for(g, &s->v, s->last_column - s->first_column);
    ptrdiff_t x = (ptrdiff_t)(s->first_column * g->stride_x) - (ptrdiff_t)g->pad_left;
    size_t i = 0;
    for (; i < columns && x < 0; i++, x += (ptrdiff_t)s->v.column_step) to = append_padding(to, panel, s->c->input_zero_point, s->v.inputs);
    const uint8_t *from = line + (size_t)(x < 0 ? 0 : x) * g->input_step + s->group * s->v.inputs;
    if (s->v.column_step == 1 && s->v.inputs == g->input_step && x < (ptrdiff_t)g->input_width) {
        const size_t inside = g->input_width - (size_t)x, count = inside < columns - i ? inside : columns - i;
        to = append(to, panel, from, count * s->v.inputs);
        i += count;
        x += (ptrdiff_t)count;
    }
    for (; i < columns && x < (ptrdiff_t)g->input_width; i++, x += (ptrdiff_t)s->v.column_step, from += s->v.column_step * g->input_step)
        to = append(to, panel, from, s->v.inputs);
    append_padding(to, panel, s->c->input_zero_point, (columns - i) * s->v.inputs);
}

static ptrdiff_t input_row(const struct strip *s, size_t y, size_t ky) {
    return (ptrdiff_t)(y * s->g.stride_y + ky * s->g.dilation_y) - (ptrdiff_t)s->g.pad_top;
}

// Whether a window of the strip has a row `offset` rows below the first row of its first window.
static bool is_read(const struct convolution_geometry *g, size_t offset) {
    for (size_t ky = 0; ky < g->kernel_height && ky * g->dilation_y <= offset; ky++)
        if ((offset - ky * g->dilation_y) % g->stride_y == 0) return true;
    return false;
}

static void copy_rows(const struct strip *s) {
    const struct convolution_geometry *g = &s->g;
    const size_t bytes = row_bytes(s->c, &s->v), rows = rows_for(g, s->last_row - s->first_row);
    const ptrdiff_t first = input_row(s, s->first_row, 0);
    for (size_t i = 0; i < rows; i++) {
        const ptrdiff_t iy = first + (ptrdiff_t)i;
        if (iy >= 0 && iy < (ptrdiff_t)g->input_height && is_read(g, i))
            copy_row(s, s->input + (size_t)iy * g->input_width * g->input_step, s->copies + i * bytes);
    }
}

// What the first pixel of output row y reads in row ky of its window.
static const uint8_t *window_row(const struct strip *s, size_t y, size_t ky) {
    const ptrdiff_t iy = input_row(s, y, ky);
    if (iy < 0 || iy >= (ptrdiff_t)s->g.input_height) return s->padding;
    const size_t bytes = row_bytes(s->c, &s->v);
    if (!s->v.in_place) return s->copies + (size_t)(iy - input_row(s, s->first_row, 0)) * bytes;
    const size_t at = (size_t)iy * s->g.input_width + s->first_column * s->g.stride_x;
    return s->input + at * s->g.input_step + s->group * s->v.inputs;
}

static void run_strip(const struct strip *s, const uint8_t *residual, void *output, const uint8_t **segments) {
    const struct qconvolution *c = s->c;
    const struct convolution_geometry *g = &s->g;
    const struct view *v = &s->v;
    const size_t nr = (size_t)c->gemm->nr, nb = (size_t)c->gemm->nb, depth = v->segments * v->blocks * (size_t)c->gemm->kr;
    const size_t element = c->requantization.float_output ? sizeof(float) : 1;
    const size_t column = column_bytes(c, v), tap_bytes = g->dilation_x * column, segments_per_row = v->segments / g->kernel_height;
    // Tiles as equal as can be: the multipliers are busiest where sums are many.
    const size_t copied = v->over_reads && s->last_column == g->output_width ? 1 : 0;
    const size_t pixels = s->last_column - s->first_column - copied, tiles = parts_of(pixels, (size_t)c->gemm->mr);
    const size_t smaller = tiles ? pixels / tiles : 0, larger = pixels - tiles * smaller;
    if (copied) memcpy(s->copies, window_row(s, s->first_row, 0) + pixels * g->input_step, v->inputs);
    struct qgemm_tile tile = {
        .segments = segments, .segment_count = v->segments, .segment_blocks = v->blocks,
        .a_step = g->stride_x / v->column_step * column, .b_step = nb * depth, .requantization = &c->requantization,
        .output_step = g->output_step, .residual_step = g->residual_step,
    };
    const size_t first_channel = v->groups == 1 ? s->part->first_channel : 0, last_channel = v->groups == 1 ? s->part->last_channel : v->outputs;
    for (size_t channel = first_channel; channel < last_channel; channel += nr) {
        const size_t padded_channel = s->group * v->padded_outputs + channel, first_output = s->group * v->outputs + channel;
        tile.b = (const int8_t *)c->weights + padded_channel * depth;
        tile.bias = c->bias + padded_channel;
        tile.multipliers = c->multipliers + padded_channel;
        tile.n = last_channel - channel < nr ? last_channel - channel : nr;
        // While the first tiles are computed, the weights of the next channels are fetched.
        const char *ahead = tile.b, *ahead_end = ahead;
        if (channel + nr < last_channel) {
            ahead += nr * depth;
            ahead_end = ahead + round_up(last_channel - channel - nr < nr ? last_channel - channel - nr : nr, nb) * depth;
        }
        const size_t lines = v->segments * v->blocks * 64;
        for (size_t y = s->first_row; y < s->last_row; y++) {
            for (size_t ky = 0, i = 0; ky < g->kernel_height; ky++) {
                const uint8_t *row = window_row(s, y, ky);
                for (size_t t = 0; t < segments_per_row; t++) segments[i++] = row + t * tap_bytes;
            }
            const size_t first = y * g->output_width + s->first_column;
            tile.output = (uint8_t *)output + (first * g->output_step + first_output) * element;
            tile.residual = residual ? residual + first * g->residual_step + first_output : NULL;
            for (size_t i = 0; i < tiles; i++) {
                tile.m = smaller + (i < larger ? 1 : 0);
                tile.wanted_soon = ahead < ahead_end ? ahead : NULL;
                ahead += lines;
                c->gemm->run(&tile);
                for (size_t k = 0; k < v->segments; k++) segments[k] += tile.m * tile.a_step;
                tile.output = (uint8_t *)tile.output + tile.m * g->output_step * element;
                if (residual) tile.residual += tile.m * g->residual_step;
            }
            if (copied) {
                segments[0] = s->copies;
                tile.m = 1;
                tile.wanted_soon = NULL;
                c->gemm->run(&tile);
            }
        }
    }
}

size_t strips_channel_alignment(const struct qconvolution *c) { return view_of(c).groups == 1 ? (size_t)c->gemm->nr : 0; }

void strips_run(const struct qconvolution *c, const uint8_t *input, const uint8_t *residual, void *output, void *scratch,
                const struct qconvolution_part *part) {
    struct strip s = {.c = c, .g = c->geometry, .v = view_of(c), .part = part, .input = input};
    size_t first_row = part->first_row, last_row = part->last_row;
    if (is_pointwise(&s.g)) {
        const size_t element = c->requantization.float_output ? sizeof(float) : 1, first = first_row * s.g.output_width;
        s.input += first * s.g.input_step;
        output = (uint8_t *)output + first * s.g.output_step * element;
        if (residual) residual += first * s.g.residual_step;
        s.g.input_width = s.g.output_width = (last_row - first_row) * s.g.output_width;
        s.g.input_height = s.g.output_height = last_row = 1;
        first_row = 0;
    }
    s.padding = (uint8_t *)scratch + pointer_bytes(&s.v);
    s.copies = s.padding;
    if (needs_padding_row(&s.g)) {
        const size_t bytes = row_bytes(c, &s.v);
        append_padding(s.padding, (enum panel)c->gemm->panel, c->input_zero_point, bytes / s.v.element);
        s.copies += bytes;
    }
    for (s.first_row = first_row; s.first_row < last_row; s.first_row = s.last_row) {
        s.last_row = last_row - s.first_row < c->strip_rows ? last_row : s.first_row + c->strip_rows;
        for (s.first_column = 0; s.first_column < s.g.output_width; s.first_column = s.last_column) {
            const size_t left = s.g.output_width - s.first_column;
            s.last_column = left < c->strip_columns ? s.g.output_width : s.first_column + c->strip_columns;
            for (s.group = 0; s.group < s.v.groups; s.group++) {
                if (!s.v.in_place) copy_rows(&s);
                run_strip(&s, residual, output, scratch);
            }
            if (!c->table) continue;
            for (size_t y = s.first_row; y < s.last_row; y++) {
                const size_t at = y * s.g.output_width + s.first_column;
                apply_table(c, (uint8_t *)output + at * s.g.output_step, s.last_column - s.first_column, part);
            }
        }
    }
}
