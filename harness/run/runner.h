/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of harness/run share: the results folder, corpora kept open between points,
 * and the pieces of a result.
 */
#ifndef MASBENCH_RUN_RUNNER_H
#define MASBENCH_RUN_RUNNER_H

#include "harness/results/results.h"
#include "harness/run/quantities.h"
#include "harness/run/run.h"
#include "masbench/profile.h"

/** "<results>/<experiment>" and "<results>/<experiment>/<id><end>"; malloc'ed, NULL without
 * memory. */
char *mas_folder_path(const char *results, const char *experiment);
char *mas_point_path(const char *results, const char *experiment, const char *id, const char *end);

/** Is the folder, if there is one, of the same experiment, and can its results be read? Creates
 * nothing.
 *  @param[out] there  its results, to be freed; NULL: there is no folder
 *  @return MAS_OK; MAS_E_ARGUMENT naming the key that changed and the remedy; MAS_E_FORMAT, MAS_E_IO
 *          naming a file that cannot be read */
MAS_MUST_USE mas_status mas_folder_check(const mas_experiment *experiment, const char *results,
                                         mas_result_set **there, mas_error *err);
/** Is it of the same experiment? Then make the folder and its experiment.json where missing, and remove
 * temporary files whose process is gone. */
MAS_MUST_USE mas_status mas_folder_prepare(const mas_experiment *experiment, const char *results,
                                           mas_error *err);

/** Corpora opened so far, by configuration and longest sequence. */
#define MAS_CORPORA_MAX 4
typedef struct mas_corpora {
    struct {
        char *key;
        mas_corpus *corpus;
    } open[MAS_CORPORA_MAX];
    int next; /* slot to reuse */
} mas_corpora;
MAS_MUST_USE mas_status mas_corpora_get(mas_corpora *corpora, const mas_point *point,
                                        int64_t length, const mas_corpus **out, mas_error *err);
void mas_corpora_close(mas_corpora *corpora);

/** What the points of a run share. */
typedef struct mas_shared {
    mas_corpora corpora;
    mas_bench_cache *full_rates; /* NULL until it is needed */
} mas_shared;
void mas_shared_close(mas_shared *shared);

/** How points of a kind run: one row an experiment kind. */
typedef struct mas_runner {
    /** Is this point's corpus opened before anything is created? NULL: the kind has none. */
    bool (*needs_corpus)(const mas_point *point);
    /** The point's result, whatever its status. NULL after a stop request or without memory. */
    json_t *(*run)(mas_shared *shared, const mas_experiment *experiment, const mas_point *point,
                   const mas_run_options *options, const mas_run_observer *observer);
} mas_runner;
extern const mas_runner mas_runners[MAS_EXPERIMENT_KIND_COUNT];

json_t *mas_run_model_point(mas_shared *shared, const mas_experiment *experiment,
                            const mas_point *point, const mas_run_options *options,
                            const mas_run_observer *observer);
json_t *mas_run_kernel_point(mas_shared *shared, const mas_experiment *experiment,
                             const mas_point *point, const mas_run_options *options,
                             const mas_run_observer *observer);

/** Set what is counted, not timed, of a timed plan, as `metrics` holds it. */
void mas_kernel_counts_record(json_t *metrics, const mas_bench_result *result);

/** Operations that ran under the profile, slowest first: name, calls, seconds, share of their sum,
 * useful flops_per_second (null where none are counted). NULL without memory. */
json_t *mas_operations_record(const mas_profile *profile);

/** The time now in UTC, as results hold it. */
void mas_time_stamp(char *text, size_t size);

/** The base that a conversion continues. */
typedef struct mas_base {
    char hash[MAS_ID_CHARS + 1]; /* "": none */
    char *path;
    int64_t tokens;
    double loss;    /* at its own length, on the validation split, nats */
    double seconds; /* of its training */
    bool trained;   /* by this point; else it was there */
} mas_base;

/** What one point produced; parts that were not reached are NULL or empty. */
typedef struct mas_outcome {
    mas_status status;
    mas_error error;
    mas_model_config model; /* resolved, or as given when `resolved` is false */
    bool resolved;
    const mas_corpus *corpus;
    const mas_device_kind *kind; /* of the device that computed */
    const mas_device *device;
    int at_once; /* points that ran at the same time, as options say */
    mas_model *model_built;
    mas_memory_use memory; /* of a plan: what training would allocate before its first step */
    mas_train_report training;
    json_t *operations; /* where the time of training went, on an asynchronous device that of every
                           16th step; see mas_operations_record */
    double peak_flops;  /* of the model's type, measured after training; 0: not measured */
    mas_base base;
    mas_quality at_switch; /* the base's weights under the point's plan, before the first step */
    bool has_switch;
    mas_quality quality;
    bool has_quality;
    double seconds;
    char started[32]; /* UTC */
} mas_outcome;
/** `floors` of a result: entropies of the corpus at the point's context, in nats per token; null where the corpus is
 * NULL or its entropy unknown. */
json_t *mas_floors_record(const mas_point *point, const mas_corpus *corpus);

/** Set what follows from the plan and the source alone, `plan.reach` and (given a corpus) `floors`, in a result that
 * has a plan.
 *  @param corpus  of the point, or NULL
 *  @return MAS_OK, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_record_refresh(json_t *result, const mas_point *point,
                                           const mas_corpus *corpus, mas_error *err);

/** The result file's content; NULL only without memory. */
json_t *mas_record(const mas_experiment *experiment, const mas_point *point,
                   const mas_outcome *outcome);

/** What every result begins with: schema, id, title, status, seed, the resolved point. NULL: no memory.
 *  @param error  NULL for none */
json_t *mas_record_head(const mas_experiment *experiment, const mas_point *point,
                        const char *status, const char *error);

#endif
