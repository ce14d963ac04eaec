/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule builder on masks that need no variant: causal, all, none, and random matrices, which
 * have every shape of run that a variant could have and many that it could not. */
#include "masbench/rng.h"
#include "tests/unit/core/schedule_check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(schedule, .timeout = 120);

/* A mask given by a matrix over positions -OFFSET .. and keys; outside it nothing is seen. */
#define OFFSET 64
#define EDGE 160

typedef struct matrix {
    bool sees[OFFSET + EDGE][EDGE];
} matrix;

static bool matrix_sees(const mas_mask *mask, int64_t position, int64_t key)
{
    const matrix *m = mask->self;
    return position >= -OFFSET && position < EDGE && key < EDGE && m->sees[position + OFFSET][key];
}

static size_t matrix_runs(const mas_mask *mask, int64_t position, int64_t kv_len, mas_run *runs)
{
    size_t count = 0;
    for (int64_t k = 0; k < kv_len; k++) {
        if (!matrix_sees(mask, position, k))
            continue;
        if (count > 0 && runs[count - 1].end == k)
            runs[count - 1].end++;
        else
            runs[count++] = (mas_run){k, k + 1};
    }
    return count;
}

static size_t matrix_max_runs(const mas_mask *mask, int64_t kv_len)
{
    (void)mask;
    return (size_t)kv_len / 2 + 1;
}

/* Runs of random length: `grain` is about how long they are, so that whole tiles occur as well. */
static void fill(matrix *m, mas_rng *rng, uint64_t grain)
{
    for (int p = 0; p < OFFSET + EDGE; p++) {
        const bool copy = p > 0 && mas_rng_below(rng, 4) != 0; /* rows alike make whole tiles */
        if (copy) {
            memcpy(m->sees[p], m->sees[p - 1], sizeof m->sees[p]);
            continue;
        }
        bool on = mas_rng_below(rng, 2);
        const bool empty = mas_rng_below(rng, 8) == 0;
        for (int k = 0; k < EDGE; k++) {
            on ^= mas_rng_below(rng, grain) == 0;
            m->sees[p][k] = on && !empty;
        }
    }
}

static const int64_t lengths[][2] = {{1, 1},  {7, 7},  {16, 16}, {33, 33}, {64, 64}, {97, 97},
                                     {1, 50}, {3, 96}, {40, 9},  {60, 1},  {31, 64}, {65, 32}};
static const int32_t tiles[][2] = {{1, 1},  {4, 4},  {3, 5},   {5, 3},   {8, 16},  {16, 8},
                                   {7, 64}, {64, 7}, {32, 32}, {200, 3}, {2, 300}, {128, 256}};

static void check_all_shapes(const char *what, const mas_mask *mask)
{
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++)
            for (int a = 0; a < MAS_ALIGNMENT_COUNT; a++)
                check_schedule(what, mask, lengths[l][0], lengths[l][1], (mas_alignment)a,
                               tiles[t][0], tiles[t][1]);
}

Test(schedule, causal_and_all)
{
    check_all_shapes("causal", &mas_mask_causal);
    check_all_shapes("all", &mas_mask_all);
}

Test(schedule, nothing_visible)
{
    static matrix m;
    const mas_mask mask = {&m, matrix_sees, matrix_runs, matrix_max_runs};
    check_all_shapes("nothing", &mask);
}

Test(schedule, random_matrices)
{
    static const uint64_t grains[] = {2, 5, 40};
    matrix *m = calloc(1, sizeof *m);
    cr_assert_not_null(m);
    const mas_mask mask = {m, matrix_sees, matrix_runs, matrix_max_runs};
    for (uint64_t seed = 0; seed < 12; seed++) {
        mas_rng rng = mas_rng_seed(seed, 17);
        char what[64];
        fill(m, &rng, grains[seed % 3]);
        snprintf(what, sizeof what, "random matrix %d", (int)seed);
        check_all_shapes(what, &mask);
    }
    free(m);
}

/* Pictures of the header: what a causal schedule looks like. */
Test(schedule, causal_tiles_by_hand)
{
    mas_schedule *s = NULL;
    cr_assert_eq(
        mas_schedule_build(&mas_mask_causal, 10, 10, MAS_ALIGN_BOTTOM_RIGHT, 4, 4, &s, NULL),
        MAS_OK);
    const mas_span want[] = {
        {0, 1, 0}, {0, 1, MAS_SPAN_WHOLE}, {1, 1, 0}, {0, 2, MAS_SPAN_WHOLE}, {2, 1, 1}};
    const size_t start[] = {0, 1, 3, 5};
    cr_assert_eq(memcmp(s->q_start, start, sizeof start), 0);
    for (size_t i = 0; i < 5; i++)
        cr_assert(s->q_spans[i].first == want[i].first && s->q_spans[i].count == want[i].count &&
                      s->q_spans[i].pattern == want[i].pattern,
                  "span %zu", i);
    cr_assert_eq(s->tiles, 6);
    cr_assert_eq(s->pairs, 55);
    cr_assert_eq(s->executed_pairs, 16 + 32 + 2 * 4 * 2 + 4);
    mas_schedule_free(s);
}

/* A long causal schedule stays small: one pattern, at most two spans for each query tile. */
Test(schedule, stays_small)
{
    mas_schedule *s = NULL;
    cr_assert_eq(mas_schedule_build(&mas_mask_causal, 1 << 16, 1 << 16, MAS_ALIGN_BOTTOM_RIGHT, 64,
                                    64, &s, NULL),
                 MAS_OK);
    cr_assert_eq(s->pattern_count, 1);
    cr_assert_eq(s->q_start[s->q_tiles], 2 * 1024 - 1);
    cr_assert_eq(s->k_start[s->k_tiles], 2 * 1024 - 1);
    cr_assert_eq(s->pairs, (int64_t)(1 << 15) * ((1 << 16) + 1));
    mas_schedule_free(s);
}

Test(schedule, refusals)
{
    mas_schedule *untouched = (mas_schedule *)&lengths, *s = untouched;
    const struct {
        int64_t q_len, kv_len;
        int32_t q_tile, k_tile;
        const char *says;
    } bad[] = {
        {0, 5, 4, 4, "not 0 and 5"},
        {5, -1, 4, 4, "not 5 and -1"},
        {5, 5, 0, 4, "not 0 and 4"},
        {5, 5, 4, MAS_TILE_MAX + 1, "1 to 4096"},
        {INT64_C(1) << 40, 5, 1, 1, "too many tiles"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mas_error err = {MAS_OK, ""};
        cr_assert_eq(mas_schedule_build(&mas_mask_all, bad[i].q_len, bad[i].kv_len,
                                        MAS_ALIGN_BOTTOM_RIGHT, bad[i].q_tile, bad[i].k_tile, &s,
                                        &err),
                     MAS_E_ARGUMENT);
        cr_assert_not_null(strstr(err.text, bad[i].says), "%s", err.text);
        cr_assert_eq(s, untouched);
    }
    mas_schedule_free(NULL);
}

Test(schedule, alignment)
{
    cr_assert_str_eq(mas_alignment_name(MAS_ALIGN_BOTTOM_RIGHT), "bottom_right");
    cr_assert_str_eq(mas_alignment_name(MAS_ALIGN_TOP_LEFT), "top_left");
    cr_assert_eq(mas_position(0, 2, 5, MAS_ALIGN_BOTTOM_RIGHT), 3);
    cr_assert_eq(mas_position(0, 5, 2, MAS_ALIGN_BOTTOM_RIGHT), -3);
    cr_assert_eq(mas_position(4, 5, 2, MAS_ALIGN_TOP_LEFT), 4);
}
