// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution by vpmaddwd: bytes of two rows of a column are interleaved within 16-byte lanes and widened, so that each
// pair of 16-bit numbers holds one channel; packing the results within lanes brings the channels back into order. In between,
// vector k of four holds the channels 4k ... 4k + 3 of each lane, and so do the weights, the bias and the multipliers.
#include "avx2_store.h"
#include "convolution.h"
#include "requantize.h"
#if defined(__x86_64__)

// 32 channels of a pixel, or at most 16 of 2 pixels side by side. A copy of the run, which no store can change.
struct block {
    const uint8_t *const *rows;
    const size_t *row_steps;
    size_t offset; // from the rows to the first of these channels
    size_t height, width, pixels, input_width, pad, stride, dilation, output_step;
    size_t channel, count;  // the first and how many
    const int16_t *weights; // [width][pairs of rows][4][8][2]
    const int32_t *bias;
    const float *multipliers;
    uint8_t *output;
    __m256i padding;
    struct avx2_rule rule;
    const struct qdepthwise_run *run;
};

// How a block takes the channels of a pixel; constants where functions are inlined.
struct form {
    size_t pixels; // 1 or 2
    bool whole;    // all 32, or 16, channels
};

AVX2_INLINE __m128i load_some(const uint8_t *from, size_t count) {
    if (count == 8) return _mm_loadl_epi64((const __m128i *)from);
    uint8_t bytes[16] = {0};
    memcpy(bytes, from, count);
    return _mm_loadu_si128((const __m128i *)bytes);
}

AVX2_INLINE void store_some(uint8_t *to, __m128i bytes, size_t count) {
    if (count == 8) {
        _mm_storel_epi64((__m128i *)to, bytes);
        return;
    }
    uint8_t stored[16];
    _mm_storeu_si128((__m128i *)stored, bytes);
    memcpy(to, stored, count);
}

AVX2_INLINE __m256i load_pixels(const struct block *b, const struct form form, size_t row, ptrdiff_t x) {
    const size_t step = b->row_steps[row];
    const uint8_t *channels = b->rows[row] + b->offset;
    if (form.pixels == 1) {
        if ((size_t)x >= b->input_width) return b->padding;
        const uint8_t *from = channels + (size_t)x * step;
        if (form.whole) return _mm256_loadu_si256((const __m256i *)from);
        return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)from)), load_some(from + 16, b->count - 16), 1);
    }
    __m128i lanes[2];
    UNROLL for (size_t p = 0; p < 2; p++, x += (ptrdiff_t)b->stride) {
        if ((size_t)x >= b->input_width) {
            lanes[p] = _mm256_castsi256_si128(b->padding);
            continue;
        }
        const uint8_t *from = channels + (size_t)x * step;
        lanes[p] = form.whole ? _mm_loadu_si128((const __m128i *)from) : load_some(from, b->count);
    }
    return _mm256_inserti128_si256(_mm256_castsi128_si256(lanes[0]), lanes[1], 1);
}

// Rows 2 pair and 2 pair + 1 of a column as bytes; one beyond the window meets weights of 0.
AVX2_INLINE void load_column(const struct block *b, const struct form form, const size_t height, const size_t pair, ptrdiff_t x,
                             __m256i bytes[2]) {
    const __m256i y0 = load_pixels(b, form, 2 * pair, x), y1 = 2 * pair + 1 < height ? load_pixels(b, form, 2 * pair + 1, x) : y0;
    bytes[0] = _mm256_unpacklo_epi8(y0, y1);
    bytes[1] = _mm256_unpackhi_epi8(y0, y1);
}

AVX2_INLINE __m256i widened(const __m256i bytes[2], const size_t k) {
    const __m256i zero = _mm256_setzero_si256();
    return k % 2 ? _mm256_unpackhi_epi8(bytes[k / 2], zero) : _mm256_unpacklo_epi8(bytes[k / 2], zero);
}

AVX2_INLINE __m256i added(__m256i sums, __m256i pairs, const int16_t *weights) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_loadu_si256((const __m256i *)weights)));
}

AVX2_INLINE void begin(const struct block *b, __m256i sums[4]) {
    UNROLL for (size_t k = 0; k < 4; k++) sums[k] = _mm256_loadu_si256((const __m256i *)(b->bias + 8 * k));
}

AVX2_INLINE size_t pixels_left(const struct block *b, const struct form form, size_t pixel) {
    return b->pixels - pixel < form.pixels ? b->pixels - pixel : form.pixels;
}

AVX2_INLINE void store_pixels(const struct block *b, const struct form form, const __m256i sums[4], size_t pixel) {
    __m256i q[4];
    UNROLL for (size_t k = 0; k < 4; k++) q[k] = avx2_rounded(avx2_real(sums[k], b->multipliers + 8 * k, &b->rule, NULL));
    const __m256i bytes = avx2_saturated(q[0], q[1], q[2], q[3], &b->rule);
    uint8_t *to = b->output + pixel * b->output_step;
    if (form.pixels == 1 && form.whole) {
        _mm256_storeu_si256((__m256i *)to, bytes);
    } else if (form.pixels == 1) {
        _mm_storeu_si128((__m128i *)to, _mm256_castsi256_si128(bytes));
        store_some(to + 16, _mm256_extracti128_si256(bytes, 1), b->count - 16);
    } else {
        const __m128i lanes[2] = {_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)};
        UNROLL for (size_t p = 0; p < 2; p++, to += b->output_step) {
            if (p == pixels_left(b, form, pixel)) return;
            if (form.whole)
                _mm_storeu_si128((__m128i *)to, lanes[p]);
            else
                store_some(to, lanes[p], b->count);
        }
    }
}

// The same with a residual, or float32 results, which depthwise layers rarely have.
static AVX2 __attribute__((noinline)) void store_rarely(const struct block *b, const struct form form, const __m256i sums[4], size_t pixel) {
    const struct qdepthwise_run *run = b->run;
    const struct requantization *r = run->requantization;
    int32_t stored[32];
    for (size_t k = 0; k < 4; k++) _mm256_storeu_si256((__m256i *)(stored + 8 * k), sums[k]);
    for (size_t p = 0; p < pixels_left(b, form, pixel); p++)
        for (size_t c = 0; c < b->count; c++) {
            const size_t lane = form.pixels == 2 ? p : c / 16, at = 8 * (c % 16 / 4) + 4 * lane + c % 4, i = pixel + p;
            const size_t residual_at = i * run->residual_step + b->channel + c, output_at = i * run->output_step + b->channel + c;
            uint8_t *to = (uint8_t *)run->output + output_at * (r->float_output ? sizeof(float) : 1);
            store_accumulator(stored[at], b->multipliers[at], r, run->residual ? run->residual + residual_at : NULL, to, 0);
        }
}

// Every pixel gathers its columns.
AVX2_INLINE void gather(const struct block *b, const struct form form, const size_t height, const size_t width, const bool rarely) {
    const size_t pairs = (height + 1) / 2;
    for (size_t i = 0; i < b->pixels; i += form.pixels) {
        const ptrdiff_t left = (ptrdiff_t)(i * b->stride) - (ptrdiff_t)b->pad;
        __m256i sums[4];
        begin(b, sums);
        for (size_t x = 0; x < width; x++)
            for (size_t y = 0; y < pairs; y++) {
                __m256i bytes[2];
                load_column(b, form, height, y, left + (ptrdiff_t)(x * b->dilation), bytes);
                UNROLL for (size_t k = 0; k < 4; k++) sums[k] = added(sums[k], widened(bytes, k), b->weights + (x * pairs + y) * 64 + 16 * k);
            }
        if (rarely)
            store_rarely(b, form, sums, i);
        else
            store_pixels(b, form, sums, i);
    }
}

// Adds column x, which is column `column` of the window of the first of the sums, to every one that it is part of.
AVX2_INLINE void scatter_column(const struct block *b, const struct form form, const size_t size, const size_t stride, ptrdiff_t x,
                                const size_t column, __m256i sums[][4]) {
    const size_t pairs = (size + 1) / 2;
    if (column % stride == 0) begin(b, sums[column / stride]);
    UNROLL for (size_t y = 0; y < pairs; y++) {
        __m256i bytes[2];
        load_column(b, form, size, y, x, bytes);
        UNROLL for (size_t k = 0; k < 4; k++) {
            const __m256i numbers = widened(bytes, k);
            UNROLL for (size_t p = 0; p * stride <= column; p++)
                sums[p][k] = added(sums[p][k], numbers, b->weights + ((column - p * stride) * pairs + y) * 64 + 16 * k);
        }
    }
}

// In steps of one or two columns: each column is prepared once and added to all the pixels that share it.
AVX2_INLINE void scatter(const struct block *b, const struct form form, const size_t size, const size_t stride) {
    const size_t shared = (size + stride - 1) / stride;
    __m256i sums[5][4]; // of the pixels i, i + 1 ...
    ptrdiff_t x = -(ptrdiff_t)b->pad;
    UNROLL for (size_t j = 0; j + stride < size; j++, x++) scatter_column(b, form, size, stride, x, j, sums);
    for (size_t i = 0; i < b->pixels; i++) {
        UNROLL for (size_t j = size - stride; j < size; j++, x++) scatter_column(b, form, size, stride, x, j, sums);
        store_pixels(b, form, sums[0], i);
        UNROLL for (size_t p = 0; p + 1 < shared; p++)
            UNROLL for (size_t k = 0; k < 4; k++) sums[p][k] = sums[p + 1][k];
    }
}

// Two pixels side by side, in steps of one column: what the next tap reads are the same columns, a lane on.
AVX2_INLINE void slide(const struct block *b, const struct form form, const size_t size) {
    const size_t pairs = (size + 1) / 2, held = size / 2;
    const ptrdiff_t left = -(ptrdiff_t)b->pad;
    __m256i columns[3][3][2]; // of the taps 0, 2 ...
    UNROLL for (size_t y = 0; y < pairs; y++)
        UNROLL for (size_t h = 0; h < held; h++) load_column(b, form, size, y, left + (ptrdiff_t)(2 * h), columns[y][h]);
    for (size_t i = 0; i < b->pixels; i += 2) {
        __m256i sums[4];
        begin(b, sums);
        UNROLL for (size_t y = 0; y < pairs; y++) {
            load_column(b, form, size, y, left + (ptrdiff_t)(i + 2 * held), columns[y][held]);
            UNROLL for (size_t t = 0; t < size; t++) {
                __m256i shifted[2];
                UNROLL for (size_t v = 0; v < 2; v++) {
                    const __m256i from = columns[y][t / 2][v];
                    shifted[v] = t % 2 ? _mm256_permute2x128_si256(from, columns[y][t / 2 + 1][v], 0x21) : from;
                }
                UNROLL for (size_t k = 0; k < 4; k++) sums[k] = added(sums[k], widened(shifted, k), b->weights + (t * pairs + y) * 64 + 16 * k);
            }
            UNROLL for (size_t h = 0; h < held; h++)
                UNROLL for (size_t v = 0; v < 2; v++) columns[y][h][v] = columns[y][h + 1][v];
        }
        store_pixels(b, form, sums, i);
    }
}

// size: 0 for any window.
AVX2_INLINE void run_form(const struct block *of, const struct form form, const size_t size) {
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
    if (size > 1 && b.dilation == 1 && form.pixels == 1 && form.whole && b.stride == 1)
        scatter(&b, form, size, 1);
    else if (size > 1 && b.dilation == 1 && form.pixels == 1 && form.whole && b.stride == 2)
        scatter(&b, form, size, 2);
    else if (size > 1 && b.dilation == 1 && form.pixels == 2 && b.stride == 1)
        slide(&b, form, size);
    else
        gather(&b, form, size ? size : b.height, size ? size : b.width, false);
}

static AVX2 __attribute__((noinline)) void run_rarely(const struct block *b) {
    if (b->count <= 16)
        gather(b, (struct form){2, false}, b->height, b->width, true);
    else if (b->count < 32)
        gather(b, (struct form){1, false}, b->height, b->width, true);
    else
        gather(b, (struct form){1, true}, b->height, b->width, true);
}

AVX2_INLINE void qdepthwise(const struct qdepthwise_run *run, const size_t size) {
    const struct requantization *r = run->requantization;
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
        .padding = _mm256_set1_epi8((char)run->padding),
        .rule = avx2_rule(r),
        .run = run,
    };
    const size_t block_weights = b.width * ((b.height + 1) / 2) * 64;
    for (size_t i = 0; 32 * i < run->channels; i++, b.weights += block_weights, b.bias += 32, b.multipliers += 32) {
        const struct depthwise_span span = depthwise_span(run->channels, 32, i);
        b.channel = b.offset = span.first;
        b.count = span.count;
        b.output = (uint8_t *)run->output + b.channel;
        if (run->residual || r->float_output)
            run_rarely(&b);
        else if (b.count == 32)
            run_form(&b, (struct form){1, true}, size);
        else if (b.count > 16)
            run_form(&b, (struct form){1, false}, size);
        else if (b.count == 16)
            run_form(&b, (struct form){2, true}, size);
        else
            run_form(&b, (struct form){2, false}, size);
    }
}

AVX2 void qdepthwise_u8s8_32x2_avx2(const struct qdepthwise_run *run) { qdepthwise(run, 0); }
AVX2 void qdepthwise3x3_u8s8_32x2_avx2(const struct qdepthwise_run *run) { qdepthwise(run, 3); }
AVX2 void qdepthwise5x5_u8s8_32x2_avx2(const struct qdepthwise_run *run) { qdepthwise(run, 5); }
#endif
