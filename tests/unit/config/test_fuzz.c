/* SPDX-License-Identifier: Apache-2.0 */
/* Random edits of a good file are accepted or refused with a message; they never crash, hang or leak (the sanitizer
 * setup watches). Seeded: a failure repeats. */
#include "masbench/rng.h"
#include "tests/unit/config/support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MAX_TEXT 8192

static const char seed_text[] =
    "experiment: fuzz\n"
    "question: \"What?\"\n"
    "kind: train\n"
    "model: &m {layers: 6, width: 64, heads: 4, bias: false}\n"
    "attention:\n"
    "  sparse: {variant: sliding_window, window: 32, sinks: 1}\n"
    "  full_layers: 2\n"
    "  placement: {random: 3}\n"
    "corpus: {type: text, paths: [a, \"b\"], exclude: ['*.c']}\n"
    "training: {tokens: 2e6, seq_len: 256, learning_rate: 1e-3}\n"
    "evaluation:\n"
    "  tokens: 65536\n"
    "  split: test\n"
    "limits: {memory: 2GiB}\n"
    "seed: 1\n"
    "sweep:\n"
    "  - training.seq_len: [256, 512]\n"
    "  - attention.full_layers: {from: 0, to: 4, step: 2}\n"
    "  - {model.width: [64, 128], training.learning_rate: [3e-3, .002]}\n"
    "  - attention.placement: [bottom, [0, 3], {random: 4}]\n"
    "    when: {attention.full_layers: [2]}\n"
    "  - attention.sparse: [{window: 16}, {variant: block_sparse, block: 32}]\n";

static const char *const pieces[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ", ",
                                     ": ",
                                     "- ",
                                     "&m ",
                                     "*m",
                                     "!!int ",
                                     "\t",
                                     "'",
                                     "\"",
                                     "|\n",
                                     "---\n",
                                     "? ",
                                     "1e9",
                                     "nan",
                                     "010",
                                     "-1",
                                     "<<: *m\n",
                                     "\xef\xbb\xbf",
                                     "\xff",
                                     "#",
                                     "~",
                                     "%YAML 1.1\n",
                                     "\r\n",
                                     "sweep",
                                     "when: ",
                                     "variant: full",
                                     "{periodic: {every: 6, offset: 5}}"};

static size_t edit(mas_rng *rng, char *text, size_t length)
{
    const size_t at = (size_t)mas_rng_below(rng, length + 1);
    const char *piece = pieces[mas_rng_below(rng, sizeof pieces / sizeof *pieces)];
    const size_t size = strlen(piece);
    size_t span = (size_t)mas_rng_below(rng, 40);
    switch (mas_rng_below(rng, 6)) {
    case 0: /* another number */
    case 1:
        for (size_t i = at; i < length; i++)
            if (text[i] >= '0' && text[i] <= '9') {
                text[i] = (char)('0' + (int)mas_rng_below(rng, 10));
                break;
            }
        return length;
    case 2: /* another byte */
        if (at < length)
            text[at] = (char)mas_rng_below(rng, 256);
        return length;
    case 3: /* something with a meaning in YAML */
        if (length + size > SIZE_MAX_TEXT)
            return length;
        memmove(text + at + size, text + at, length - at);
        memcpy(text + at, piece, size);
        return length + size;
    case 4: /* a part left out */
        span = span < length - at ? span : length - at;
        memmove(text + at, text + at + span, length - at - span);
        return length - span;
    default: /* a part twice */
        span = span < length - at ? span : length - at;
        if (length + span > SIZE_MAX_TEXT)
            return length;
        memmove(text + at + span, text + at, length - at);
        return length + span;
    }
}

Test(fuzz, edited_files_are_read_or_refused, .timeout = 300)
{
    char path[] = "/tmp/masbench_fuzz_XXXXXX";
    const int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    char *text = malloc(SIZE_MAX_TEXT);
    cr_assert_not_null(text);
    mas_rng rng = mas_rng_seed(20231018, 0);
    int accepted = 0, refused = 0;
    for (int round = 0; round < 2000; round++) {
        size_t length = sizeof seed_text - 1;
        memcpy(text, seed_text, length);
        for (uint64_t edits = mas_rng_below(&rng, 3) + (round > 0); edits > 0; edits--)
            length = edit(&rng, text, length);
        cr_assert_eq(ftruncate(descriptor, 0), 0);
        cr_assert_eq(pwrite(descriptor, text, length, 0), (ssize_t)length);
        mas_experiment *experiment;
        mas_diagnostics problems;
        const mas_status status = mas_experiment_load(path, NULL, 0, &experiment, &problems);
        cr_assert((status == MAS_OK) == (experiment != NULL && problems.count == 0), "round %d",
                  round);
        cr_assert(status == MAS_OK || (status == MAS_E_FORMAT && problems.count > 0), "round %d",
                  round);
        for (size_t i = 0; i < problems.count; i++)
            cr_assert(strlen(problems.texts[i]) > strlen(path), "round %d", round);
        accepted += status == MAS_OK;
        refused += status != MAS_OK;
        mas_diagnostics_free(&problems);
        mas_experiment_free(experiment);
    }
    free(text);
    close(descriptor);
    unlink(path);
    cr_expect_gt(accepted, 50, "%d accepted", accepted);
    cr_expect_gt(refused, 1000);
}
