/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Corpora: where tokens come from. Three kinds behind one interface: `text` (files of real
 * documents), `tokens`
 * (.bin files of ids as nanoGPT and llm.c write them) and `recall` (generated, with exactly known
 * entropy).
 *
 * A corpus is split into train, validation and test. Training draws sequences at random from a
 * generator the caller owns, so the data position is that generator's state. Evaluation walks fixed
 * documents in a fixed order.
 */
#ifndef MASBENCH_CORPUS_H
#define MASBENCH_CORPUS_H

#include "masbench/rng.h"
#include "masbench/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mas_corpus_kind {
    MAS_CORPUS_TEXT,
    MAS_CORPUS_TOKENS,
    MAS_CORPUS_RECALL,
    MAS_CORPUS_KIND_COUNT
} mas_corpus_kind;

/** "text", "tokens", "recall". */
const char *mas_corpus_kind_name(mas_corpus_kind kind);

typedef enum mas_split {
    MAS_SPLIT_TRAIN,
    MAS_SPLIT_VALIDATION,
    MAS_SPLIT_TEST,
    MAS_SPLIT_COUNT
} mas_split;

typedef enum mas_tokenizer_kind {
    MAS_TOKENIZER_BYTES,
    MAS_TOKENIZER_BPE, /* byte pairs, learned from the training documents by SentencePiece */
    MAS_TOKENIZER_KIND_COUNT
} mas_tokenizer_kind;

/** The separator, 256 bytes, and at least one pair; ids are kept in 16 bits. */
#define MAS_TOKENIZER_VOCAB_MIN 258
#define MAS_TOKENIZER_VOCAB_MAX 65536

/** `corpus.tokenizer`: what the tokens of text are. */
typedef struct mas_tokenizer_config {
    mas_tokenizer_kind kind;
    int32_t vocab; /* bpe: all ids, the separator among them */
} mas_tokenizer_config;

#define MAS_CORPUS_PATHS_MAX 16
#define MAS_CORPUS_PATH_MAX 512

/** The `corpus:` section of an experiment file. Fields of other kinds keep their defaults. */
typedef struct mas_corpus_config {
    mas_corpus_kind kind;
    /* text: files, folders (all files below) or globs with ** ; tokens: train file(s). Relative to
     * the working folder. */
    int32_t path_count, exclude_count;
    char paths[MAS_CORPUS_PATHS_MAX][MAS_CORPUS_PATH_MAX];
    char exclude[MAS_CORPUS_PATHS_MAX][MAS_CORPUS_PATH_MAX]; /* globs matched against whole paths */
    mas_tokenizer_config tokenizer;                          /* text */
    int32_t min_bytes;          /* text: shorter documents are left out */
    double validation_fraction; /* text: share of documents, by hash of their content */
    double test_fraction;
    /* tokens: "" takes the end of the train file instead, by the fractions above */
    char validation_path[MAS_CORPUS_PATH_MAX];
    char test_path[MAS_CORPUS_PATH_MAX];
    int32_t
        vocab; /* tokens: ids must be below it; recall: the whole vocabulary; text: set by open */
    /* recall: README.md of this folder defines the source */
    int32_t passage_tokens; /* length of a quoted passage */
    int32_t passages;       /* at most that many passages stated per document */
    double quote_rate;      /* share of a document's tokens that are quotations, 0 .. 1; the length
                               of the text between passages follows from it */
    int32_t markov_states;  /* states of the local Markov text, >= 1 */
    uint64_t seed;          /* of its table; documents come from the caller's generator */
} mas_corpus_config;

/** Defaults: text over Debian's linux-doc-6.1, 5 % validation, 5 % test; recall at settings known
 * to be learnable. */
mas_corpus_config mas_corpus_config_default(void);

/** The vocabulary that these settings give, known without opening the corpus: of tokens and recall `vocab`,
 *  of text the tokenizer's. */
int32_t mas_corpus_config_vocab(const mas_corpus_config *config);

typedef struct mas_corpus mas_corpus;

/** One document or sample. Arrays belong to whoever made it (see the functions). */
typedef struct mas_sequence {
    int64_t length;
    int32_t *tokens;   /* [length] ids below the vocabulary; a document starts with the separator
                          token if there is one */
    int32_t *evidence; /* [length] for each token: how many tokens back stands the token that
                          determines it; 0: none; NULL where the corpus does not know */
} mas_sequence;

/** Open, read and check a corpus.
 *  @param sequence_length  longest sequence that will be drawn (recall makes documents of that
 * length; others refuse a split shorter than it)
 *  A vocabulary of byte pairs is learned here, from the training documents only, or taken from the cache
 *  folder (harness/corpus/README.md).
 *  @return MAS_OK; MAS_E_NOT_FOUND (nothing matches; the text names the pattern and, for the
 * default corpus, the command that installs it), MAS_E_IO, MAS_E_FORMAT (file, offset, remedy),
 * MAS_E_ARGUMENT, MAS_E_UNSUPPORTED (a build without SentencePiece), MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_corpus_open(const mas_corpus_config *config, int64_t sequence_length,
                                        mas_corpus **out, mas_error *err);
/** Are the files that it names there? Reads none of them.
 *  @return MAS_OK; MAS_E_NOT_FOUND, MAS_E_IO, MAS_E_ARGUMENT, MAS_E_MEMORY as mas_corpus_open */
MAS_MUST_USE mas_status mas_corpus_look(const mas_corpus_config *config, mas_error *err);
void mas_corpus_close(mas_corpus *corpus); /* NULL allowed */

/** Facts, for results. */
typedef struct mas_corpus_info {
    mas_corpus_kind kind;
    int32_t vocab;
    int32_t separator;                  /* id standing before each document, or -1 */
    int64_t documents[MAS_SPLIT_COUNT]; /* 0: generated without end */
    int64_t tokens[MAS_SPLIT_COUNT];
    double bytes_per_token;  /* of text, all splits, separators left out; 0 where bits per byte has
                               no meaning */
    char hash[33];           /* XXH3-128 of content and split, hex; of the settings for recall */
    char tokenizer[64];      /* "bytes", "bpe 4096", "ids", "recall" */
    char tokenizer_hash[33]; /* of a learned vocabulary, hex; else "" */
} mas_corpus_info;
const mas_corpus_info *mas_corpus_describe(const mas_corpus *corpus);

/** Draw a training sample of length + 1 tokens (inputs and shifted targets overlap).
 *  text, tokens: a window at a uniform position of the split's stream (documents joined by the
 * separator). recall: a fresh document.
 *  @param[out] tokens    [length + 1]
 *  @param[out] evidence  [length + 1] or NULL */
void mas_corpus_sample(const mas_corpus *corpus, mas_split split, mas_rng *rng, int64_t length,
                       int32_t *tokens, int32_t *evidence);

/** Document `index` of the split's evaluation order (a fixed shuffle by hash, so that the first few
 * are a fair sample). Generated corpora make it from (seed, split, index) at `length` tokens,
 * others ignore `length`.
 *  @param[out] out  tokens and evidence are malloc'ed; free with mas_sequence_free
 *  @return MAS_OK, MAS_E_NOT_FOUND when index is past the last document, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_corpus_document(const mas_corpus *corpus, mas_split split,
                                            int64_t index, int64_t length, mas_sequence *out,
                                            mas_error *err);
void mas_sequence_free(mas_sequence *sequence);

/** Tokens of every document of a `tokens` corpus but the last, which may be shorter.
 *  @param sequence_length  as given to mas_corpus_open */
int64_t mas_corpus_piece_tokens(int64_t sequence_length);

/** Bytes of text that `count` tokens from `tokens` stand for (separators are 0); 0 for corpora
 * without text. */
int64_t mas_corpus_text_bytes(const mas_corpus *corpus, const int32_t *tokens, int64_t count);

/** The text of one token. Corpora without text, and separators: no bytes.
 *  @return  belongs to the corpus, not terminated; NULL without text */
const unsigned char *mas_corpus_token_text(const mas_corpus *corpus, int32_t token, size_t *bytes);

/** What a predictor may look at. */
typedef struct mas_corpus_sight {
    const void *self;
    /** Tokens that the prediction after `position` depends on; that position itself always among them.
     *  @param[out] seen  [position + 1] */
    mas_status (*look)(const void *self, int64_t position, bool *seen, mas_error *err);
} mas_corpus_sight;

/** Exact entropy of the source, nats per scored token, for documents of `length` scored tokens: the mean over
 * positions and documents of what the best predictor pays that sees, at each position, what `sight` says.
 *  @param sight  NULL: everything before
 *  @return MAS_OK; MAS_E_UNSUPPORTED for corpora with unknown entropy, and where counting what the predictor can
 * infer would take too long; MAS_E_ARGUMENT, MAS_E_MEMORY, and the errors of the sight */
MAS_MUST_USE mas_status mas_corpus_entropy(const mas_corpus *corpus, int64_t length,
                                           const mas_corpus_sight *sight, double *nats,
                                           mas_error *err);

#endif
