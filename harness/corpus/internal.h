/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this folder only. */
#ifndef MASBENCH_CORPUS_INTERNAL_H
#define MASBENCH_CORPUS_INTERNAL_H

#include "harness/corpus/corpus.h"
#include <stddef.h>

/* What a kind of corpus does; one constant table each, listed in corpus.c. */
typedef struct mas_corpus_ops {
    const char *name;
    /* Fill corpus->data and corpus->info; on failure close() is called on whatever was filled. */
    mas_status (*open)(mas_corpus *corpus, mas_error *err);
    void (*close)(mas_corpus *corpus); /* data may be NULL or half-built */
    void (*sample)(const mas_corpus *corpus, mas_split split, mas_rng *rng, int64_t length,
                   int32_t *tokens, int32_t *evidence);
    mas_status (*document)(const mas_corpus *corpus, mas_split split, int64_t index, int64_t length,
                           mas_sequence *out, mas_error *err);
    const unsigned char *(*token_text)(const mas_corpus *corpus, int32_t token,
                                       size_t *bytes);              /* NULL: no text */
    mas_status (*entropy)(const mas_corpus *corpus, int64_t length, /* NULL: unknown */
                          const mas_corpus_sight *sight, double *nats, mas_error *err);
} mas_corpus_ops;

struct mas_corpus {
    const mas_corpus_ops *ops;
    mas_corpus_config config;
    mas_corpus_info info;
    int64_t sequence_length;
    void *data;
};

extern const mas_corpus_ops mas_corpus_text_ops, mas_corpus_tokens_ops, mas_corpus_recall_ops;

const char *mas_split_name(mas_split split);

/* ---- corpus.c ---- */

/* Both arrays of a sequence of `length` tokens; NULL members on failure, so that
 * mas_sequence_free() is always right. evidence is left out when `with_evidence` is false. */
mas_status mas_sequence_allocate(mas_sequence *sequence, int64_t length, bool with_evidence,
                                 mas_error *err);

/* Every split that is meant to exist must hold at least one training sample. */
mas_status mas_corpus_check_lengths(const mas_corpus *corpus, mas_error *err);

/* The settings' shares, for kinds that split by shares. */
mas_status mas_corpus_check_fractions(const mas_corpus_config *config, mas_error *err);

/* 128-bit hash as 32 lower-case hex digits and a NUL. */
void mas_hash_hex(uint64_t high, uint64_t low, char out[33]);

/* ---- evidence.c ---- */

/* On real text the evidence for a token is the last earlier place where the same `context` tokens
 * were followed by the same token. Fills evidence[i] with the distance back, 0 where there is none.
 * Linear in `count`. */
mas_status mas_evidence_find(const int32_t *tokens, int64_t count, int32_t context,
                             int32_t *evidence, mas_error *err);

/* ---- paths.c ---- */

typedef struct mas_path_list {
    char **path; /* sorted, without duplicates once mas_paths_expand() is done */
    size_t count, room;
} mas_path_list;

void mas_path_list_free(mas_path_list *list);

/* Does a path match a pattern? Both are split at '/'. Within a component *, ? and [...] work as in
 * the shell; a component ** stands for any number of folders, none included. Wildcards do not match
 * a leading dot. */
bool mas_path_matches(const char *pattern, const char *path);

/* May something below a folder match the pattern? */
bool mas_path_leads(const char *pattern, const char *folder);

/* All regular files that the configuration's paths name, less the excluded ones.
 * @return MAS_OK; MAS_E_NOT_FOUND naming the pattern that matched nothing and the working
 *         folder or, where the path belongs to a Debian package that is not there, the command that installs it; MAS_E_IO */
mas_status mas_paths_expand(const mas_corpus_config *config, mas_path_list *out, mas_error *err);

/* ---- recall*.c: the generated source, see README.md ---- */

/* The source's settings in the form in which they are used. */
typedef struct mas_recall_source {
    int32_t states;         /* K: text tokens are 0 .. K-1 */
    int32_t state_marker;   /* K: a passage follows for the first time */
    int32_t quote_marker;   /* K+1: a passage follows that was stated before */
    int32_t alphabet;       /* A: passage tokens are K+2 .. K+1+A */
    int32_t passage_tokens; /* m */
    int32_t passages;       /* at most so many in a document */
    int32_t run;            /* n: text tokens before every marker */
    int32_t frame;          /* n + 1 + m: from one marker to the next */
    int32_t branches;       /* successors of a text token, at most MAS_RECALL_BRANCHES */
    double row_nats;        /* entropy of the choice among them */
    int32_t *successor;     /* [states, branches] */
} mas_recall_source;

#define MAS_RECALL_BRANCHES 4
#define MAS_RECALL_PASSAGES_MAX 4096 /* in one document */
#define MAS_RECALL_VOCAB_MAX 65536

/* Probability of successor b of a text token; they sum to 1. */
double mas_recall_branch_probability(const mas_recall_source *s, int32_t b);

/* Passages stated, and later quoted, in a document with `length` scored tokens (length + 1 in all). */
static inline int64_t mas_recall_passages(const mas_recall_source *s, int64_t length)
{
    const int64_t fit = length / (2 * (int64_t)s->frame);
    if (fit < 1)
        return 1;
    return fit < s->passages ? fit : s->passages;
}

const mas_recall_source *mas_recall_source_of(const mas_corpus *corpus);

/* Expected nats per scored token of the best predictor with this sight (NULL: everything). */
mas_status mas_recall_entropy(const mas_recall_source *s, int64_t length,
                              const mas_corpus_sight *sight, double *nats, mas_error *err);

/* A token of a quotation that is to be predicted. */
typedef struct mas_recall_place {
    const mas_recall_source *s;
    int64_t g;                   /* passages of the document */
    const double *log_factorial; /* [g + 1] */
    int64_t event;               /* g + number of the quotation, both from 0 */
    int64_t j;                   /* token of the passage, 1 .. m */
    const bool *seen; /* by place in the document: is it in sight? Up to the end of this passage */
    int64_t in_sight; /* how many passage tokens are, equal ones counted each time */
} mas_recall_place;

/* What it costs on average over documents, exactly.
 * @return MAS_OK, MAS_E_MEMORY; MAS_E_UNSUPPORTED where many passages are in sight in many different ways */
mas_status mas_recall_quote_nats(const mas_recall_place *place, double *nats, mas_error *err);

/* The best predictor that sees the last `reach` tokens, at least passage_tokens + 1 of them, applied to a document
 * of `length` + 1 tokens: nats[i] is what token i costs it;
 * nats[0] = 0. With alternatives, also the whole distribution: probability[i * vocab + token].
 * Works from the tokens alone, knowing nothing of how they were drawn. Quadratic; for tests. */
mas_status mas_recall_predict(const mas_recall_source *s, const int32_t *tokens, int64_t length,
                              int64_t reach, double *nats, double *probability, mas_error *err);

#endif
