/* SPDX-License-Identifier: Apache-2.0 */
/* A plan's schedule in device memory: one block that holds all its arrays. */
#include "kernels/cuda/cuda.h"

#include <algorithm>
#include <stdlib.h>
#include <string.h>
#include <vector>

namespace
{

/* The arrays of a schedule one behind the other, each on a 16-byte boundary. */
struct packer {
    std::vector<unsigned char> bytes;

    template <class T> size_t put(const T *data, size_t count)
    {
        const size_t at = (bytes.size() + 15) / 16 * 16;
        bytes.resize(at + std::max<size_t>(count * sizeof(T), 1));
        if (count)
            memcpy(bytes.data() + at, data, count * sizeof(T));
        return at;
    }
};

std::vector<int32_t> narrow(const size_t *start, int32_t tiles)
{
    return std::vector<int32_t>(start, start + tiles + 1);
}

/* Tiles with the most visits first, so that no long one starts last. */
std::vector<int32_t> longest_first(const size_t *start, const mas_span *spans, int32_t tiles)
{
    std::vector<int64_t> visits((size_t)tiles, 0);
    std::vector<int32_t> order((size_t)tiles);
    for (int32_t t = 0; t < tiles; t++) {
        order[(size_t)t] = t;
        for (size_t i = start[t]; i < start[t + 1]; i++)
            visits[(size_t)t] += spans[i].count;
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return visits[(size_t)a] > visits[(size_t)b]; });
    return order;
}

std::vector<uint64_t> seen_keys(const mas_schedule *s, int32_t words)
{
    std::vector<uint64_t> seen((size_t)s->pattern_count * (size_t)words, 0);
    for (int32_t p = 0; p < s->pattern_count; p++)
        for (int32_t r = 0; r < s->q_tile; r++) {
            const mas_row_span keys = mas_schedule_pattern(s, p)[r];
            for (int32_t j = keys.lo; j < keys.hi; j++)
                seen[(size_t)p * (size_t)words + (size_t)j / 64] |= (uint64_t)1 << (j % 64);
        }
    return seen;
}

std::vector<mas_cuda_parts> parts_of(const mas_schedule *s)
{
    const int32_t part = MAS_CUDA_PART, k_parts = (s->k_tile + part - 1) / part;
    std::vector<mas_cuda_parts> parts((size_t)s->pattern_count);
    for (int32_t p = 0; p < s->pattern_count; p++) {
        parts[(size_t)p].all = ~(uint32_t)0;
        for (int32_t r = 0; r < s->q_tile; r++) {
            const mas_row_span keys = mas_schedule_pattern(s, p)[r];
            for (int32_t k = 0; k < k_parts; k++) {
                const int32_t lo = std::max<int32_t>(keys.lo, k * part),
                              hi = std::min<int32_t>(keys.hi, (k + 1) * part);
                const uint32_t bit = (uint32_t)1 << (r / part * k_parts + k) % 32;
                if (lo < hi)
                    parts[(size_t)p].some |= bit;
                if (hi - lo < part)
                    parts[(size_t)p].all &= ~bit;
            }
        }
    }
    return parts;
}

} // namespace

mas_status mas_cuda_schedule_prepare(const mas_attn_plan *plan, void **out, mas_error *err)
{
    const mas_schedule *s = plan->schedule;
    mas_status status = mas_cuda_start(err);
    if (status == MAS_OK)
        status = mas_cuda_noted(err);
    if (status != MAS_OK)
        return status;
    const int32_t words = (s->k_tile + 63) / 64;
    const std::vector<int32_t> q_start = narrow(s->q_start, s->q_tiles),
                               k_start = narrow(s->k_start, s->k_tiles),
                               q_order = longest_first(s->q_start, s->q_spans, s->q_tiles),
                               k_order = longest_first(s->k_start, s->k_spans, s->k_tiles);
    const std::vector<uint64_t> seen = seen_keys(s, words);
    const std::vector<mas_cuda_parts> parts = parts_of(s);
    packer p;
    const size_t at[] = {
        p.put(q_start.data(), q_start.size()),
        p.put(k_start.data(), k_start.size()),
        p.put(s->q_spans, s->q_start[s->q_tiles]),
        p.put(s->k_spans, s->k_start[s->k_tiles]),
        p.put(s->patterns, (size_t)s->pattern_count * (size_t)s->q_tile),
        p.put(seen.data(), seen.size()),
        p.put(q_order.data(), q_order.size()),
        p.put(k_order.data(), k_order.size()),
        p.put(parts.data(), parts.size()),
    };
    mas_cuda_schedule *d = (mas_cuda_schedule *)calloc(1, sizeof *d);
    char *memory = NULL;
    if (!d)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a schedule");
    status =
        mas_cuda_check(cudaMalloc((void **)&memory, p.bytes.size()), "allocating a schedule", err);
    if (status == MAS_OK)
        status = mas_cuda_check(
            cudaMemcpy(memory, p.bytes.data(), p.bytes.size(), cudaMemcpyHostToDevice),
            "copying a schedule", err);
    if (status != MAS_OK) {
        cudaFree(memory);
        free(d);
        return status;
    }
    d->q_tile = s->q_tile, d->k_tile = s->k_tile;
    d->q_tiles = s->q_tiles, d->k_tiles = s->k_tiles;
    d->seen_words = words;
    d->q_start = (const int32_t *)(memory + at[0]);
    d->k_start = (const int32_t *)(memory + at[1]);
    d->q_spans = (const mas_span *)(memory + at[2]);
    d->k_spans = (const mas_span *)(memory + at[3]);
    d->patterns = (const mas_row_span *)(memory + at[4]);
    d->seen = (const uint64_t *)(memory + at[5]);
    d->q_order = (const int32_t *)(memory + at[6]);
    d->k_order = (const int32_t *)(memory + at[7]);
    d->parts = (const mas_cuda_parts *)(memory + at[8]);
    *out = d;
    return MAS_OK;
}

void mas_cuda_schedule_discard(void *prepared)
{
    mas_cuda_schedule *d = (mas_cuda_schedule *)prepared;
    /* the first array: the start of the block */
    mas_cuda_note(cudaFree((void *)d->q_start), "releasing a schedule");
    free(d);
}
