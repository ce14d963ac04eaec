/* SPDX-License-Identifier: Apache-2.0 */
/* Scoring a split. Documents come in their fixed order and are cut into windows; windows of several
 * documents share a batch, and a batch is added up window by window in that order, so that the sums
 * do not know how it was batched. */
#include "harness/lm/internal.h"
#include "harness/lm/train_internal.h"

#include <stdlib.h>
#include <string.h>

mas_eval_config mas_eval_config_default(void)
{
    return (mas_eval_config){.split = MAS_SPLIT_VALIDATION};
}

mas_status mas_eval_config_check(const mas_eval_config *config, int32_t seq_len, mas_error *err)
{
    const int32_t context = config->context ? config->context : seq_len;
    if (config->context < 0 || config->context > 1 << 24)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "evaluation.context is %d; it must be 0 (the training length) to %d",
                        config->context, 1 << 24);
    if (config->stride < 0 || config->stride > context)
        return mas_fail(
            err, MAS_E_ARGUMENT,
            "evaluation.stride is %d; it must be 0 (the context) to the context of %d, or "
            "tokens would be skipped",
            config->stride, context);
    if (config->tokens < 0)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "evaluation.tokens is %lld; it must be 0 (the whole split) or more",
                        (long long)config->tokens);
    if (config->batch < 0)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "evaluation.batch is %d; it must be 0 (as many as a training step) or more",
                        config->batch);
    if (config->split != MAS_SPLIT_VALIDATION && config->split != MAS_SPLIT_TEST)
        return mas_fail(err, MAS_E_ARGUMENT, "evaluation.split must be validation or test");
    return MAS_OK;
}

/* A batch of windows being filled. */
typedef struct window_batch {
    int64_t context, windows, filled;
    int32_t *tokens, *targets; /* [windows, context] */
    int32_t *evidence;         /* [windows, context], -1: not known */
    float *losses;
    uint8_t *correct;
    mas_scorer scorer;
    void *user;
    mas_quality *quality;
} window_batch;

/* Score what is filled and add it up. The last batch may be smaller than the others. */
static mas_status flush_windows(window_batch *b, mas_error *err)
{
    if (b->filled == 0)
        return MAS_OK;
    const mas_batch batch = {
        .sequences = b->filled, .length = b->context, .tokens = b->tokens, .targets = b->targets};
    const mas_status status = b->scorer(b->user, &batch, b->losses, b->correct, err);
    if (status != MAS_OK)
        return status;
    for (int64_t i = 0; i < b->filled * b->context; i++)
        if (b->targets[i] >= 0)
            mas_quality_add(b->quality, (double)b->losses[i], b->correct[i] != 0, i % b->context,
                            b->context, b->evidence[i]);
    b->filled = 0;
    return MAS_OK;
}

/* Tokens first .. first+context-1 of a document as inputs; the prediction at input i is scored from
 * score_from on. */
static void add_window(window_batch *b, const mas_sequence *doc, int64_t first, int64_t score_from)
{
    int32_t *tokens = b->tokens + b->filled * b->context,
            *targets = b->targets + b->filled * b->context;
    int32_t *evidence = b->evidence + b->filled * b->context;
    for (int64_t j = 0; j < b->context; j++) {
        const int64_t i = first + j;
        const bool inside = i + 1 < doc->length;
        tokens[j] = inside ? doc->tokens[i] : 0;
        targets[j] = inside && i >= score_from ? doc->tokens[i + 1] : -1;
        evidence[j] = inside && doc->evidence ? doc->evidence[i + 1] : -1;
    }
    b->filled++;
}

static mas_status add_document(window_batch *b, const mas_sequence *doc, int64_t stride,
                               mas_error *err)
{
    for (int64_t first = 0, score_from = 0; score_from + 1 < doc->length; first += stride) {
        add_window(b, doc, first, score_from);
        score_from = first + b->context;
        if (b->filled == b->windows) {
            const mas_status status = flush_windows(b, err);
            if (status != MAS_OK)
                return status;
        }
    }
    return MAS_OK;
}

static mas_status add_documents(window_batch *b, const mas_corpus *corpus,
                                const mas_eval_config *config, mas_error *err)
{
    const int64_t stride = config->stride ? config->stride : b->context;
    int64_t scored = 0;
    for (int64_t index = 0; config->tokens == 0 || scored < config->tokens; index++) {
        mas_sequence doc = {0};
        mas_error end = {MAS_OK, ""};
        mas_status status =
            mas_corpus_document(corpus, config->split, index, b->context + 1, &doc, &end);
        if (status == MAS_E_NOT_FOUND && index > 0)
            break;
        if (status != MAS_OK)
            return mas_fail(err, status, "%s", end.text);
        if (doc.length > 1) {
            scored += doc.length - 1;
            b->quality->text_bytes += mas_corpus_text_bytes(corpus, doc.tokens + 1, doc.length - 1);
            status = add_document(b, &doc, stride, err);
        }
        mas_sequence_free(&doc);
        if (status != MAS_OK)
            return status;
    }
    return flush_windows(b, err);
}

mas_status mas_evaluate_with(mas_scorer scorer, void *user, const mas_corpus *corpus,
                             const mas_eval_config *config, int32_t context, int64_t windows,
                             mas_quality *out, mas_error *err)
{
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    if (config->tokens == 0 && info->kind == MAS_CORPUS_RECALL)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "evaluation.tokens must be set for a %s corpus: its documents have no end",
                        mas_corpus_kind_name(info->kind));
    mas_quality quality = {0};
    const size_t room = (size_t)windows * (size_t)context;
    window_batch b = {.context = context,
                      .windows = windows,
                      .scorer = scorer,
                      .user = user,
                      .quality = &quality};
    b.tokens = malloc(room * sizeof *b.tokens);
    b.targets = malloc(room * sizeof *b.targets);
    b.evidence = malloc(room * sizeof *b.evidence);
    b.losses = malloc(room * sizeof *b.losses);
    b.correct = malloc(room * sizeof *b.correct);
    mas_status status;
    if (!b.tokens || !b.targets || !b.evidence || !b.losses || !b.correct)
        status = mas_fail(err, MAS_E_MEMORY, "no memory to evaluate %lld windows of %d tokens",
                          (long long)windows, context);
    else
        status = add_documents(&b, corpus, config, err);
    if (status == MAS_OK)
        *out = quality;
    free(b.correct);
    free(b.losses);
    free(b.evidence);
    free(b.targets);
    free(b.tokens);
    return status;
}

static mas_status score_with_model(void *user, const mas_batch *batch, float *losses,
                                   uint8_t *correct, mas_error *err)
{
    return mas_model_evaluate(user, batch, losses, correct, err);
}

mas_status mas_evaluate(mas_model *model, const mas_corpus *corpus, const mas_eval_config *config,
                        int32_t context, mas_quality *out, mas_error *err)
{
    mas_status status = mas_eval_config_check(config, context, err);
    if (status != MAS_OK)
        return status;
    if (context < 1 || context > model->max_tokens)
        return mas_fail(
            err, MAS_E_SHAPE,
            "evaluation.context is %d; the model was built for batches of up to %lld tokens",
            context, (long long)model->max_tokens);
    const int64_t room = model->max_tokens / context;
    if (config->batch > room)
        return mas_fail(
            err, MAS_E_SHAPE,
            "evaluation.batch is %d windows of %d tokens; the model was built for batches of "
            "up to %lld tokens",
            config->batch, context, (long long)model->max_tokens);
    return mas_evaluate_with(score_with_model, model, corpus, config, context,
                             config->batch ? config->batch : room, out, err);
}
