/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Shared by the tests of harness/lm: tiny models and a corpus of their own, so that no test depends
 * on a real corpus. support.c defines the mas_corpus_* functions that harness/lm calls.
 */
#ifndef MASBENCH_TESTS_LM_SUPPORT_H
#define MASBENCH_TESTS_LM_SUPPORT_H

#include "harness/lm/internal.h"
#include "harness/lm/train_internal.h"
#include "masbench/rng.h"

#include <criterion/criterion.h>

/** The stand-in corpus: fixed documents for evaluation; for training, noisy arithmetic sequences
 * with repeats. */
struct mas_corpus {
    mas_corpus_info info;
    int64_t
        lengths[8]; /* tokens of each document, separator included; info.documents says how many */
    bool evidence;  /* document tokens know their evidence: i % 5 */
    bool stated;    /* document d holds the token 20 d + 1 only */
    uint64_t seed;
    int64_t byte_share; /* bytes of text per token */
};

#define STUB_VOCAB 37

/** Documents of 17, 64, 1, 90, 33 and 5 tokens. */
mas_corpus stub_corpus(void);

mas_device *open_device(int threads, size_t limit_bytes);

/** A small config with every derived field filled: 3 layers, width 24, 4 heads of 6, vocabulary
 * STUB_VOCAB. */
mas_model_config tiny_config(void);
/** Layers take turns: sparse, full, sparse ... with the given sparse spec. */
mas_plan mixed_plan(int32_t layers, mas_attn_spec sparse);
mas_plan full_plan(int32_t layers);
mas_attn_spec window_spec(int64_t window);
mas_attn_spec block_spec(int64_t block);

mas_model *make_model(mas_device *device, const mas_model_config *config, const mas_plan *plan,
                      int64_t max_tokens, mas_model_use use, uint64_t seed);
/** Add N(0, std) to every weight, so that gains, biases and sinks are not at their special start.
 */
void disturb(mas_model *model, double std, uint64_t seed);

/** Random tokens and targets; every fifth target is -1. */
void random_batch(int32_t *tokens, int32_t *targets, int64_t count, uint64_t seed);

/** Fail the test with the error's text unless status is MAS_OK. */
void must(mas_status status, const mas_error *err);

/** A name in the temporary folder that no other test process uses, in a static buffer. */
const char *temporary(const char *name);

#endif
