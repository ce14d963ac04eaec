/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Training and evaluation of a model on a corpus. Everything is decided by the seed: the same seed
 * gives the same bits for any number of threads, and a run resumed from a checkpoint equals an
 * uninterrupted one.
 */
#ifndef MASBENCH_LM_TRAIN_H
#define MASBENCH_LM_TRAIN_H

#include "harness/corpus/corpus.h"
#include "harness/lm/model.h"

typedef enum mas_lr_schedule {
    MAS_LR_CONSTANT,
    MAS_LR_COSINE,
    MAS_LR_LINEAR,
    MAS_LR_SCHEDULE_COUNT
} mas_lr_schedule;

/** What the backward pass computes again instead of keeping it. Never changes a number. */
typedef enum mas_recompute {
    MAS_RECOMPUTE_NONE,
    MAS_RECOMPUTE_LAYER, /* all but each layer's input */
    MAS_RECOMPUTE_COUNT
} mas_recompute;

/** `training.from`: the base that a conversion continues. A model of the same shape with full
 * attention in every layer is trained first, at a short length; every plan then starts from its
 * weights, with fresh moments. Keys mean what they mean in mas_train_config. */
typedef struct mas_base_config {
    int64_t tokens; /* 0: no base, training starts from drawn weights */
    int32_t seq_len, start_len;
    double grow_until;
    int32_t batch_tokens;
    float learning_rate;
    mas_lr_schedule schedule;
    double warmup;
    float min_learning_rate;
    uint64_t seed; /* of the base's weights and data; 0: the point's own, which after the switch
                      is that of the data */
} mas_base_config;
mas_base_config mas_base_config_default(void);

/** The `training:` section of an experiment file. */
typedef struct mas_train_config {
    int64_t tokens;    /* budget; steps = ceil(tokens / batch_tokens) */
    int32_t seq_len;   /* final sequence length */
    int32_t start_len; /* 0: seq_len all along; otherwise lengths double from here to seq_len ... */
    double grow_until; /* ... in equal shares of this first part of the budget, 0 .. 1 */
    int32_t batch_tokens; /* tokens of one optimiser step, a multiple of every length used */
    int32_t accumulate; /* micro-batches per step; batch_tokens / accumulate tokens are in memory at
                           a time */
    mas_recompute recompute;
    float learning_rate;
    mas_lr_schedule schedule;
    double warmup;           /* share of the steps */
    float min_learning_rate; /* as a fraction of learning_rate, at the end of cosine and linear */
    float beta1, beta2, epsilon, weight_decay;
    float clip;           /* gradient norm; 0: none */
    int32_t evaluations;  /* during training, evenly spaced, besides the one at the end (training
                             curve) */
    int64_t curve_tokens; /* scored tokens of each of those, whole documents until reached */
    bool checkpoint;      /* keep the trained model beside the result */
    int32_t checkpoint_seconds; /* save progress this often for resuming; 0: never */
    mas_base_config from;
} mas_train_config;
mas_train_config mas_train_config_default(void);
/** What the model must be created for. */
static inline mas_model_use mas_train_use(const mas_train_config *config)
{
    return config->recompute == MAS_RECOMPUTE_LAYER ? MAS_MODEL_RECOMPUTES : MAS_MODEL_TRAINS;
}

/** Does training continue a base? */
static inline bool mas_train_converts(const mas_train_config *config)
{
    return config->from.tokens > 0;
}
/** How the base of a conversion is trained: the section's optimiser with the base's own schedule. */
mas_train_config mas_train_config_of_base(const mas_train_config *config);
/** Rules of a conversion (none without a base): the base's training must be possible, and the model
 * must have positions that mean something beyond the base's length.
 *  @param longest  longest sequence of training and evaluation after the switch */
MAS_MUST_USE mas_status mas_base_config_check(const mas_train_config *config,
                                              const mas_model_config *model, int32_t longest,
                                              mas_error *err);

/** The `evaluation:` section. */
typedef struct mas_eval_config {
    int32_t context; /* window length; 0: training seq_len */
    int32_t stride;  /* new tokens per window; 0: context (windows do not overlap) */
    int64_t tokens;  /* scored tokens, whole documents until reached; 0: the whole split */
    int32_t batch;   /* windows at a time; 0: as many as a training step. Never changes the result's
                        meaning */
    mas_split split; /* validation or test */
} mas_eval_config;
mas_eval_config mas_eval_config_default(void);

MAS_MUST_USE mas_status mas_train_config_check(const mas_train_config *config, mas_error *err);
MAS_MUST_USE mas_status mas_eval_config_check(const mas_eval_config *config, int32_t seq_len,
                                              mas_error *err);

#define MAS_POSITION_BINS 64
#define MAS_DISTANCE_BINS 24
#define MAS_SEGMENTS_MAX 256

/** Quality of a model on a split: each token scored exactly once. Sums, so that parts can be added.
 */
typedef struct mas_quality {
    int64_t tokens, text_bytes;
    double nats; /* sum of losses */
    int64_t correct;
    /* by position in the window: bin i holds positions [i, i+1) * context / bins (bins = min(64,
     * context)) */
    int32_t position_bins;
    int64_t position_tokens[MAS_POSITION_BINS];
    double position_nats[MAS_POSITION_BINS];
    /* by evidence distance: bin 0 no evidence; bin i >= 1: distances [2^(i-1), 2^i) */
    bool has_evidence;
    int64_t distance_tokens[MAS_DISTANCE_BINS], distance_correct[MAS_DISTANCE_BINS];
    double distance_nats[MAS_DISTANCE_BINS];
    /* by place in the split: segment i holds the scored tokens [i, i+1) * segment_tokens in the
     * order of scoring, the last one fewer. A segment is one context long, or twice, four times
     * ..., as often as keeps their number within MAS_SEGMENTS_MAX. Two models that scored the same
     * tokens have the same segments: differences can be paired. */
    int64_t segment_tokens;
    int32_t segments;
    double segment_nats[MAS_SEGMENTS_MAX];
} mas_quality;

/** Perplexity exp(nats/tokens); mean nats; bits per byte (0 when text_bytes is 0). */
double mas_quality_loss(const mas_quality *q);
double mas_quality_perplexity(const mas_quality *q);
double mas_quality_bits_per_byte(const mas_quality *q);
/** Add one scored token. */
void mas_quality_add(mas_quality *q, double nats, bool correct, int64_t position, int64_t context,
                     int32_t evidence);

/** Score a model. Windows of `context` tokens advance by `stride`; the first window of a document
 * scores all its tokens, later ones only the last `stride`; short windows are padded and the
 * padding is not scored. */
MAS_MUST_USE mas_status mas_evaluate(mas_model *model, const mas_corpus *corpus,
                                     const mas_eval_config *config, int32_t context,
                                     mas_quality *out, mas_error *err);

/** One line of the training curve. */
typedef struct mas_curve_point {
    int64_t step, tokens;
    int32_t length;
    double train_loss;      /* mean of the steps since the last point, nats */
    double validation_loss; /* nats, NAN where not evaluated */
    double gradient_norm, learning_rate, seconds;
} mas_curve_point;

typedef struct mas_train_report {
    mas_curve_point *curve; /* malloc'ed */
    int32_t curve_count;
    int64_t steps, tokens;
    double seconds; /* training alone, evaluations left out */
    double evaluation_seconds;
    double *step_losses; /* [steps] mean nats of every step, malloc'ed (golden tests, curves) */
    bool resumed;
} mas_train_report;
void mas_train_report_free(mas_train_report *report);

/** Called after each step; return false to stop (Ctrl-C): training then saves its checkpoint if it
 * has a path and returns MAS_E_INTERRUPTED. */
typedef struct mas_train_monitor {
    bool (*step)(void *user, int64_t step, int64_t steps, int64_t tokens, double loss);
    /** Training goes on; the text is a sentence for people. NULL: nobody is told. */
    void (*warn)(void *user, const char *text);
    void *user;
} mas_train_monitor;

/** Train from the model's current weights.
 *  @param checkpoint_path  NULL: no checkpoints; an existing one is resumed from. One that is damaged
 * or of another run is warned of, and training starts over. It also holds the last
 * step (with checkpoint_seconds > 0), and is the caller's to remove once what training gave is safe
 *  @return MAS_E_DIVERGED when the loss stops being finite (step and value named),
 * MAS_E_INTERRUPTED, and the model's */
MAS_MUST_USE mas_status mas_train(mas_model *model, const mas_corpus *corpus,
                                  const mas_train_config *train, const mas_eval_config *evaluation,
                                  uint64_t seed, const char *checkpoint_path,
                                  const mas_train_monitor *monitor, mas_train_report *report,
                                  mas_error *err);

#endif
