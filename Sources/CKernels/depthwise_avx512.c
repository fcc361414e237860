// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution by vpdpbusd. Bytes of four rows of a column are interleaved within 16-byte lanes, so that each group of
// four holds one channel; packing the results within lanes brings the channels back into order. In between, vector k of four holds
// the channels 4k ... 4k + 3 of each lane, and so do the weights, the bias and the multipliers: depthwise_channel.
#include "avx512_store.h"
#include "convolution.h"
#if defined(__x86_64__)

// 64 channels of a pixel, or at most 32 of 2 pixels, or 16 of 4, side by side. A copy of the run, which no store can change.
struct block {
    const uint8_t *const *rows;
    const size_t *row_steps;
    size_t offset; // from the rows to the first of these channels
    size_t height, width, pixels, input_width, pad, stride, dilation, output_step;
    size_t channel, count; // the first and how many
    __mmask64 mask;        // of the channels of one pixel
    const int8_t *weights; // [width][groups of four rows][4][64]
    const int32_t *bias;
    const float *multipliers;
    uint8_t *output;
    __m512i padding;
    struct avx512_rule rule;
    const struct qdepthwise_run *run;
};

// How a block takes the channels of a pixel; constants where functions are inlined.
struct form {
    size_t pixels; // 1, 2 or 4
    bool whole;    // all 64 channels, of one pixel
    bool dense;    // several pixels that are inside the image, of the input as of the output, without gaps between them
};

AVX512_INLINE __m512i load_pixels(const struct block *b, const struct form form, size_t row, ptrdiff_t x) {
    const size_t step = b->row_steps[row];
    const uint8_t *channels = b->rows[row] + b->offset;
    if (form.dense) return _mm512_loadu_si512(channels + (size_t)x * b->count);
    if (form.pixels == 1) {
        if ((size_t)x >= b->input_width) return b->padding;
        const uint8_t *from = channels + (size_t)x * step;
        return form.whole ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(b->mask, from);
    }
    if (x >= 0 && (size_t)x + (form.pixels - 1) * b->stride < b->input_width && step * b->stride == b->count && b->count * form.pixels == 64)
        return _mm512_loadu_si512(channels + (size_t)x * step);
    __m512i result = b->padding;
    UNROLL for (size_t p = 0; p < form.pixels; p++, x += (ptrdiff_t)b->stride) {
        if ((size_t)x >= b->input_width) continue;
        const uint8_t *from = channels + (size_t)x * step;
        if (form.pixels == 2) {
            const __m256i half = _mm256_maskz_loadu_epi8((__mmask32)b->mask, from);
            result = p == 0 ? _mm512_inserti64x4(result, half, 0) : _mm512_inserti64x4(result, half, 1);
        } else {
            const __m128i quarter = _mm_maskz_loadu_epi8((__mmask16)b->mask, from);
            result = p == 0 ? _mm512_inserti32x4(result, quarter, 0)
                   : p == 1 ? _mm512_inserti32x4(result, quarter, 1)
                   : p == 2 ? _mm512_inserti32x4(result, quarter, 2)
                            : _mm512_inserti32x4(result, quarter, 3);
        }
    }
    return result;
}

// Rows 4 group ... 4 group + 3 of a column; those beyond the window meet weights of 0.
AVX512_INLINE void load_column(const struct block *b, const struct form form, const size_t height, const size_t group, ptrdiff_t x,
                               __m512i column[4]) {
    const size_t first = 4 * group, left = height - first;
    const __m512i y0 = load_pixels(b, form, first, x), y1 = left > 1 ? load_pixels(b, form, first + 1, x) : y0;
    const __m512i low = _mm512_unpacklo_epi8(y0, y1), high = _mm512_unpackhi_epi8(y0, y1);
    __m512i next_low = low, next_high = high;
    if (left > 2) {
        const __m512i y2 = load_pixels(b, form, first + 2, x), y3 = left > 3 ? load_pixels(b, form, first + 3, x) : y2;
        next_low = _mm512_unpacklo_epi8(y2, y3);
        next_high = _mm512_unpackhi_epi8(y2, y3);
    }
    column[0] = _mm512_unpacklo_epi16(low, next_low);
    column[1] = _mm512_unpackhi_epi16(low, next_low);
    column[2] = _mm512_unpacklo_epi16(high, next_high);
    column[3] = _mm512_unpackhi_epi16(high, next_high);
}

AVX512_INLINE void begin(const struct block *b, __m512i sums[4]) {
    UNROLL for (size_t k = 0; k < 4; k++) sums[k] = _mm512_loadu_si512(b->bias + 16 * k);
}

AVX512_INLINE void add_column(__m512i sums[4], const __m512i column[4], const int8_t *weights) {
    UNROLL for (size_t k = 0; k < 4; k++) sums[k] = _mm512_dpbusd_epi32(sums[k], column[k], _mm512_loadu_si512(weights + 64 * k));
}

AVX512_INLINE size_t pixels_left(const struct block *b, const struct form form, size_t pixel) {
    return b->pixels - pixel < form.pixels ? b->pixels - pixel : form.pixels;
}

AVX512_INLINE void store_pixels(const struct block *b, const struct form form, const __m512i sums[4], size_t pixel) {
    __m512i q[4];
    UNROLL for (size_t k = 0; k < 4; k++) q[k] = avx512_rounded(avx512_real(sums[k], b->multipliers + 16 * k));
    const __m512i bytes = avx512_lanes(q[0], q[1], q[2], q[3], &b->rule);
    uint8_t *to = b->output + pixel * b->output_step;
    if (form.dense) {
        _mm512_storeu_si512(to, bytes);
        return;
    }
    if (form.pixels == 1) {
        if (form.whole)
            _mm512_storeu_si512(to, bytes);
        else
            _mm512_mask_storeu_epi8(to, b->mask, bytes);
        return;
    }
    const size_t left = pixels_left(b, form, pixel);
    if (left == form.pixels && b->output_step == b->count && b->count * form.pixels == 64) {
        _mm512_storeu_si512(to, bytes);
    } else if (form.pixels == 2) {
        _mm256_mask_storeu_epi8(to, (__mmask32)b->mask, _mm512_castsi512_si256(bytes));
        if (left > 1) _mm256_mask_storeu_epi8(to + b->output_step, (__mmask32)b->mask, _mm512_extracti64x4_epi64(bytes, 1));
    } else {
        _mm_mask_storeu_epi8(to, (__mmask16)b->mask, _mm512_castsi512_si128(bytes));
        if (left > 1) _mm_mask_storeu_epi8(to + b->output_step, (__mmask16)b->mask, _mm512_extracti32x4_epi32(bytes, 1));
        if (left > 2) _mm_mask_storeu_epi8(to + 2 * b->output_step, (__mmask16)b->mask, _mm512_extracti32x4_epi32(bytes, 2));
        if (left > 3) _mm_mask_storeu_epi8(to + 3 * b->output_step, (__mmask16)b->mask, _mm512_extracti32x4_epi32(bytes, 3));
    }
}

// The same with a residual, or float32 results, which depthwise layers rarely have.
static AVX512_VNNI __attribute__((noinline)) void store_rarely(const struct block *b, const struct form form, const __m512i sums[4],
                                                               size_t pixel) {
    const struct qdepthwise_run *run = b->run;
    const size_t left = pixels_left(b, form, pixel), width = 64 / form.pixels;
    uint8_t addends[64] = {0}, results[64];
    if (run->residual)
        for (size_t p = 0; p < left; p++)
            memcpy(addends + p * width, run->residual + (pixel + p) * run->residual_step + b->channel, b->count);
    const __m512i bytes = _mm512_loadu_si512(addends), zero = _mm512_setzero_si512();
    const __m512i low = _mm512_unpacklo_epi8(bytes, zero), high = _mm512_unpackhi_epi8(bytes, zero);
    const __m512i residuals[4] = {_mm512_unpacklo_epi16(low, zero), _mm512_unpackhi_epi16(low, zero), _mm512_unpacklo_epi16(high, zero),
                                  _mm512_unpackhi_epi16(high, zero)};
    __m512i q[4];
    float reals[64];
    for (size_t k = 0; k < 4; k++) {
        __m512 real = avx512_real(sums[k], b->multipliers + 16 * k);
        if (run->residual) real = avx512_added(real, residuals[k], &b->rule);
        q[k] = avx512_rounded(real);
        float lanes[16];
        _mm512_storeu_ps(lanes, _mm512_min_ps(_mm512_max_ps(real, _mm512_set1_ps(run->requantization->low)), _mm512_set1_ps(run->requantization->high)));
        for (size_t lane = 0; lane < 4; lane++) memcpy(reals + 16 * lane + 4 * k, lanes + 4 * lane, 4 * sizeof(float));
    }
    _mm512_storeu_si512(results, avx512_lanes(q[0], q[1], q[2], q[3], &b->rule));
    for (size_t p = 0; p < left; p++) {
        const size_t at = (pixel + p) * b->output_step + b->channel;
        if (run->requantization->float_output)
            memcpy((float *)run->output + at, reals + p * width, b->count * sizeof(float));
        else
            memcpy((uint8_t *)run->output + at, results + p * width, b->count);
    }
}

// Every pixel gathers its columns.
AVX512_INLINE void gather(const struct block *b, const struct form form, const size_t height, const size_t width, const bool rarely) {
    const size_t groups = (height + 3) / 4;
    for (size_t i = 0; i < b->pixels; i += form.pixels) {
        const ptrdiff_t left = (ptrdiff_t)(i * b->stride) - (ptrdiff_t)b->pad;
        __m512i sums[4];
        begin(b, sums);
        for (size_t x = 0; x < width; x++)
            for (size_t g = 0; g < groups; g++) {
                __m512i column[4];
                load_column(b, form, height, g, left + (ptrdiff_t)(x * b->dilation), column);
                add_column(sums, column, b->weights + (x * groups + g) * 256);
            }
        if (rarely)
            store_rarely(b, form, sums, i);
        else
            store_pixels(b, form, sums, i);
    }
}

// Windows of one pixel: what is multiplied by and added stays in registers, where stores to the image can't be suspected to change it.
// With `bounded`, nothing is out of the range of a conversion.
AVX512_INLINE void scale(const struct block *b, const struct form form, const bool bounded) {
    __m512i weights[4], bias[4];
    __m512 multipliers[4];
    UNROLL for (size_t k = 0; k < 4; k++) {
        weights[k] = _mm512_loadu_si512(b->weights + 64 * k);
        bias[k] = _mm512_loadu_si512(b->bias + 16 * k);
        multipliers[k] = _mm512_loadu_ps(b->multipliers + 16 * k);
    }
    for (size_t i = 0; i < b->pixels; i++) {
        __m512i column[4], q[4];
        load_column(b, form, 1, 0, (ptrdiff_t)(i * b->stride) - (ptrdiff_t)b->pad, column);
        UNROLL for (size_t k = 0; k < 4; k++) {
            const __m512 real = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_dpbusd_epi32(bias[k], column[k], weights[k])), multipliers[k]);
            q[k] = bounded ? _mm512_cvtps_epi32(real) : avx512_rounded(real);
        }
        const __m512i bytes = avx512_lanes(q[0], q[1], q[2], q[3], &b->rule);
        uint8_t *const to = b->output + i * b->output_step;
        if (form.whole)
            _mm512_storeu_si512(to, bytes);
        else
            _mm512_mask_storeu_epi8(to, b->mask, bytes);
    }
}

// Adds column x, which is column `column` of the window of the first of the sums, to every one that it is part of.
AVX512_INLINE void scatter_column(const struct block *b, const struct form form, const size_t size, const size_t stride, ptrdiff_t x,
                                  const size_t column, const __m512i weights[][4], __m512i sums[][4]) {
    const size_t groups = (size + 3) / 4;
    if (column % stride == 0) begin(b, sums[column / stride]);
    UNROLL for (size_t g = 0; g < groups; g++) {
        __m512i bytes[4];
        load_column(b, form, size, g, x, bytes);
        UNROLL for (size_t p = 0; p * stride <= column; p++) {
            const size_t tap = column - p * stride;
            UNROLL for (size_t k = 0; k < 4; k++)
                sums[p][k] = _mm512_dpbusd_epi32(sums[p][k], bytes[k], weights[tap * groups + g][k]);
        }
    }
}

// One pixel at a time, in steps of one or two columns: each column is prepared once and added to all the pixels that share it.
AVX512_INLINE void scatter(const struct block *b, const struct form form, const size_t size, const size_t stride) {
    const size_t shared = (size + stride - 1) / stride;
    __m512i weights[10][4], sums[5][4]; // sums of the pixels i, i + 1 ...
    UNROLL for (size_t t = 0; t < size * ((size + 3) / 4); t++)
        UNROLL for (size_t k = 0; k < 4; k++) weights[t][k] = _mm512_loadu_si512(b->weights + 256 * t + 64 * k);
    ptrdiff_t x = -(ptrdiff_t)b->pad;
    UNROLL for (size_t j = 0; j + stride < size; j++, x++) scatter_column(b, form, size, stride, x, j, weights, sums);
    for (size_t i = 0; i < b->pixels; i++) {
        UNROLL for (size_t j = size - stride; j < size; j++, x++) scatter_column(b, form, size, stride, x, j, weights, sums);
        store_pixels(b, form, sums[0], i);
        UNROLL for (size_t p = 0; p + 1 < shared; p++)
            UNROLL for (size_t k = 0; k < 4; k++) sums[p][k] = sums[p + 1][k];
    }
}

// The 16-byte lanes of (from, next) from the given one on.
AVX512_INLINE __m512i lanes_from(__m512i from, __m512i next, const size_t lane) {
    return lane == 0 ? from
         : lane == 1 ? _mm512_alignr_epi64(next, from, 2)
         : lane == 2 ? _mm512_alignr_epi64(next, from, 4)
                     : _mm512_alignr_epi64(next, from, 6);
}

// Columns that `slide` holds from pixels to the next ones, besides those that it loads.
AVX512_INLINE size_t held_columns(const struct form form, const size_t size) { return (size - 2 + form.pixels) / form.pixels; }

// Computes pixel i and those beside it. columns: of the taps 0, form.pixels, 2 form.pixels ...; the last ones begin with column x.
AVX512_INLINE void slide_on(const struct block *b, const struct form form, const size_t size, size_t i, ptrdiff_t x, __m512i columns[2][4][4]) {
    const size_t groups = (size + 3) / 4, held = held_columns(form, size);
    __m512i sums[4];
    begin(b, sums);
    UNROLL for (size_t g = 0; g < groups; g++) {
        load_column(b, form, size, g, x, columns[g][held]);
        UNROLL for (size_t t = 0; t < size; t++) {
            const size_t h = t / form.pixels, lane = t % form.pixels * (4 / form.pixels);
            __m512i shifted[4];
            UNROLL for (size_t k = 0; k < 4; k++)
                shifted[k] = lane ? lanes_from(columns[g][h][k], columns[g][h + 1][k], lane) : columns[g][h][k];
            add_column(sums, shifted, b->weights + (t * groups + g) * 256);
        }
        UNROLL for (size_t h = 0; h < held; h++)
            UNROLL for (size_t k = 0; k < 4; k++) columns[g][h][k] = columns[g][h + 1][k];
    }
    store_pixels(b, form, sums, i);
}

// Pixels side by side, in steps of one column: what the next tap reads are the same columns, some lanes on.
AVX512_INLINE void slide(const struct block *b, const struct form form, const size_t size) {
    const size_t groups = (size + 3) / 4, held = held_columns(form, size);
    const ptrdiff_t left = -(ptrdiff_t)b->pad, ahead = left + (ptrdiff_t)(held * form.pixels);
    __m512i columns[2][4][4];
    UNROLL for (size_t g = 0; g < groups; g++)
        UNROLL for (size_t h = 0; h < held; h++) load_column(b, form, size, g, left + (ptrdiff_t)(h * form.pixels), columns[g][h]);
    bool dense = b->count * form.pixels == 64 && b->output_step == b->count;
    UNROLL for (size_t y = 0; y < size; y++) dense = dense && b->row_steps[y] == b->count;
    size_t i = 0;
    if (dense && ahead >= 0 && (size_t)ahead < b->input_width) {
        const size_t inside = b->input_width - (size_t)ahead < b->pixels ? b->input_width - (size_t)ahead : b->pixels;
        const struct form whole = {.pixels = form.pixels, .dense = true};
        for (; i + form.pixels <= inside; i += form.pixels) slide_on(b, whole, size, i, ahead + (ptrdiff_t)i, columns);
    }
    for (; i < b->pixels; i += form.pixels) slide_on(b, form, size, i, ahead + (ptrdiff_t)i, columns);
}

// size: 0 for any window.
AVX512_INLINE void run_form(const struct block *of, const struct form form, const size_t size) {
    struct block b = *of;
    const uint8_t *rows[5];
    size_t row_steps[5];
    if (size) {
        UNROLL for (size_t y = 0; y < size; y++) {
            rows[y] = of->rows[y] + of->channel;
            row_steps[y] = of->row_steps[y];
        }
        b.rows = rows;
        b.row_steps = row_steps;
        b.offset = 0;
    }
    if (size == 1 && form.pixels == 1 && b.run->requantization->bounded)
        scale(&b, form, true);
    else if (size == 1 && form.pixels == 1)
        scale(&b, form, false);
    else if (size > 1 && b.dilation == 1 && form.pixels == 1 && b.stride == 1)
        scatter(&b, form, size, 1);
    else if (size > 1 && b.dilation == 1 && form.pixels == 1 && b.stride == 2)
        scatter(&b, form, size, 2);
    else if (size > 1 && b.dilation == 1 && form.pixels > 1 && b.stride == 1)
        slide(&b, form, size);
    else
        gather(&b, form, size ? size : b.height, size ? size : b.width, false);
}

static AVX512_VNNI __attribute__((noinline)) void run_rarely(const struct block *b) {
    if (b->count <= 16)
        gather(b, (struct form){.pixels = 4}, b->height, b->width, true);
    else if (b->count <= 32)
        gather(b, (struct form){.pixels = 2}, b->height, b->width, true);
    else
        gather(b, (struct form){.pixels = 1}, b->height, b->width, true);
}

AVX512_INLINE void qdepthwise(const struct qdepthwise_run *run, const size_t size) {
    struct block b = {
        .rows = run->rows,
        .row_steps = run->row_steps,
        .height = run->kernel_height,
        .width = run->kernel_width,
        .pixels = run->pixels,
        .input_width = run->input_width,
        .pad = run->pad_left,
        .stride = run->stride_x,
        .dilation = run->dilation_x,
        .output_step = run->output_step,
        .weights = run->weights,
        .bias = run->bias,
        .multipliers = run->multipliers,
        .padding = _mm512_set1_epi8((char)run->padding),
        .rule = avx512_rule(run->requantization),
        .run = run,
    };
    const size_t block_weights = b.width * ((b.height + 3) / 4) * 256;
    for (size_t i = 0; 64 * i < run->channels; i++, b.weights += block_weights, b.bias += 64, b.multipliers += 64) {
        const struct depthwise_span span = depthwise_span(run->channels, 64, i);
        b.channel = b.offset = span.first;
        b.count = span.count;
        b.mask = b.count == 64 ? ~0ull : (1ull << b.count) - 1;
        b.output = (uint8_t *)run->output + b.channel;
        if (run->residual || run->requantization->float_output)
            run_rarely(&b);
        else if (b.count == 64)
            run_form(&b, (struct form){.pixels = 1, .whole = true}, size);
        else if (b.count > 32)
            run_form(&b, (struct form){.pixels = 1}, size);
        else if (b.count > 16)
            run_form(&b, (struct form){.pixels = 2}, size);
        else
            run_form(&b, (struct form){.pixels = 4}, size);
    }
}

AVX512_VNNI void qdepthwise_u8s8_64x4_avx512vnni(const struct qdepthwise_run *run) { qdepthwise(run, 0); }
AVX512_VNNI void qdepthwise1x1_u8s8_64x4_avx512vnni(const struct qdepthwise_run *run) { qdepthwise(run, 1); }
AVX512_VNNI void qdepthwise3x3_u8s8_64x4_avx512vnni(const struct qdepthwise_run *run) { qdepthwise(run, 3); }
AVX512_VNNI void qdepthwise5x5_u8s8_64x4_avx512vnni(const struct qdepthwise_run *run) { qdepthwise(run, 5); }
#endif
