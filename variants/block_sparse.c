/* SPDX-License-Identifier: Apache-2.0 */
/* Queries and keys are cut into blocks of b. A layout is a relation between a query's block row and
 * key blocks, stated twice: `sees` for one block, `runs` as intervals of blocks. Common code turns
 * them into keys under the causal mask.
 *
 *   own      row r: block r                       (the diagonal; figure 1a of arXiv 2310.12442)
 *   local    row r: blocks r-local+1 .. r
 *   strided  row r: blocks r, r-stride, r-2 stride, ...
 *   bigbird  row r: blocks r-window_blocks+1 .. r, blocks 0 .. global_blocks-1, and random_blocks
 *            of the earlier blocks that are neither
 *   file     row r: what the file says (layout_file.h)
 *
 * The random blocks of a row are those with the smallest hash of (seed, row, block): a draw without
 * replacement that does not depend on the sequence's length and needs no state. */
#include "variants/layout_file.h"
#include "variants/table.h"
#include "variants/text.h"

#include "masbench/rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_BLOCKS_MAX 64
#define BLOCKS_MAX ((int64_t)1 << 20)

enum {
    BLOCK,
    LAYOUT,
    LOCAL,
    STRIDE,
    WINDOW_BLOCKS,
    GLOBAL_BLOCKS,
    RANDOM_BLOCKS,
    SEED,
    LAYOUT_FILE
};
enum { OWN_BLOCK, LOCAL_BLOCKS, STRIDED, BIGBIRD, FROM_FILE, LAYOUT_COUNT };

static const char *const layout_words[] = {"own", "local", "strided", "bigbird", "file", NULL};

static const mas_option options[] = {
    [BLOCK] = {"block", MAS_OPTION_INT, 1, 1, (int64_t)1 << 30, true, NULL, "block edge in tokens"},
    [LAYOUT] =
        {"layout", MAS_OPTION_WORD, OWN_BLOCK, 0, 0, false, layout_words,
         "own: the query's block; local: own and those just before; strided: own and every n-th "
         "before; bigbird: window, first and random blocks; file: from layout_file"},
    [LOCAL] = {"local", MAS_OPTION_INT, 2, 1, BLOCKS_MAX, false, NULL,
               "layout local: visible blocks, own included"},
    [STRIDE] = {"stride", MAS_OPTION_INT, 4, 1, BLOCKS_MAX, false, NULL,
                "layout strided: block row r sees blocks r, r - stride, r - 2 stride, ..."},
    [WINDOW_BLOCKS] = {"window_blocks", MAS_OPTION_INT, 3, 1, BLOCKS_MAX, false, NULL,
                       "layout bigbird: visible blocks up to and with the own one"},
    [GLOBAL_BLOCKS] = {"global_blocks", MAS_OPTION_INT, 2, 0, BLOCKS_MAX, false, NULL,
                       "layout bigbird: first blocks of the sequence, visible to every query"},
    [RANDOM_BLOCKS] = {"random_blocks", MAS_OPTION_INT, 3, 0, RANDOM_BLOCKS_MAX, false, NULL,
                       "layout bigbird: further earlier blocks, drawn for each block row"},
    [SEED] = {"seed", MAS_OPTION_INT, 0, 0, INT64_MAX, false, NULL,
              "layout bigbird: seed of the random blocks"},
    [LAYOUT_FILE] = {"layout_file", MAS_OPTION_PATH, 0, 0, 0, false, NULL,
                     "layout file: text file, one line of 0 and 1 for each block row"},
};

/* The one layout that an option belongs to; LAYOUT_COUNT: all. */
static const int option_layout[] = {
    [BLOCK] = LAYOUT_COUNT,    [LAYOUT] = LAYOUT_COUNT,   [LOCAL] = LOCAL_BLOCKS,
    [STRIDE] = STRIDED,        [WINDOW_BLOCKS] = BIGBIRD, [GLOBAL_BLOCKS] = BIGBIRD,
    [RANDOM_BLOCKS] = BIGBIRD, [SEED] = BIGBIRD,          [LAYOUT_FILE] = FROM_FILE,
};

/* ---- runs: intervals of blocks ---- */

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Append blocks begin .. end-1, cut to what exists; begins ascend. */
static size_t add(mas_run *runs, size_t count, int64_t begin, int64_t end, int64_t blocks)
{
    begin = begin > 0 ? begin : 0;
    end = min64(end, blocks);
    if (begin >= end)
        return count;
    if (count > 0 && begin <= runs[count - 1].end) {
        if (end > runs[count - 1].end)
            runs[count - 1].end = end;
        return count;
    }
    runs[count] = (mas_run){begin, end};
    return count + 1;
}

static size_t own_runs(const mas_attn_spec *spec, int64_t row, int64_t blocks, mas_run *runs)
{
    (void)spec;
    return add(runs, 0, row, row + 1, blocks);
}

static size_t local_runs(const mas_attn_spec *spec, int64_t row, int64_t blocks, mas_run *runs)
{
    return add(runs, 0, row - spec->value[LOCAL] + 1, row + 1, blocks);
}

static size_t strided_runs(const mas_attn_spec *spec, int64_t row, int64_t blocks, mas_run *runs)
{
    const int64_t stride = spec->value[STRIDE];
    size_t count = 0;
    if (row < 0)
        return 0;
    for (int64_t c = row % stride; c <= row && c < blocks; c += stride)
        count = add(runs, count, c, c + 1, blocks);
    return count;
}

static uint64_t row_hash(const mas_attn_spec *spec, int64_t row)
{
    return mas_mix64((uint64_t)spec->value[SEED] ^ mas_mix64((uint64_t)row));
}

static size_t bigbird_runs(const mas_attn_spec *spec, int64_t row, int64_t blocks, mas_run *runs)
{
    const int64_t global = spec->value[GLOBAL_BLOCKS], window = spec->value[WINDOW_BLOCKS];
    const size_t wanted = (size_t)spec->value[RANDOM_BLOCKS];
    struct {
        uint64_t hash;
        int64_t block;
    } drawn[RANDOM_BLOCKS_MAX]; /* ascending in hash */
    size_t drawn_count = 0;
    const uint64_t base = row_hash(spec, row);
    for (int64_t c = global; wanted > 0 && c <= row - window; c++) {
        const uint64_t hash = mas_mix64(base + (uint64_t)c);
        size_t at = drawn_count;
        if (drawn_count == wanted) {
            if (hash > drawn[wanted - 1].hash)
                continue;
            at--;
        } else {
            drawn_count++;
        }
        for (; at > 0 && drawn[at - 1].hash > hash; at--)
            drawn[at] = drawn[at - 1];
        drawn[at].hash = hash;
        drawn[at].block = c;
    }
    size_t count = add(runs, 0, 0, global, blocks);
    int64_t after = -1;
    for (size_t i = 0; i < drawn_count; i++) { /* next larger block each time */
        int64_t next = INT64_MAX;
        for (size_t j = 0; j < drawn_count; j++)
            if (drawn[j].block > after)
                next = min64(next, drawn[j].block);
        count = add(runs, count, next, next + 1, blocks);
        after = next;
    }
    return add(runs, count, row - window + 1, row + 1, blocks);
}

static size_t file_runs(const mas_attn_spec *spec, int64_t row, int64_t blocks, mas_run *runs)
{
    return mas_block_layout_runs(spec->layout, row, blocks, runs);
}

/* ---- sees: one block at a time, from the definitions above ---- */

static bool own_sees(const mas_attn_spec *spec, int64_t row, int64_t column)
{
    (void)spec;
    return column == row;
}

static bool local_sees(const mas_attn_spec *spec, int64_t row, int64_t column)
{
    return column <= row && row - column < spec->value[LOCAL];
}

static bool strided_sees(const mas_attn_spec *spec, int64_t row, int64_t column)
{
    return column <= row && (row - column) % spec->value[STRIDE] == 0;
}

static bool bigbird_sees(const mas_attn_spec *spec, int64_t row, int64_t column)
{
    if (column < spec->value[GLOBAL_BLOCKS])
        return true;
    if (column > row)
        return false;
    const int64_t last = row - spec->value[WINDOW_BLOCKS]; /* last block before the window */
    if (column > last)
        return true;
    int64_t smaller = 0; /* blocks drawn before this one */
    const uint64_t base = row_hash(spec, row), mine = mas_mix64(base + (uint64_t)column);
    for (int64_t other = spec->value[GLOBAL_BLOCKS]; other <= last; other++)
        smaller += mas_mix64(base + (uint64_t)other) < mine;
    return smaller < spec->value[RANDOM_BLOCKS];
}

static bool file_sees(const mas_attn_spec *spec, int64_t row, int64_t column)
{
    return mas_block_layout_sees(spec->layout, row, column);
}

/* ---- bounds and labels ---- */

static size_t one_run(const mas_attn_spec *spec, int64_t blocks)
{
    (void)spec, (void)blocks;
    return 1;
}

static size_t strided_max_runs(const mas_attn_spec *spec, int64_t blocks)
{
    return (size_t)((blocks - 1) / spec->value[STRIDE] + 1);
}

static size_t bigbird_max_runs(const mas_attn_spec *spec, int64_t blocks)
{
    (void)blocks;
    return 2 + (size_t)spec->value[RANDOM_BLOCKS];
}

static size_t file_max_runs(const mas_attn_spec *spec, int64_t blocks)
{
    (void)blocks;
    return mas_block_layout_max_runs(spec->layout);
}

static void own_label(const mas_attn_spec *spec, char *text, size_t size)
{
    (void)spec;
    snprintf(text, size, "own");
}

static void local_label(const mas_attn_spec *spec, char *text, size_t size)
{
    snprintf(text, size, "local %" PRId64, spec->value[LOCAL]);
}

static void strided_label(const mas_attn_spec *spec, char *text, size_t size)
{
    snprintf(text, size, "strided %" PRId64, spec->value[STRIDE]);
}

static void bigbird_label(const mas_attn_spec *spec, char *text, size_t size)
{
    const int n =
        snprintf(text, size, "bigbird %" PRId64 "+%" PRId64 "+%" PRId64, spec->value[WINDOW_BLOCKS],
                 spec->value[GLOBAL_BLOCKS], spec->value[RANDOM_BLOCKS]);
    if (spec->value[SEED] != 0 && n > 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, " seed %" PRId64, spec->value[SEED]);
}

static void file_label(const mas_attn_spec *spec, char *text, size_t size)
{
    const char *slash = strrchr(spec->path, '/');
    text[0] = '\0';
    mas_text_append(text, size, "file %s", slash ? slash + 1 : spec->path);
}

static const struct {
    bool (*sees)(const mas_attn_spec *spec, int64_t row, int64_t column);
    size_t (*runs)(const mas_attn_spec *spec, int64_t row, int64_t blocks, mas_run *runs);
    size_t (*max_runs)(const mas_attn_spec *spec, int64_t blocks);
    void (*label)(const mas_attn_spec *spec, char *text, size_t size);
} layouts[LAYOUT_COUNT] = {
    [OWN_BLOCK] = {own_sees, own_runs, one_run, own_label},
    [LOCAL_BLOCKS] = {local_sees, local_runs, one_run, local_label},
    [STRIDED] = {strided_sees, strided_runs, strided_max_runs, strided_label},
    [BIGBIRD] = {bigbird_sees, bigbird_runs, bigbird_max_runs, bigbird_label},
    [FROM_FILE] = {file_sees, file_runs, file_max_runs, file_label},
};

/* ---- the variant ---- */

static bool sees(const mas_attn_spec *spec, int64_t position, int64_t key)
{
    if (spec->causal && key > position)
        return false;
    /* a query before the sequence has no block: row -1 stands for all of those */
    const int64_t row = position >= 0 ? position / spec->value[BLOCK] : -1;
    return layouts[spec->value[LAYOUT]].sees(spec, row, key / spec->value[BLOCK]);
}

static size_t runs(const mas_attn_spec *spec, int64_t position, int64_t kv_len, mas_run *out)
{
    const int64_t block = spec->value[BLOCK], remainder = position % block;
    const int64_t row = position / block - (remainder < 0);
    const int64_t blocks = (kv_len - 1) / block + 1;
    const int64_t limit = spec->causal ? min64(position + 1, kv_len) : kv_len;
    if (limit <= 0)
        return 0;
    const size_t count = layouts[spec->value[LAYOUT]].runs(spec, row, blocks, out);
    size_t kept = 0;
    while (kept < count && out[kept].begin * block < limit) {
        out[kept] = (mas_run){out[kept].begin * block, min64(out[kept].end * block, limit)};
        kept++;
    }
    return kept;
}

static size_t max_runs(const mas_attn_spec *spec, int64_t kv_len)
{
    return layouts[spec->value[LAYOUT]].max_runs(spec, (kv_len - 1) / spec->value[BLOCK] + 1);
}

static void label(const mas_attn_spec *spec, char *text, size_t size)
{
    const int n = snprintf(text, size, "block %" PRId64 " ", spec->value[BLOCK]);
    if (n > 0 && (size_t)n < size)
        layouts[spec->value[LAYOUT]].label(spec, text + n, size - (size_t)n);
}

/* An option that the layout would ignore is refused, unless it says what would hold without it. */
static mas_status check(mas_attn_spec *spec, mas_error *err)
{
    const int64_t layout = spec->value[LAYOUT];
    spec->layout = NULL;
    for (int i = 0; i < (int)(sizeof options / sizeof *options); i++) {
        const bool given =
            i == LAYOUT_FILE ? spec->path[0] != '\0' : spec->value[i] != options[i].default_value;
        if (given && option_layout[i] != LAYOUT_COUNT && option_layout[i] != layout)
            return mas_fail(err, MAS_E_ARGUMENT,
                            "block_sparse: %s belongs to layout \"%s\" and would be ignored by "
                            "layout \"%s\"; remove "
                            "it or set layout: %s",
                            options[i].name, layout_words[option_layout[i]], layout_words[layout],
                            layout_words[option_layout[i]]);
    }
    if (layout != FROM_FILE)
        return MAS_OK;
    if (spec->path[0] == '\0')
        return mas_fail(err, MAS_E_ARGUMENT,
                        "block_sparse: layout \"file\" needs layout_file: PATH");
    return mas_block_layout_load(spec->path, &spec->layout, err);
}

const mas_variant mas_variant_block_sparse = {
    .name = "block_sparse",
    .summary = "whole blocks of keys, chosen by the query's block",
    .source = "Child et al., Sparse Transformer, arXiv 1904.10509; Zaheer et al., BigBird, "
              "arXiv 2007.14062; Zhang et al., MASFormer, arXiv 2310.12442",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .allows_non_causal = true,
    .check = check,
    .sees = sees,
    .runs = runs,
    .max_runs = max_runs,
    .label = label,
};
