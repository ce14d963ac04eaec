/* SPDX-License-Identifier: Apache-2.0 */
/* Perplexity is per token: each token scored once, whatever the batch, the windows and the shares
 * of workers. */
#include "tests/unit/lm/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sums ---- */

static mas_quality stub_quality(int64_t cheap, int64_t dear)
{
    mas_quality q = {0};
    for (int64_t i = 0; i < cheap; i++)
        mas_quality_add(&q, 2.0, true, i % 64, 64, -1);
    for (int64_t i = 0; i < dear; i++)
        mas_quality_add(&q, 5.0, false, i % 64, 64, -1);
    return q;
}

static void expect_case_9(const mas_quality *q, const char *how)
{
    cr_expect_eq(q->tokens, 110, "%s", how);
    cr_expect_float_eq(mas_quality_loss(q), 2.272727, 1e-6, "%s: %.9g", how, mas_quality_loss(q));
    cr_expect_float_eq(mas_quality_perplexity(q), 9.7058, 1e-4, "%s: %.9g", how,
                       mas_quality_perplexity(q));
    cr_expect_float_eq(mas_quality_bits_per_byte(q), 0.81971, 1e-5, "%s: %.9g", how,
                       mas_quality_bits_per_byte(q));
}

Test(lm_evaluate, mean_over_tokens_not_over_batches)
{
    mas_quality q = stub_quality(100, 10);
    q.text_bytes = 440;
    expect_case_9(&q, "one worker");
    /* two workers, 100 and 10 tokens: sums add, means do not */
    const mas_quality a = stub_quality(100, 0), b = stub_quality(0, 10);
    const mas_quality both = {
        .tokens = a.tokens + b.tokens, .nats = a.nats + b.nats, .text_bytes = 440};
    expect_case_9(&both, "two workers");
    cr_expect_eq(q.correct, 100);
    const mas_quality none = {0};
    cr_expect(isnan(mas_quality_loss(&none)));
    cr_expect_eq(mas_quality_bits_per_byte(&none), 0);
}

Test(lm_evaluate, segments_are_equal_parts_of_the_stream)
{
    mas_quality q = {0};
    for (int i = 0; i < 4 * 10 + 3; i++) /* contexts of 4: ten whole segments and 3 tokens */
        mas_quality_add(&q, i, true, i % 4, 4, -1);
    cr_expect_eq(q.segment_tokens, 4);
    cr_expect_eq(q.segments, 11);
    cr_expect_eq(q.segment_nats[0], 0 + 1 + 2 + 3);
    cr_expect_eq(q.segment_nats[10], 40 + 41 + 42);
}

Test(lm_evaluate, too_many_segments_merge_two_by_two)
{
    mas_quality q = {0};
    const int tokens = 4 * MAS_SEGMENTS_MAX * 5; /* 1280 contexts: parts of 8, then of 32 tokens */
    for (int i = 0; i < tokens; i++)
        mas_quality_add(&q, i, true, i % 4, 4, -1);
    cr_expect_eq(q.segment_tokens, 32);
    cr_expect_eq(q.segments, tokens / 32);
    double sum = 0;
    for (int i = 0; i < q.segments; i++) {
        cr_expect_eq(q.segment_nats[i], 32.0 * (32 * i) + 31 * 32 / 2, "segment %d", i);
        sum += q.segment_nats[i];
    }
    cr_expect_eq(sum, q.nats);
    for (int i = q.segments; i < MAS_SEGMENTS_MAX; i++)
        cr_expect_eq(q.segment_nats[i], 0, "segment %d", i);
}

Test(lm_evaluate, bins_by_position_and_distance)
{
    mas_quality q = {0};
    mas_quality_add(&q, 1.0, true, 0, 128, 0);
    mas_quality_add(&q, 2.0, true, 1, 128, 1);
    mas_quality_add(&q, 4.0, false, 127, 128, 2);
    mas_quality_add(&q, 8.0, false, 127, 128, 3);
    mas_quality_add(&q, 16.0, true, 64, 128, INT32_MAX);
    cr_expect_eq(q.position_bins, 64);
    cr_expect_eq(q.position_tokens[0], 2);
    cr_expect_eq(q.position_nats[0], 3.0);
    cr_expect_eq(q.position_nats[63], 12.0);
    cr_expect_eq(q.position_nats[32], 16.0);
    cr_expect(q.has_evidence);
    cr_expect_eq(q.distance_nats[0], 1.0, "no evidence");
    cr_expect_eq(q.distance_nats[1], 2.0, "distance 1");
    cr_expect_eq(q.distance_nats[2], 12.0, "distances 2 and 3");
    cr_expect_eq(q.distance_tokens[2], 2);
    cr_expect_eq(q.distance_correct[2], 0);
    cr_expect_eq(q.distance_nats[MAS_DISTANCE_BINS - 1], 16.0,
                 "the last bin takes what lies past it");
    mas_quality small = {0};
    mas_quality_add(&small, 1.0, true, 9, 10, -1);
    cr_expect_eq(small.position_bins, 10);
    cr_expect_eq(small.position_tokens[9], 1);
    cr_expect_not(small.has_evidence);
}

/* ---- windows, with a stand-in for the model ---- */

typedef struct stub_model {
    int64_t most; /* largest batch seen, in windows */
    bool case_9;
} stub_model;

/* A token's loss is its number; in case 9 tokens of the second document, past 20, cost 5 nats and
 * all others 2. */
static mas_status stub_score(void *user, const mas_batch *batch, float *losses, uint8_t *correct,
                             mas_error *err)
{
    stub_model *stub = user;
    (void)err;
    if (batch->sequences > stub->most)
        stub->most = batch->sequences;
    for (int64_t i = 0; i < batch->sequences * batch->length; i++) {
        const bool scored = batch->targets[i] >= 0;
        losses[i] = !scored        ? 0.0f
                    : stub->case_9 ? (batch->targets[i] > 20 ? 5.0f : 2.0f)
                                   : (float)batch->targets[i];
        correct[i] = scored && batch->targets[i] % 2 == 0;
    }
    return MAS_OK;
}

/* Sum of the stub corpus' targets: every token of every document but the separators, once. */
static double sum_of_tokens(const mas_corpus *corpus, int64_t *count)
{
    mas_error err = {MAS_OK, ""};
    double sum = 0;
    *count = 0;
    for (int64_t d = 0; d < corpus->info.documents[MAS_SPLIT_VALIDATION]; d++) {
        mas_sequence doc;
        must(mas_corpus_document(corpus, MAS_SPLIT_VALIDATION, d, 1, &doc, &err), &err);
        for (int64_t i = 1; i < doc.length; i++)
            sum += doc.tokens[i];
        *count += doc.length - 1;
        mas_sequence_free(&doc);
    }
    return sum;
}

Test(lm_evaluate, every_token_once_for_any_window_stride_and_batch)
{
    const mas_corpus corpus = stub_corpus();
    int64_t count = 0;
    const double sum = sum_of_tokens(&corpus, &count);
    cr_assert_eq(count, 17 + 64 + 1 + 90 + 33 + 5 - 6);
    static const int64_t contexts[] = {1, 4, 16, 33, 100};
    for (size_t c = 0; c < sizeof contexts / sizeof *contexts; c++)
        for (int64_t stride = 0; stride <= contexts[c]; stride += 3)
            for (int64_t windows = 1; windows <= 8; windows += windows == 1 ? 1 : 6) {
                mas_error err = {MAS_OK, ""};
                const mas_eval_config config = {.stride = (int32_t)stride,
                                                .split = MAS_SPLIT_VALIDATION};
                stub_model stub = {0};
                mas_quality q;
                must(mas_evaluate_with(stub_score, &stub, &corpus, &config, (int32_t)contexts[c],
                                       windows, &q, &err),
                     &err);
                cr_expect_eq(q.tokens, count, "context %d stride %d: %d tokens", (int)contexts[c],
                             (int)stride, (int)q.tokens);
                cr_expect_eq(q.nats, sum, "context %d stride %d", (int)contexts[c], (int)stride);
                cr_expect_eq(q.text_bytes, 4 * count);
                cr_expect(stub.most <= windows);
            }
}

Test(lm_evaluate, case_9_with_unequal_documents_and_any_batch)
{
    static const int64_t batches[] = {1, 2, 8};
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
        for (int64_t context = 7; context <= 128; context += 11) {
            mas_error err = {MAS_OK, ""};
            mas_corpus corpus = stub_corpus();
            corpus.info.documents[MAS_SPLIT_VALIDATION] = 2;
            corpus.lengths[0] = 101;
            corpus.lengths[1] = 11;
            corpus.stated = true; /* document d holds tokens 20 d + 1 only */
            const mas_eval_config config = {.split = MAS_SPLIT_VALIDATION};
            stub_model stub = {.case_9 = true};
            mas_quality q;
            must(mas_evaluate_with(stub_score, &stub, &corpus, &config, (int32_t)context,
                                   batches[b], &q, &err),
                 &err);
            expect_case_9(&q, "batched windows");
        }
}

Test(lm_evaluate, positions_and_evidence_belong_to_their_tokens)
{
    mas_error err = {MAS_OK, ""};
    mas_corpus corpus = stub_corpus();
    corpus.evidence = true; /* token i of a document: i % 5 */
    const mas_eval_config config = {.stride = 8, .split = MAS_SPLIT_VALIDATION};
    stub_model stub = {0};
    mas_quality q;
    must(mas_evaluate_with(stub_score, &stub, &corpus, &config, 16, 3, &q, &err), &err);
    int64_t expected[4] = {0}, positions[16] = {0};
    for (int d = 0; d < 6; d++)
        for (int64_t i = 1; i < corpus.lengths[d]; i++) {
            const int64_t e = i % 5, input = i - 1;
            expected[e == 0 ? 0 : e == 1 ? 1 : e < 4 ? 2 : 3]++;
            positions[input < 16 ? input : 8 + input % 8]++;
        }
    cr_assert(q.has_evidence);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(q.distance_tokens[i], expected[i], "distance bin %d", i);
    for (int i = 0; i < 16; i++)
        cr_expect_eq(q.position_tokens[i], positions[i], "position %d", i);
}

Test(lm_evaluate, whole_documents_until_the_budget)
{
    mas_error err = {MAS_OK, ""};
    mas_corpus corpus = stub_corpus();
    mas_eval_config config = {.tokens = 17, .split = MAS_SPLIT_VALIDATION};
    stub_model stub = {0};
    mas_quality q;
    must(mas_evaluate_with(stub_score, &stub, &corpus, &config, 16, 3, &q, &err), &err);
    cr_expect_eq(q.tokens, 16 + 63);
    corpus.info.kind = MAS_CORPUS_RECALL;
    config.tokens = 0;
    cr_expect_eq(mas_evaluate_with(stub_score, &stub, &corpus, &config, 16, 3, &q, &err),
                 MAS_E_ARGUMENT);
    cr_expect_str_eq(
        err.text, "evaluation.tokens must be set for a recall corpus: its documents have no end");
}

Test(lm_evaluate, an_empty_split_is_the_corpus_error)
{
    mas_error err = {MAS_OK, ""};
    mas_corpus corpus = stub_corpus();
    corpus.info.documents[MAS_SPLIT_VALIDATION] = 0;
    const mas_eval_config config = mas_eval_config_default();
    stub_model stub = {0};
    mas_quality q;
    cr_expect_eq(mas_evaluate_with(stub_score, &stub, &corpus, &config, 16, 3, &q, &err),
                 MAS_E_NOT_FOUND);
    cr_expect_str_eq(err.text, "no document 0");
}

/* ---- the real model ---- */

Test(lm_evaluate, bit_equal_for_any_batch, .timeout = 120)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(2, 0);
    mas_model_config c = tiny_config();
    const mas_plan plan = mixed_plan(3, window_spec(4));
    mas_model *model = make_model(device, &c, &plan, 512, false, 3);
    disturb(model, 0.2, 4);
    const mas_corpus corpus = stub_corpus();
    mas_quality first;
    static const int32_t batches[] = {1, 2, 3, 8, 0};
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        const mas_eval_config config = {
            .stride = 20, .batch = batches[b], .split = MAS_SPLIT_VALIDATION};
        mas_quality q;
        memset(&q, 0, sizeof q);
        must(mas_evaluate(model, &corpus, &config, 32, &q, &err), &err);
        if (b == 0)
            first = q;
        cr_expect_eq(q.nats, first.nats, "batch %d: %.17g, not %.17g", batches[b], q.nats,
                     first.nats);
        cr_expect_eq(q.tokens, first.tokens);
        cr_expect_eq(q.correct, first.correct);
        cr_expect_arr_eq(q.position_nats, first.position_nats, sizeof q.position_nats);
    }
    mas_model_free(model);
    mas_device_close(device);
}

/* A window that starts a document sees the same tokens as the document alone. */
Test(lm_evaluate, agrees_with_scoring_a_document_by_hand, .timeout = 60)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(1, 0);
    const mas_model_config c = tiny_config();
    const mas_plan plan = full_plan(3);
    mas_model *model = make_model(device, &c, &plan, 512, false, 3);
    disturb(model, 0.2, 4);
    mas_corpus corpus = stub_corpus();
    corpus.info.documents[MAS_SPLIT_TEST] = 2;
    const mas_eval_config config = {.split = MAS_SPLIT_TEST};
    mas_quality q;
    must(mas_evaluate(model, &corpus, &config, 64, &q, &err), &err);
    double sum = 0;
    for (int64_t d = 0; d < 2; d++) {
        mas_sequence doc;
        must(mas_corpus_document(&corpus, MAS_SPLIT_TEST, d, 0, &doc, &err), &err);
        float losses[64];
        const mas_batch batch = {1, doc.length - 1, doc.tokens, doc.tokens + 1};
        must(mas_model_evaluate(model, &batch, losses, NULL, &err), &err);
        for (int64_t i = 0; i < doc.length - 1; i++)
            sum += (double)losses[i];
        mas_sequence_free(&doc);
    }
    cr_expect_float_eq(q.nats, sum, 1e-4);
    mas_model_free(model);
    mas_device_close(device);
}

Test(lm_evaluate, refusals)
{
    mas_error err = {MAS_OK, ""};
    mas_device *device = open_device(1, 0);
    const mas_model_config c = tiny_config();
    const mas_plan plan = full_plan(3);
    mas_model *model = make_model(device, &c, &plan, 64, false, 3);
    const mas_corpus corpus = stub_corpus();
    mas_eval_config config = mas_eval_config_default();
    mas_quality q;
    cr_expect_eq(mas_evaluate(model, &corpus, &config, 65, &q, &err), MAS_E_SHAPE);
    cr_expect_str_eq(
        err.text, "evaluation.context is 65; the model was built for batches of up to 64 tokens");
    config.batch = 3;
    cr_expect_eq(mas_evaluate(model, &corpus, &config, 32, &q, &err), MAS_E_SHAPE);
    cr_expect_str_eq(
        err.text,
        "evaluation.batch is 3 windows of 32 tokens; the model was built for batches of up to 64 "
        "tokens");
    config.stride = 33;
    cr_expect_eq(mas_eval_config_check(&config, 32, &err), MAS_E_ARGUMENT);
    cr_expect_str_eq(
        err.text,
        "evaluation.stride is 33; it must be 0 (the context) to the context of 32, or tokens would "
        "be skipped");
    config = mas_eval_config_default();
    config.split = MAS_SPLIT_TRAIN;
    cr_expect_eq(mas_eval_config_check(&config, 32, &err), MAS_E_ARGUMENT);
    cr_expect_str_eq(err.text, "evaluation.split must be validation or test");
    mas_model_free(model);
    mas_device_close(device);
}
