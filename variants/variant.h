/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Attention variants: what is compared. A variant is not a kernel; it is a mask with options. One
 * file each (full.c, sliding_window.c, block_sparse.c) plus one row in table.c; experiment files,
 * `list`, `explain`, schedules and exact costs follow from its descriptor.
 *
 * To add one: copy sliding_window.c, state the mask twice (`sees` by its definition, `runs` as
 * intervals), list its options, add the row to table.c, and write an experiment file that uses it.
 */
#ifndef MASBENCH_VARIANTS_VARIANT_H
#define MASBENCH_VARIANTS_VARIANT_H

#include "masbench/attention.h"

typedef enum mas_option_type {
    MAS_OPTION_INT,  /* whole number min .. max */
    MAS_OPTION_WORD, /* one of `words`; the value is its index */
    MAS_OPTION_PATH  /* file name, kept in mas_attn_spec.path (at most one per variant) */
} mas_option_type;

/** One option of a variant, as an experiment file spells it. */
typedef struct mas_option {
    const char *name;
    mas_option_type type;
    int64_t default_value, min, max; /* INT; for WORD default_value is an index */
    bool required;
    const char *const *words; /* WORD: NULL-terminated */
    const char *help;         /* one line, with the unit */
} mas_option;

#define MAS_VARIANT_OPTIONS_MAX 12
#define MAS_PATH_MAX 1024

typedef struct mas_variant mas_variant;
typedef struct mas_block_layout mas_block_layout; /* a loaded layout file, block_sparse.c */

/** A variant with its options filled in: a plain value, copied freely. */
typedef struct mas_attn_spec {
    const mas_variant *variant;
    int64_t value[MAS_VARIANT_OPTIONS_MAX]; /* by option index */
    int64_t sinks; /* first keys that every query always sees (under the causal mask), any variant;
                      default 0 */
    bool causal;   /* default true; false only where the variant allows it */
    char path[MAS_PATH_MAX]; /* value of the PATH option, "" if none */
    const mas_block_layout
        *layout; /* loaded by mas_attn_spec_check from path; shared, lives until process end */
} mas_attn_spec;

struct mas_variant {
    const char *name;    /* "sliding_window" */
    const char *summary; /* one line: what a query sees */
    const char *source;  /* paper or origin */
    const mas_option *options;
    size_t option_count;
    bool allows_non_causal;
    /** Rules between options; loads the layout file. NULL: none. */
    mas_status (*check)(mas_attn_spec *spec, mas_error *err);
    /** The variant's own mask, without sinks. Same contracts as mas_mask, self is the spec. */
    bool (*sees)(const mas_attn_spec *spec, int64_t position, int64_t key);
    size_t (*runs)(const mas_attn_spec *spec, int64_t position, int64_t kv_len, mas_run *runs);
    size_t (*max_runs)(const mas_attn_spec *spec, int64_t kv_len);
    /** Short label for tables and charts, "window 256", without sinks. */
    void (*label)(const mas_attn_spec *spec, char *text, size_t size);
};

/** All variants, NULL-terminated; `full` first. */
extern const mas_variant *const mas_variants[];

/** By name; MAS_E_NOT_FOUND names the nearest and lists all. */
MAS_MUST_USE mas_status mas_variant_find(const char *name, const mas_variant **out, mas_error *err);

/** Spec of a variant with every option at its default (required ones at their minimum), causal, no
 * sinks. */
mas_attn_spec mas_attn_spec_default(const mas_variant *variant);
/** Full causal attention. */
mas_attn_spec mas_attn_spec_full(void);
/** Index of an option by name, or -1. */
int mas_variant_option(const mas_variant *variant, const char *name);

/** Ranges and rules; loads what the spec names (a layout file). Call once after filling a spec. */
MAS_MUST_USE mas_status mas_attn_spec_check(mas_attn_spec *spec, mas_error *err);

/** The mask of a checked spec, sinks included. The spec must outlive it and not move. */
mas_mask mas_attn_spec_mask(const mas_attn_spec *spec);

/** Is it exactly full causal attention at this length (window >= length, one block, ...)? Decided
 * from the mask row by row, so it holds for any variant. */
bool mas_attn_spec_is_full(const mas_attn_spec *spec, int64_t length);
/** Same variant, options (and layout content)? */
bool mas_attn_spec_equal(const mas_attn_spec *a, const mas_attn_spec *b);

/** "window 64 + 4 sinks"; always terminated. */
void mas_attn_spec_label(const mas_attn_spec *spec, char *text, size_t size);
/** Longest look-back in keys, self included, that any query up to `length` has in one layer (W for
 * a window, the length for full). Sinks do not count. A stack reaches what its masks let through, which no
 * number of one layer says: mas_plan_reach in reach.h. */
int64_t mas_attn_spec_reach(const mas_attn_spec *spec, int64_t length);

#endif
