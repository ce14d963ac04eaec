/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From results to tables and charts. A summary is made once from a result set; tables, data
 * files and chart settings are printed from it. Points that differ in the seed alone form a
 * group: charts show its mean and its extremes.
 */
#ifndef MASBENCH_REPORT_H
#define MASBENCH_REPORT_H

#include "harness/results/results.h"

#include <signal.h>

/** One result, as a table shows it. Numbers that a result lacks are NAN. */
typedef struct mas_report_row {
    const json_t *result;
    const char *title, *status;
    bool ok;
    int64_t seed;
    double attention_cost, model_cost; /* relative to full attention */
    double memory_mib, loss, perplexity, bits_per_byte, seconds;
    size_t group;
} mas_report_row;

/** Finished points that are equal but for the seed. */
typedef struct mas_report_group {
    char *key; /* the point without its seed, as text */
    char title[MAS_TITLE_MAX];
    char family[MAS_TITLE_MAX];
    size_t family_index;
    int32_t full_layers, layers;
    size_t seeds;
    double attention_cost;
    double quality, quality_low,
        quality_high; /* mean and extremes over seeds of the chart's quality measure */
    bool on_front;    /* no cheaper or equally cheap group is better */
} mas_report_group;

/** Full attention in every layer. */
static inline bool mas_group_is_full(const mas_report_group *group)
{
    return group->layers > 0 && group->full_layers == group->layers;
}

/** A horizontal line of the charts: the best loss that the source of a generated corpus allows. */
typedef struct mas_report_floor {
    double nats;
    double reach;  /* tokens; NAN: full */
    double length; /* of the sequences that it holds for, tokens */
    char text[MAS_TITLE_MAX];
} mas_report_floor;

#define MAS_FLOORS_MAX 8 /* more cannot be read: then none is drawn */

typedef struct mas_report {
    const mas_result_set *set;
    size_t count;
    mas_report_row *rows;
    size_t group_count;
    mas_report_group *groups;
    size_t family_count;
    size_t floor_count;
    mas_report_floor floors[MAS_FLOORS_MAX];
    bool floor_lengths_differ;
    bool trained;   /* some result has a quality */
    bool timed;     /* results of kind kernel: their own table and charts */
    bool has_times; /* some of them were timed */
    bool has_bits_per_byte;
    bool vocabularies_differ; /* perplexities are not comparable; charts use bits per byte */
    bool has_distances;
} mas_report;

MAS_MUST_USE mas_status mas_report_make(const mas_result_set *set, mas_report **out,
                                        mas_error *err);
void mas_report_free(mas_report *report);

typedef enum mas_table_format {
    MAS_TABLE_TERMINAL,
    MAS_TABLE_MARKDOWN,
    MAS_TABLE_CSV
} mas_table_format;
void mas_report_table(const mas_report *report, mas_table_format format, FILE *out);

/** Write table.md, table.csv, data/<name>.tsv and the scripts that draw them (data/<name>.gp,
 * self-contained) into the results folder. */
MAS_MUST_USE mas_status mas_report_write(const mas_report *report, mas_error *err);

/** Is there something to draw? */
bool mas_report_has_charts(const mas_report *report);

/** Run gnuplot on the scripts that mas_report_write left. One script's failure does not stop the
 * others.
 * @param stop  set by a signal handler (which gnuplot may hear as well): draw no more charts
 * @return MAS_OK; MAS_E_NOT_FOUND without gnuplot; MAS_E_IO when a script failed, its message
 *   in err; MAS_E_INTERRUPTED when charts were left out after a stop request */
MAS_MUST_USE mas_status mas_report_draw(const mas_report *report, const volatile sig_atomic_t *stop,
                                        mas_error *err);

/** Folder that holds plots/ and experiments/: $MASBENCH_DATA, or where this build keeps them. */
const char *mas_data_folder(void);

/** Where the labels of a chart go. Points and labels are in units of the plot's width and height
 * (0 .. 1). */
typedef struct mas_label {
    double x, y;             /* point */
    double width, height;    /* of the label's text */
    double label_x, label_y; /* out: its left edge and middle */
} mas_label;
/** Put each label beside its point where it covers least of other points and labels;
 * deterministic. */
void mas_labels_place(mas_label *labels, size_t count);

/** Rows of plot data, internal to harness/report: blocks of tab-separated rows, one block a
 * series. */
void mas_report_write_settings(const mas_report *report, FILE *out);
void mas_report_write_captions(const mas_report *report, FILE *out);
void mas_report_write_cost_quality(const mas_report *report, FILE *out);
void mas_report_write_front(const mas_report *report, FILE *out);
void mas_report_write_points(const mas_report *report, FILE *out);
void mas_report_write_positions(const mas_report *report, FILE *out);
void mas_report_write_distances(const mas_report *report, FILE *out);
void mas_report_write_curves(const mas_report *report, FILE *out);
void mas_report_write_placements(const mas_report *report, FILE *out);
void mas_report_write_contexts(const mas_report *report, FILE *out);
void mas_report_write_context_settings(const mas_report *report, FILE *out);
void mas_report_write_memory(const mas_report *report, FILE *out);
void mas_report_write_memory_settings(const mas_report *report, FILE *out);

/** Do groups differ in where equally many full layers stand? */
bool mas_report_has_placements(const mas_report *report);
/** Was some plan, trained at one length, scored at several? */
bool mas_report_has_contexts(const mas_report *report);
/** Do results hold memory at several lengths? */
bool mas_report_has_lengths(const mas_report *report);

/** A title "LABEL, seed 3, dtype f32" without the parts that begin with one of these words, NULL-terminated. The label of
 *  the result's plan stays whole, whatever stands in it.
 *  @param[out] text  `size` bytes, not the title's own */
void mas_report_title_without(const json_t *result, const char *title, const char *const *words,
                              char *text, size_t size);

/** Full attention in every layer of the result's plan. */
bool mas_result_is_full(const json_t *result);

/** First result of a group; NULL when there is no such group. */
const json_t *mas_report_first(const mas_report *report, size_t group);

#endif
