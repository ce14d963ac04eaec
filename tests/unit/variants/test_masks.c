/* SPDX-License-Identifier: Apache-2.0 */
/* Every variant's two statements of its mask against one another and against the words of the
 * definition, and the schedules made from them. */
#include "tests/unit/core/schedule_check.h"
#include "tests/unit/variants/specs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(masks, .timeout = 120);

static const char *const specs[] = {
    "full",
    "full causal=0",
    "full sinks=3",
    "sliding_window window=1",
    "sliding_window window=3",
    "sliding_window window=16 sinks=1",
    "sliding_window window=7 sinks=4",
    "sliding_window window=1000 sinks=40",
    "block_sparse block=1",
    "block_sparse block=4",
    "block_sparse block=4 causal=0",
    "block_sparse block=5 sinks=3",
    "block_sparse block=64 sinks=70",
    "block_sparse block=5 sinks=7 causal=0",
    "block_sparse block=4 layout=local local=1",
    "block_sparse block=3 layout=local local=2",
    "block_sparse block=8 layout=local local=3 sinks=9",
    "block_sparse block=8 layout=local causal=0",
    "block_sparse block=4 layout=strided stride=1",
    "block_sparse block=4 layout=strided stride=3",
    "block_sparse block=1 layout=strided stride=5 sinks=2",
    "block_sparse block=6 layout=strided stride=2 causal=0 sinks=4",
    "block_sparse block=4 layout=bigbird",
    "block_sparse block=4 layout=bigbird window_blocks=1 global_blocks=0 random_blocks=0",
    "block_sparse block=3 layout=bigbird window_blocks=2 global_blocks=1 random_blocks=4 seed=9",
    "block_sparse block=1 layout=bigbird window_blocks=2 global_blocks=3 random_blocks=20 seed=1",
    "block_sparse block=2 layout=bigbird window_blocks=1 global_blocks=0 random_blocks=64 sinks=5",
    "block_sparse block=4 layout=bigbird random_blocks=2 causal=0 sinks=1",
    "block_sparse block=2 layout=bigbird global_blocks=12 causal=0",
};
#define SPEC_COUNT (sizeof specs / sizeof *specs)

/* 24 rows in which every kind of run occurs: none, own only, several, and later blocks. */
static mas_attn_spec spec_from_file(const char *more)
{
    static const char pattern[] = "110100111010010110001011101001101001";
    char content[2048] = "# block rows\n", text[256];
    size_t used = strlen(content);
    for (size_t r = 0; r < 24; r++) {
        const size_t columns = r + 1 + r % 3;
        for (size_t c = 0; c < columns; c++)
            content[used++] = r == 2 ? '0' : pattern[(r * 7 + c) % (sizeof pattern - 1)];
        content[used++] = '\n';
    }
    content[used] = '\0';
    const char *path = write_file("layout.txt", content);
    snprintf(text, sizeof text, "block_sparse layout=file layout_file=%s %s", path, more);
    const mas_attn_spec spec = spec_of(text);
    remove_file(path);
    return spec;
}

/* Runs against sees, key by key, and the form of the runs. */
static void check_runs(const char *what, const mas_attn_spec *spec)
{
    static const int64_t lengths[] = {1, 2, 3, 8, 17, 64, 95};
    const mas_mask mask = mas_attn_spec_mask(spec);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        const int64_t kv_len = lengths[l];
        const size_t room = mask.max_runs(&mask, kv_len);
        mas_run *runs = malloc((room + 1) * sizeof *runs);
        for (int64_t p = -70; p < kv_len + 70; p++) {
            runs[room] = (mas_run){-77, -77}; /* guard */
            const size_t count = mask.runs(&mask, p, kv_len, runs);
            cr_assert(count <= room && runs[room].begin == -77 && runs[room].end == -77,
                      "%s: %zu runs, room for %zu", what, count, room);
            for (size_t i = 0; i < count; i++) {
                cr_assert(runs[i].begin >= 0 && runs[i].begin < runs[i].end &&
                              runs[i].end <= kv_len,
                          "%s, position %ld of %ld: run %ld..%ld", what, (long)p, (long)kv_len,
                          (long)runs[i].begin, (long)runs[i].end);
                cr_assert(i == 0 || runs[i - 1].end < runs[i].begin,
                          "%s, position %ld of %ld: runs touch or are out of order at key %ld",
                          what, (long)p, (long)kv_len, (long)runs[i].begin);
            }
            size_t at = 0;
            for (int64_t k = 0; k < kv_len; k++) {
                while (at < count && runs[at].end <= k)
                    at++;
                const bool in_run = at < count && runs[at].begin <= k;
                cr_assert_eq(mask.sees(&mask, p, k), in_run,
                             "%s, position %ld of %ld, key %ld: runs say %d", what, (long)p,
                             (long)kv_len, (long)k, in_run);
            }
        }
        free(runs);
    }
}

Test(masks, sees_equals_runs)
{
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        const mas_attn_spec spec = spec_of(specs[i]);
        check_runs(specs[i], &spec);
    }
}

Test(masks, sees_equals_runs_for_files)
{
    const mas_attn_spec plain = spec_from_file("block=4"),
                        sinks = spec_from_file("block=3 sinks=5"),
                        open = spec_from_file("block=7 sinks=2 causal=0");
    check_runs("file", &plain);
    check_runs("file, sinks", &sinks);
    check_runs("file, not causal", &open);
}

static void check_schedules(const char *what, const mas_attn_spec *spec)
{
    static const int64_t lengths[][2] = {{1, 1},  {8, 8},  {61, 61}, {96, 96},
                                         {5, 90}, {1, 64}, {70, 20}, {48, 3}};
    static const int32_t tiles[][2] = {{4, 4},  {1, 1},   {3, 7},  {16, 8},
                                       {8, 32}, {32, 64}, {128, 5}};
    const mas_mask mask = mas_attn_spec_mask(spec);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++)
            for (int a = 0; a < MAS_ALIGNMENT_COUNT; a++)
                check_schedule(what, &mask, lengths[l][0], lengths[l][1], (mas_alignment)a,
                               tiles[t][0], tiles[t][1]);
}

Test(masks, schedules)
{
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        const mas_attn_spec spec = spec_of(specs[i]);
        check_schedules(specs[i], &spec);
    }
    const mas_attn_spec file = spec_from_file("block=5 sinks=3");
    check_schedules("file", &file);
}

/* ---- definitions ---- */

static void expect_row(const char *text, int64_t position, const char *row)
{
    const mas_attn_spec spec = spec_of(text);
    const mas_mask mask = mas_attn_spec_mask(&spec);
    for (int64_t k = 0; row[k]; k++)
        cr_assert_eq(mask.sees(&mask, position, k), row[k] == '1', "%s: position %ld, key %ld",
                     text, (long)position, (long)k);
}

Test(masks, rows_by_hand)
{
    expect_row("full", 2, "11100000");
    expect_row("full causal=0", 2, "11111111");
    expect_row("full", -1, "00000000");
    expect_row("sliding_window window=3", 5, "00011100");
    expect_row("sliding_window window=3", 1, "11000000");
    expect_row("sliding_window window=3 sinks=2", 6, "11001110");
    expect_row("sliding_window window=3 sinks=2", 0, "10000000");
    expect_row("sliding_window window=3", 9, "00000001");
    expect_row("sliding_window window=3", 10, "00000000");
    expect_row("block_sparse block=4", 5, "00001100");
    expect_row("block_sparse block=4 causal=0", 5, "00001111");
    expect_row("block_sparse block=2 layout=local", 6, "00001110");
    expect_row("block_sparse block=2 layout=local local=2 causal=0", 4, "00111100");
    expect_row("block_sparse block=2 layout=strided stride=2", 7, "00110011");
    expect_row("block_sparse block=2 layout=strided stride=2", 4, "11001000");
    expect_row(
        "block_sparse block=1 layout=bigbird window_blocks=2 global_blocks=1 random_blocks=0", 6,
        "10000110");
    expect_row(
        "block_sparse block=1 layout=bigbird window_blocks=2 global_blocks=2 random_blocks=0 "
        "causal=0",
        0, "11000000");
}

/* Sinks belong to any variant and obey the causal mask. */
Test(masks, sinks_are_a_union)
{
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        mas_attn_spec with = spec_of(specs[i]), without = with;
        with.sinks = 6;
        without.sinks = 0;
        const mas_mask a = mas_attn_spec_mask(&with), b = mas_attn_spec_mask(&without);
        for (int64_t p = -3; p < 50; p++)
            for (int64_t k = 0; k < 50; k++) {
                const bool sink = k < 6 && (!with.causal || k <= p);
                cr_assert_eq(a.sees(&a, p, k), sink || b.sees(&b, p, k));
            }
    }
}

static int64_t pairs_of(const char *text, int64_t q_len, int64_t kv_len, mas_alignment alignment)
{
    const mas_attn_spec spec = spec_of(text);
    const mas_mask mask = mas_attn_spec_mask(&spec);
    return mas_mask_pairs(&mask, q_len, kv_len, alignment, NULL);
}

Test(masks, known_pairs)
{
    cr_assert_eq(pairs_of("sliding_window window=3", 6, 6, MAS_ALIGN_BOTTOM_RIGHT), 15);
    cr_assert_eq(pairs_of("full", 2, 5, MAS_ALIGN_BOTTOM_RIGHT), 9);
    cr_assert_eq(pairs_of("full", 2, 5, MAS_ALIGN_TOP_LEFT), 3);
    cr_assert_eq(pairs_of("full", 5, 2, MAS_ALIGN_BOTTOM_RIGHT), 3);
    cr_assert_eq(pairs_of("full", 5, 2, MAS_ALIGN_TOP_LEFT), 9);
}

/* A block row without visible blocks: four queries without keys. */
Test(masks, empty_block_row)
{
    char text[256];
    snprintf(text, sizeof text, "block_sparse block=4 layout=file layout_file=%s",
             write_file("empty_row.txt", "1\n11\n000\n1011\n"));
    const mas_attn_spec spec = spec_of(text);
    const mas_mask mask = mas_attn_spec_mask(&spec);
    int64_t empty = 0;
    cr_assert_eq(mas_mask_pairs(&mask, 16, 16, MAS_ALIGN_BOTTOM_RIGHT, &empty), 10 + 26 + 42);
    cr_assert_eq(empty, 4);
    remove_file(spec.path);
}

/* ---- bigbird's draw ---- */

static size_t row_blocks(const mas_attn_spec *spec, int64_t row, int64_t blocks, bool *visible)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    size_t count = 0;
    for (int64_t c = 0; c < blocks; c++) {
        visible[c] = mask.sees(&mask, row, c);
        count += visible[c];
    }
    return count;
}

Test(masks, bigbird_draws_as_many_as_there_are)
{
    const mas_attn_spec spec = spec_of("block_sparse block=1 layout=bigbird window_blocks=3 "
                                       "global_blocks=2 random_blocks=3 seed=5");
    bool visible[64];
    for (int64_t row = 0; row < 64; row++) {
        const size_t all = (size_t)row + 1, want = 3 + 2 + 3;
        cr_assert_eq(row_blocks(&spec, row, 64, visible), all < want ? all : want, "row %ld",
                     (long)row);
    }
}

/* Pairs of the tiles visited, by pairs visible, of blocks of 64 at 8,192 positions. */
static double bigbird_executed(int32_t q_tile, int32_t k_tile)
{
    const mas_attn_spec spec = spec_of("block_sparse block=64 layout=bigbird");
    const mas_mask mask = mas_attn_spec_mask(&spec);
    mas_schedule *s = NULL;
    mas_error err = {MAS_OK, ""};
    cr_assert_eq(
        mas_schedule_build(&mask, 8192, 8192, MAS_ALIGN_BOTTOM_RIGHT, q_tile, k_tile, &s, &err),
        MAS_OK, "%s", err.text);
    const double executed = (double)s->executed_pairs / (double)s->pairs;
    mas_schedule_free(s);
    return executed;
}

/* The CUDA kernel for 9.0 has tiles of 128 or 192 rows, of which 64 rows pass by what they do not see. */
Test(masks, bigbird_needs_tiles_of_its_blocks)
{
    cr_assert_float_eq(bigbird_executed(64, 64), 1.07, 0.005);
    cr_assert_float_eq(bigbird_executed(64, 128), 1.56, 0.005);
    cr_assert_float_eq(bigbird_executed(128, 128), 2.20, 0.005);
    cr_assert_float_eq(bigbird_executed(192, 128), 2.96, 0.005);
}

Test(masks, bigbird_rows_do_not_depend_on_length)
{
    const mas_attn_spec spec = spec_of("block_sparse block=2 layout=bigbird seed=3");
    const mas_mask mask = mas_attn_spec_mask(&spec);
    mas_run at_short[8], at_long[8];
    for (int64_t p = 0; p < 100; p++) {
        const size_t n = mask.runs(&mask, p, 100, at_short);
        cr_assert_eq(mask.runs(&mask, p, 5000, at_long), n);
        cr_assert_eq(memcmp(at_short, at_long, n * sizeof *at_short), 0);
    }
}

Test(masks, bigbird_seeds_and_rows_differ)
{
    const char *base = "block_sparse block=1 layout=bigbird window_blocks=1 global_blocks=0 seed=";
    bool first[201], other[201];
    int hits[200] = {0};
    for (int seed = 0; seed < 2000; seed++) {
        char text[128];
        snprintf(text, sizeof text, "%s%d", base, seed);
        const mas_attn_spec spec = spec_of(text);
        cr_assert_eq(row_blocks(&spec, 200, 201, first), 4);
        row_blocks(&spec, 199, 201, other);
        cr_assert_neq(memcmp(first, other, 199), 0, "seed %d: two rows drew alike", seed);
        for (int c = 0; c < 200; c++)
            hits[c] += first[c];
    }
    /* 6000 draws over 200 blocks: 30 each, give or take five deviations */
    for (int c = 0; c < 200; c++)
        cr_assert(hits[c] > 2 && hits[c] < 58, "block %d was drawn %d times", c, hits[c]);
}

/* The draw is part of recorded results: it must never change. */
Test(masks, bigbird_golden_row)
{
    const mas_attn_spec spec = spec_of("block_sparse block=1 layout=bigbird window_blocks=2 "
                                       "global_blocks=1 random_blocks=4 seed=42");
    bool visible[41];
    char row[42] = "";
    row_blocks(&spec, 40, 41, visible);
    for (int c = 0; c < 41; c++)
        row[c] = visible[c] ? '1' : '0';
    cr_assert_str_eq(row, "10000000010000100000001000000010000000011");
}
