/* SPDX-License-Identifier: Apache-2.0 */
/* The table of corpus kinds, their defaults, and what all kinds share. */
#include "harness/corpus/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const mas_corpus_ops *const kinds[] = {
    [MAS_CORPUS_TEXT] = &mas_corpus_text_ops,
    [MAS_CORPUS_TOKENS] = &mas_corpus_tokens_ops,
    [MAS_CORPUS_RECALL] = &mas_corpus_recall_ops,
};
_Static_assert(sizeof kinds / sizeof kinds[0] == MAS_CORPUS_KIND_COUNT, "one row per kind");

static const char *const split_names[] = {
    [MAS_SPLIT_TRAIN] = "train",
    [MAS_SPLIT_VALIDATION] = "validation",
    [MAS_SPLIT_TEST] = "test",
};
_Static_assert(sizeof split_names / sizeof split_names[0] == MAS_SPLIT_COUNT, "one name per split");

const char *mas_corpus_kind_name(mas_corpus_kind kind)
{
    return (unsigned)kind < MAS_CORPUS_KIND_COUNT ? kinds[kind]->name : "unknown";
}

const char *mas_split_name(mas_split split)
{
    return (unsigned)split < MAS_SPLIT_COUNT ? split_names[split] : "unknown";
}

mas_corpus_config mas_corpus_config_default(void)
{
    mas_corpus_config config = {
        .kind = MAS_CORPUS_TEXT,
        .path_count = 1,
        .paths = {"/usr/share/doc/linux-doc-6.1/html/_sources/**/*.rst.txt"},
        .validation_fraction = 0.05,
        .test_fraction = 0.05,
        /* recall: README.md says how these were found */
        .vocab = 130,
        .passage_tokens = 12,
        .passages = 8,
        .quote_rate = 0.375,
        .markov_states = 16,
        .seed = 1,
    };
    return config;
}

int32_t mas_corpus_config_vocab(const mas_corpus_config *config)
{
    if (config->kind != MAS_CORPUS_TEXT)
        return config->vocab;
    return config->tokenizer.kind == MAS_TOKENIZER_BYTES ? UINT8_MAX + 2 : config->tokenizer.vocab;
}

mas_status mas_corpus_open(const mas_corpus_config *config, int64_t sequence_length,
                           mas_corpus **out, mas_error *err)
{
    *out = NULL;
    if ((unsigned)config->kind >= MAS_CORPUS_KIND_COUNT)
        return mas_fail(err, MAS_E_ARGUMENT, "corpus kind %d is unknown", (int)config->kind);
    if (sequence_length < 1)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "sequences of %lld tokens were asked for; expected at least 1",
                        (long long)sequence_length);
    mas_corpus *corpus = calloc(1, sizeof *corpus);
    if (!corpus)
        return mas_fail(err, MAS_E_MEMORY, "no memory to open a corpus");
    corpus->ops = kinds[config->kind];
    corpus->config = *config;
    corpus->sequence_length = sequence_length;
    corpus->info.kind = config->kind;
    corpus->info.separator = -1;
    const mas_status status = corpus->ops->open(corpus, err);
    if (status != MAS_OK) {
        mas_corpus_close(corpus);
        return status;
    }
    *out = corpus;
    return MAS_OK;
}

mas_status mas_corpus_look(const mas_corpus_config *config, mas_error *err)
{
    if (config->kind == MAS_CORPUS_RECALL)
        return MAS_OK;
    mas_path_list list;
    mas_status status = mas_paths_expand(config, &list, err);
    if (status == MAS_OK)
        mas_path_list_free(&list);
    const char *const own[] = {config->validation_path, config->test_path};
    for (size_t i = 0; status == MAS_OK && i < sizeof own / sizeof *own; i++)
        if (config->kind == MAS_CORPUS_TOKENS && own[i][0] && access(own[i], R_OK) != 0)
            status = mas_fail(err, MAS_E_NOT_FOUND, "cannot read %s: %s", own[i], strerror(errno));
    return status;
}

void mas_corpus_close(mas_corpus *corpus)
{
    if (!corpus)
        return;
    corpus->ops->close(corpus);
    free(corpus);
}

const mas_corpus_info *mas_corpus_describe(const mas_corpus *corpus)
{
    return &corpus->info;
}

void mas_corpus_sample(const mas_corpus *corpus, mas_split split, mas_rng *rng, int64_t length,
                       int32_t *tokens, int32_t *evidence)
{
    corpus->ops->sample(corpus, split, rng, length, tokens, evidence);
}

mas_status mas_corpus_document(const mas_corpus *corpus, mas_split split, int64_t index,
                               int64_t length, mas_sequence *out, mas_error *err)
{
    *out = (mas_sequence){0};
    const mas_corpus_info *info = &corpus->info;
    const bool generated = info->documents[split] == 0 && info->documents[MAS_SPLIT_TRAIN] == 0;
    if (index < 0 || (!generated && index >= info->documents[split]))
        return mas_fail(err, MAS_E_NOT_FOUND,
                        "document %lld of the %s split does not exist: it holds %lld",
                        (long long)index, mas_split_name(split), (long long)info->documents[split]);
    const mas_status status = corpus->ops->document(corpus, split, index, length, out, err);
    if (status != MAS_OK)
        mas_sequence_free(out);
    return status;
}

mas_status mas_sequence_allocate(mas_sequence *sequence, int64_t length, bool with_evidence,
                                 mas_error *err)
{
    const size_t bytes = (size_t)(length > 0 ? length : 1) * sizeof(int32_t);
    *sequence = (mas_sequence){.length = length, .tokens = malloc(bytes)};
    sequence->evidence = with_evidence ? malloc(bytes) : NULL;
    if (sequence->tokens && (sequence->evidence || !with_evidence))
        return MAS_OK;
    mas_sequence_free(sequence);
    return mas_fail(err, MAS_E_MEMORY, "no memory for a document of %lld tokens",
                    (long long)length);
}

void mas_sequence_free(mas_sequence *sequence)
{
    if (!sequence)
        return;
    free(sequence->tokens);
    free(sequence->evidence);
    *sequence = (mas_sequence){0};
}

const unsigned char *mas_corpus_token_text(const mas_corpus *corpus, int32_t token, size_t *bytes)
{
    *bytes = 0;
    return corpus->ops->token_text ? corpus->ops->token_text(corpus, token, bytes) : NULL;
}

int64_t mas_corpus_text_bytes(const mas_corpus *corpus, const int32_t *tokens, int64_t count)
{
    int64_t sum = 0;
    for (int64_t i = 0; corpus->ops->token_text && i < count; i++) {
        size_t bytes = 0;
        corpus->ops->token_text(corpus, tokens[i], &bytes);
        sum += (int64_t)bytes;
    }
    return sum;
}

mas_status mas_corpus_entropy(const mas_corpus *corpus, int64_t length,
                              const mas_corpus_sight *sight, double *nats, mas_error *err)
{
    if (!corpus->ops->entropy)
        return mas_fail(err, MAS_E_UNSUPPORTED, "the entropy of a %s corpus is not known",
                        corpus->ops->name);
    return corpus->ops->entropy(corpus, length, sight, nats, err);
}

mas_status mas_corpus_check_fractions(const mas_corpus_config *config, mas_error *err)
{
    const double validation = config->validation_fraction, test = config->test_fraction;
    if (validation >= 0 && test >= 0 && validation + test < 1)
        return MAS_OK;
    return mas_fail(err, MAS_E_ARGUMENT,
                    "validation_fraction %g and test_fraction %g; expected shares of at least 0 "
                    "that leave something to train on",
                    validation, test);
}

mas_status mas_corpus_check_lengths(const mas_corpus *corpus, mas_error *err)
{
    const mas_corpus_config *config = &corpus->config;
    const bool wanted[MAS_SPLIT_COUNT] = {
        [MAS_SPLIT_TRAIN] = true,
        [MAS_SPLIT_VALIDATION] = config->validation_fraction > 0 || config->validation_path[0],
        [MAS_SPLIT_TEST] = config->test_fraction > 0 || config->test_path[0],
    };
    for (int split = 0; split < MAS_SPLIT_COUNT; split++) {
        const int64_t held = corpus->info.tokens[split];
        if (wanted[split] && held <= corpus->sequence_length)
            return mas_fail(err, MAS_E_ARGUMENT,
                            "the %s split holds %lld tokens; sequences of %lld need at least %lld: "
                            "add documents, change the split's share, or shorten the sequences",
                            split_names[split], (long long)held, (long long)corpus->sequence_length,
                            (long long)corpus->sequence_length + 1);
    }
    return MAS_OK;
}

void mas_hash_hex(uint64_t high, uint64_t low, char out[33])
{
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
}
