/* SPDX-License-Identifier: Apache-2.0 */
/* From runs of keys per row to runs of tiles. For every tile of queries the rows' runs are walked
 * together from left to right: where all rows see whole tiles, one whole span covers as many of
 * them as the shortest run allows; anywhere else one tile at a time is described by a pattern of
 * row intervals. Patterns repeat along the diagonal, so they are stored once, found by hash. The
 * transposed schedule is the same list sorted by key tile. */
#include "masbench/schedule.h"

#include "masbench/rng.h"

#include <stdlib.h>
#include <string.h>

const char *mas_alignment_name(mas_alignment alignment)
{
    static const char *const names[MAS_ALIGNMENT_COUNT] = {"bottom_right", "top_left"};
    return (unsigned)alignment < MAS_ALIGNMENT_COUNT ? names[alignment] : "unknown";
}

typedef struct builder {
    const mas_mask *mask;
    mas_alignment alignment;
    mas_schedule *s;
    bool counts_only; /* neither spans nor patterns */
    mas_run *runs;    /* [q_tile][max_runs], what is left of each row's runs */
    size_t max_runs;
    size_t *next, *end; /* [q_tile] current and one past the last run of each row */
    mas_span *spans;
    size_t span_count, span_room;
    mas_row_span *patterns;
    size_t pattern_room;
    mas_row_span *scratch; /* [q_tile] the pattern being made */
    int32_t *buckets;      /* hash table of pattern indices, -1 empty */
    size_t bucket_count;   /* power of two */
} builder;

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t tile_rows(const mas_schedule *s, int32_t q_tile)
{
    return min64(s->q_tile, s->q_len - (int64_t)q_tile * s->q_tile);
}

static size_t hash_pattern(const mas_row_span *pattern, int32_t rows)
{
    uint64_t h = 0;
    for (int32_t r = 0; r < rows; r++)
        h = mas_mix64(h ^ ((uint64_t)pattern[r].lo << 16 | pattern[r].hi));
    return (size_t)h;
}

static bool grow_buckets(builder *b)
{
    const size_t count = b->bucket_count ? b->bucket_count * 2 : 64;
    int32_t *buckets = malloc(count * sizeof *buckets);
    if (!buckets)
        return false;
    memset(buckets, -1, count * sizeof *buckets);
    for (int32_t i = 0; i < b->s->pattern_count; i++) {
        size_t slot = hash_pattern(b->patterns + (size_t)i * (size_t)b->s->q_tile, b->s->q_tile) &
                      (count - 1);
        while (buckets[slot] >= 0)
            slot = (slot + 1) & (count - 1);
        buckets[slot] = i;
    }
    free(b->buckets);
    b->buckets = buckets;
    b->bucket_count = count;
    return true;
}

/* Index of the scratch pattern, added if new; -1 without memory. */
static int32_t intern_pattern(builder *b)
{
    const size_t rows = (size_t)b->s->q_tile;
    if ((size_t)b->s->pattern_count * 2 >= b->bucket_count && !grow_buckets(b))
        return -1;
    size_t slot = hash_pattern(b->scratch, b->s->q_tile) & (b->bucket_count - 1);
    for (; b->buckets[slot] >= 0; slot = (slot + 1) & (b->bucket_count - 1))
        if (memcmp(b->patterns + (size_t)b->buckets[slot] * rows, b->scratch,
                   rows * sizeof *b->scratch) == 0)
            return b->buckets[slot];
    if ((size_t)b->s->pattern_count == b->pattern_room) {
        const size_t room = b->pattern_room ? b->pattern_room * 2 : 8;
        mas_row_span *grown = realloc(b->patterns, room * rows * sizeof *grown);
        if (!grown)
            return -1;
        b->patterns = grown;
        b->pattern_room = room;
    }
    memcpy(b->patterns + (size_t)b->s->pattern_count * rows, b->scratch, rows * sizeof *b->scratch);
    return b->buckets[slot] = b->s->pattern_count++;
}

/* Append a span to the current query tile, joining the one before it when it goes on with the same
 * pattern. */
static bool append_span(builder *b, size_t tile_start, mas_span span)
{
    if (b->span_count > tile_start) {
        mas_span *last = &b->spans[b->span_count - 1];
        if (last->pattern == span.pattern && last->first + last->count == span.first) {
            last->count += span.count;
            return true;
        }
    }
    if (b->span_count == b->span_room) {
        const size_t room = b->span_room ? b->span_room * 2 : 256;
        mas_span *grown = realloc(b->spans, room * sizeof *grown);
        if (!grown)
            return false;
        b->spans = grown;
        b->span_room = room;
    }
    b->spans[b->span_count++] = span;
    return true;
}

static bool store_partial(builder *b, size_t tile_start, int32_t k_tile)
{
    const int32_t pattern = intern_pattern(b);
    return pattern >= 0 && append_span(b, tile_start, (mas_span){k_tile, 1, pattern});
}

/* Cut what each row still sees of the tile starting at key k0 into patterns of one interval a row.
 */
static bool append_partial(builder *b, size_t tile_start, int32_t k_tile, int64_t rows)
{
    mas_schedule *s = b->s;
    const int64_t k0 = (int64_t)k_tile * s->k_tile, k1 = min64(k0 + s->k_tile, s->kv_len);
    for (;;) {
        bool any = false;
        memset(b->scratch, 0, (size_t)s->q_tile * sizeof *b->scratch);
        for (int64_t r = 0; r < rows; r++) {
            if (b->next[r] == b->end[r])
                continue;
            mas_run *run = &b->runs[b->next[r]];
            if (run->begin >= k1)
                continue;
            const int64_t hi = min64(run->end, k1);
            b->scratch[r] = (mas_row_span){(uint16_t)(run->begin - k0), (uint16_t)(hi - k0)};
            any = true;
            if (run->end <= k1)
                b->next[r]++;
            else
                run->begin = k1;
        }
        if (!any)
            return true;
        if (!b->counts_only && !store_partial(b, tile_start, k_tile))
            return false;
        s->tiles++;
        s->executed_pairs += rows * (k1 - k0);
    }
}

static bool build_query_tile(builder *b, int32_t q_tile)
{
    mas_schedule *s = b->s;
    const int64_t rows = tile_rows(s, q_tile);
    const size_t tile_start = b->span_count;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t row = (int64_t)q_tile * s->q_tile + r;
        const int64_t position = mas_position(row, s->q_len, s->kv_len, b->alignment);
        mas_run *runs = b->runs + (size_t)r * b->max_runs;
        const size_t count = b->mask->runs(b->mask, position, s->kv_len, runs);
        b->next[r] = (size_t)r * b->max_runs;
        b->end[r] = b->next[r] + count;
        for (size_t i = 0; i < count; i++)
            s->pairs += runs[i].end - runs[i].begin;
        s->empty_rows += count == 0;
    }
    for (;;) {
        int64_t first = INT64_MAX;        /* leftmost key still to visit */
        int64_t from = 0, to = INT64_MAX; /* keys that every row sees in its current run */
        for (int64_t r = 0; r < rows; r++) {
            if (b->next[r] == b->end[r]) {
                to = 0;
                continue;
            }
            const mas_run *run = &b->runs[b->next[r]];
            first = min64(first, run->begin);
            from = run->begin > from ? run->begin : from;
            to = min64(to, run->end);
        }
        if (first == INT64_MAX)
            return true;
        const int32_t tile = (int32_t)(first / s->k_tile);
        const int64_t whole = to / s->k_tile - tile;
        if (from <= (int64_t)tile * s->k_tile && whole > 0) {
            const int64_t k1 = (tile + whole) * s->k_tile;
            if (!b->counts_only &&
                !append_span(b, tile_start, (mas_span){tile, (int32_t)whole, MAS_SPAN_WHOLE}))
                return false;
            s->tiles += whole;
            s->executed_pairs += whole * rows * s->k_tile;
            for (int64_t r = 0; r < rows; r++) {
                mas_run *run = &b->runs[b->next[r]];
                run->begin = k1;
                b->next[r] += run->begin == run->end;
            }
        } else if (!append_partial(b, tile_start, tile, rows)) {
            return false;
        }
    }
}

/* Sort the spans by key tile. Two passes over them: count what each key tile gets, then place.
 * `last` holds the span being extended in each key tile. */
static bool transpose(mas_schedule *s)
{
    size_t *start = calloc((size_t)s->k_tiles + 1, sizeof *start);
    mas_span *last = malloc((size_t)s->k_tiles * sizeof *last);
    size_t *used = calloc((size_t)s->k_tiles, sizeof *used);
    mas_span *spans = NULL;
    bool done = false;
    if (!start || !last || !used)
        goto done;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t t = 0; t < s->k_tiles; t++) {
            last[t] = (mas_span){-1, 0, 0};
            used[t] = 0;
        }
        for (int32_t q = 0; q < s->q_tiles; q++)
            for (size_t i = s->q_start[q]; i < s->q_start[q + 1]; i++)
                for (int32_t t = s->q_spans[i].first; t < s->q_spans[i].first + s->q_spans[i].count;
                     t++) {
                    const int32_t pattern = s->q_spans[i].pattern;
                    if (last[t].count && last[t].pattern == pattern &&
                        last[t].first + last[t].count == q) {
                        last[t].count++;
                    } else {
                        last[t] = (mas_span){q, 1, pattern};
                        used[t]++;
                    }
                    if (pass == 1)
                        spans[start[t] + used[t] - 1] = last[t];
                }
        if (pass == 0) {
            for (int32_t t = 0; t < s->k_tiles; t++)
                start[t + 1] = start[t] + used[t];
            spans = malloc((start[s->k_tiles] + 1) * sizeof *spans);
            if (!spans)
                goto done;
        }
    }
    s->k_start = start;
    s->k_spans = spans;
    start = NULL;
    spans = NULL;
    done = true;
done:
    free(start);
    free(last);
    free(used);
    free(spans);
    return done;
}

/* Sizes of the tiles, and their number. */
static mas_status measure(int64_t q_len, int64_t kv_len, int32_t q_tile, int32_t k_tile,
                          mas_schedule *s, mas_error *err)
{
    if (q_len < 1 || kv_len < 1)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "a schedule needs at least one query and one key, not %lld and %lld",
                        (long long)q_len, (long long)kv_len);
    if (q_tile < 1 || q_tile > MAS_TILE_MAX || k_tile < 1 || k_tile > MAS_TILE_MAX)
        return mas_fail(err, MAS_E_ARGUMENT, "tile edges must be 1 to %d, not %d and %d",
                        MAS_TILE_MAX, q_tile, k_tile);
    const int64_t q_tiles = (q_len - 1) / q_tile + 1, k_tiles = (kv_len - 1) / k_tile + 1;
    if (q_tiles >= INT32_MAX || k_tiles >= INT32_MAX)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "%lld queries and %lld keys make too many tiles of %d x %d",
                        (long long)q_len, (long long)kv_len, q_tile, k_tile);
    *s = (mas_schedule){.q_len = q_len,
                        .kv_len = kv_len,
                        .q_tile = q_tile,
                        .k_tile = k_tile,
                        .q_tiles = (int32_t)q_tiles,
                        .k_tiles = (int32_t)k_tiles};
    return MAS_OK;
}

static mas_status no_memory(const mas_schedule *s, mas_error *err)
{
    return mas_fail(err, MAS_E_MEMORY, "no memory for the schedule of %lld queries and %lld keys",
                    (long long)s->q_len, (long long)s->kv_len);
}

/* All query tiles, from the first; q_start: where the spans of each begin, NULL to count only. */
static bool build_rows(builder *b, size_t *q_start)
{
    const size_t rows = (size_t)b->s->q_tile;
    b->counts_only = !q_start;
    b->max_runs = b->mask->max_runs(b->mask, b->s->kv_len);
    b->runs = malloc(rows * b->max_runs * sizeof *b->runs);
    b->next = malloc(rows * sizeof *b->next);
    b->end = malloc(rows * sizeof *b->end);
    b->scratch = malloc(rows * sizeof *b->scratch);
    if (!b->runs || !b->next || !b->end || !b->scratch)
        return false;
    for (int32_t t = 0; t < b->s->q_tiles; t++) {
        if (!build_query_tile(b, t))
            return false;
        if (q_start)
            q_start[t + 1] = b->span_count;
    }
    return true;
}

static void free_builder(builder *b)
{
    free(b->runs);
    free(b->next);
    free(b->end);
    free(b->scratch);
    free(b->spans);
    free(b->patterns);
    free(b->buckets);
}

mas_status mas_schedule_build(const mas_mask *mask, int64_t q_len, int64_t kv_len,
                              mas_alignment alignment, int32_t q_tile, int32_t k_tile,
                              mas_schedule **out, mas_error *err)
{
    mas_schedule sizes;
    const mas_status status = measure(q_len, kv_len, q_tile, k_tile, &sizes, err);
    if (status != MAS_OK)
        return status;
    mas_schedule *s = malloc(sizeof *s);
    if (!s)
        return no_memory(&sizes, err);
    *s = sizes;
    builder b = {.mask = mask, .alignment = alignment, .s = s};
    size_t *q_start = calloc((size_t)s->q_tiles + 1, sizeof *q_start);
    s->q_start = q_start;
    bool built = q_start && build_rows(&b, q_start);
    s->q_spans = b.spans;
    s->patterns = b.patterns;
    b.spans = NULL;
    b.patterns = NULL;
    built = built && transpose(s);
    free_builder(&b);
    if (!built) {
        mas_schedule_free(s);
        return no_memory(&sizes, err);
    }
    *out = s;
    return MAS_OK;
}

mas_status mas_schedule_count(const mas_mask *mask, int64_t q_len, int64_t kv_len,
                              mas_alignment alignment, int32_t q_tile, int32_t k_tile,
                              mas_schedule *out, mas_error *err)
{
    mas_schedule s;
    const mas_status status = measure(q_len, kv_len, q_tile, k_tile, &s, err);
    if (status != MAS_OK)
        return status;
    builder b = {.mask = mask, .alignment = alignment, .s = &s};
    const bool counted = build_rows(&b, NULL);
    free_builder(&b);
    if (!counted)
        return no_memory(&s, err);
    *out = s;
    return MAS_OK;
}

void mas_schedule_free(mas_schedule *schedule)
{
    if (!schedule)
        return;
    free((void *)schedule->q_start);
    free((void *)schedule->q_spans);
    free((void *)schedule->k_start);
    free((void *)schedule->k_spans);
    free((void *)schedule->patterns);
    free(schedule);
}

int64_t mas_mask_pairs(const mas_mask *mask, int64_t q_len, int64_t kv_len, mas_alignment alignment,
                       int64_t *empty_rows)
{
    int64_t pairs = 0, empty = 0;
    mas_run few[16];
    const size_t room = mask->max_runs(mask, kv_len);
    mas_run *runs = room <= sizeof few / sizeof *few ? few : malloc(room * sizeof *runs);
    for (int64_t i = 0; runs && i < q_len; i++) {
        const size_t count =
            mask->runs(mask, mas_position(i, q_len, kv_len, alignment), kv_len, runs);
        for (size_t r = 0; r < count; r++)
            pairs += runs[r].end - runs[r].begin;
        empty += count == 0;
    }
    if (empty_rows)
        *empty_rows = empty;
    const bool failed = !runs;
    if (runs != few)
        free(runs);
    return failed ? -1 : pairs;
}
