/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the kernel checker share. Private to harness/check. */
#ifndef MASBENCH_CHECK_INTERNAL_H
#define MASBENCH_CHECK_INTERNAL_H

#include "harness/check/check.h"
#include "harness/check/judge.h"
#include "masbench/rng.h"
#include "variants/variant.h"

/* ---- masks of the checker's own ---- */

typedef enum mas_check_mask_kind {
    MAS_CHECK_ALL,
    MAS_CHECK_NONE,
    MAS_CHECK_CAUSAL,
    MAS_CHECK_WINDOW,  /* a keys, self included, and the first b keys */
    MAS_CHECK_BAND,    /* keys less than a away on both sides: not causal */
    MAS_CHECK_LOCAL,   /* causal; own block of a and the b - 1 before it */
    MAS_CHECK_STRIDED, /* causal; every a-th key counted back from the query */
    MAS_CHECK_BLOCKS,  /* causal; seeded random blocks of a, b of 100 visible */
    MAS_CHECK_PAIRS,   /* seeded random pairs, b of 100 visible, not causal */
    MAS_CHECK_HOLES,   /* causal, but every a-th query sees nothing */
    MAS_CHECK_ROWLESS, /* causal blocks of a in which block row b sees nothing */
    MAS_CHECK_MASK_COUNT
} mas_check_mask_kind;

typedef struct mas_check_mask {
    mas_check_mask_kind kind;
    int64_t a, b;
    uint64_t seed;
    int64_t key_begin, key_end;   /* keys outside are hidden; both 0: no limit */
    int64_t skip_from, skip_rows; /* positions from skip_from on stand skip_rows further */
} mas_check_mask;

/** The mask as kernels take it; `m` must outlive it. */
mas_mask mas_check_mask_make(const mas_check_mask *m);

/* ---- cases ---- */

typedef enum mas_check_layout {
    MAS_CHECK_DENSE,
    MAS_CHECK_PADDED,     /* gaps between heads, rows and batches, odd offset */
    MAS_CHECK_HEAD_MAJOR, /* [B, H, T, D] in memory */
    MAS_CHECK_FUSED,      /* q, k, v side by side in one buffer; q_len == kv_len */
    MAS_CHECK_LAYOUT_COUNT
} mas_check_layout;

typedef enum mas_check_inputs {
    MAS_CHECK_NORMAL,
    MAS_CHECK_UNIFORM,
    MAS_CHECK_HUGE,  /* scores around 1e4 */
    MAS_CHECK_EQUAL, /* all scores the same */
    MAS_CHECK_DENORMAL,
    MAS_CHECK_DOMINATING, /* one key takes all the weight */
    MAS_CHECK_INPUTS_COUNT
} mas_check_inputs;

typedef struct mas_check_case {
    char name[80];
    mas_attn_problem problem; /* without its mask, see mas_check_case_problem */
    mas_check_mask mask;
    const mas_attn_spec *spec; /* the mask instead, when it is a variant's; NULL: it is not */
    mas_check_layout layout;
    mas_check_inputs inputs;
    bool plant; /* NaN and Inf in the keys and values that no query sees */
} mas_check_case;

typedef struct mas_check_specs {
    mas_attn_spec *items;
    size_t count, room;
} mas_check_specs;

/** Specs of every variant of a NULL-terminated table, from its options alone: for every choice of
 *  words the defaults, then small numbers drawn by `seed` with sinks, then such numbers without the
 *  causal mask where that may be left out. What a variant's own rules refuse is left out, and so are
 *  layouts that want a file.
 *  @param[out] out  free its items; none on error */
MAS_MUST_USE mas_status mas_check_specs_make(const mas_variant *const *variants, uint64_t seed,
                                             mas_check_specs *out, mas_error *err);

typedef struct mas_check_cases {
    mas_check_case *items;
    size_t count, room;
    mas_check_specs specs; /* that items point at */
} mas_check_cases;

/** The fixed list and the masks of the variants, every case in f32 and in one of the narrow dtypes,
 * then the random problems. */
MAS_MUST_USE mas_status mas_check_cases_make(const mas_check_options *options, mas_check_cases *out,
                                             mas_error *err);
void mas_check_cases_free(mas_check_cases *cases);

/* ---- the rig: guarded buffers for one problem and operation ---- */

enum {
    MAS_CHECK_Q,
    MAS_CHECK_K,
    MAS_CHECK_V,
    MAS_CHECK_O,
    MAS_CHECK_LSE,
    MAS_CHECK_SINKS,
    MAS_CHECK_D_O,
    MAS_CHECK_D_Q,
    MAS_CHECK_D_K,
    MAS_CHECK_D_V,
    MAS_CHECK_D_SINKS,
    MAS_CHECK_TENSORS
};

typedef struct mas_check_tensor {
    const char *name;
    bool present, output;
    mas_dtype dtype;
    int64_t batch, rows, heads; /* lse: [B, Hq*Tq, 1, 1]; sinks: [1, 1, Hq, 1] */
    int32_t dim;
    int64_t count;
    mas_view view;
    double *values; /* dense; inputs as they were stored, outputs as they were found */
} mas_check_tensor;

/* A block of memory in which every byte is either an output's or must not change. */
typedef struct mas_check_block {
    unsigned char *bytes, *saved;
    unsigned char *writable; /* 0xff: an output's byte, 0: not */
    unsigned char *copy;     /* in a device's memory while a kernel runs there */
    size_t size;
    const char *name;
} mas_check_block;

typedef struct mas_check_rig {
    mas_attn_problem problem;
    mas_attn_op op;
    mas_check_tensor tensors[MAS_CHECK_TENSORS];
    mas_check_block blocks[MAS_CHECK_TENSORS];
    size_t block_count;
    mas_attn_args args;
    mas_attn_counts counts; /* of the last run */
} mas_check_rig;

MAS_MUST_USE mas_status mas_check_rig_open(const mas_attn_problem *p, mas_attn_op op,
                                           mas_check_layout layout, mas_check_rig **out,
                                           mas_error *err);
void mas_check_rig_close(mas_check_rig *rig); /* NULL allowed */
/** Round values into storage, and back. */
void mas_check_rig_store(mas_check_rig *rig, int tensor);
/** Run a kernel with outputs, scratch and guards filled with `fill` bytes; 0xff is NaN in every
 * dtype. Fails when the kernel fails, visits other tiles, or writes where it must not. */
MAS_MUST_USE mas_status mas_check_rig_run(mas_check_rig *rig, const mas_attn_kernel *kernel,
                                          int threads, int fill, mas_error *err);
/** Remember the output bytes of the last run; compare those of a later one. */
MAS_MUST_USE mas_status mas_check_rig_keep(const mas_check_rig *rig, unsigned char **kept,
                                           mas_error *err); /* free it */
bool mas_check_rig_same(const mas_check_rig *rig, const unsigned char *kept);

/** Draw the inputs of a kind; d_o is normal. `plant` as in mas_check_case. */
void mas_check_fill(mas_check_rig *rig, mas_check_inputs kind, bool plant, uint64_t seed,
                    uint64_t stream);

/* ---- expected values and the verdict ---- */

/* Orders of summation. The first four: dot products and outer sums, each forward or backward; the
 * others: both shuffled. One order may be lucky at the worst element, eight are not. */
#define MAS_CHECK_TWINS 8

/** What the outputs of a rig should be, and what naive kernels make of them. */
typedef struct mas_check_expected {
    double *want[MAS_CHECK_TENSORS];
    double *twins[MAS_CHECK_TWINS][MAS_CHECK_TENSORS];
    double
        largest[MAS_CHECK_TENSORS]; /* term of any of an output's sums, before others cancel it */
} mas_check_expected;

/** A backward kernel gets o and lse as a good forward kernel would leave them. */
MAS_MUST_USE mas_status mas_check_store_forward(mas_check_rig *rig, mas_error *err);

/** For a backward rig this also calls mas_check_store_forward. */
MAS_MUST_USE mas_status mas_check_expect(mas_check_rig *rig, mas_check_expected *e, mas_error *err);
void mas_check_expected_free(mas_check_expected *e);

/** Naive attention in float. o and lse, or the gradients, rounded to their dtypes.
 *  @param number       of the order of summation, below MAS_CHECK_TWINS
 *  @param[in,out] largest  as in mas_check_expected, raised to what is met; NULL: not wanted */
MAS_MUST_USE mas_status mas_check_twin(const mas_check_rig *rig, int number,
                                       double *const out[MAS_CHECK_TENSORS],
                                       double largest[MAS_CHECK_TENSORS], mas_error *err);

/** Judge all outputs of the last run. On failure err has the sentence.
 *  @param[out] ratio  the largest error, of what is allowed */
MAS_MUST_USE mas_status mas_check_rig_judge(const mas_check_rig *rig, const mas_check_expected *e,
                                            double *ratio, mas_error *err);

/* ---- the engine ---- */

typedef struct mas_check_subject {
    char name[80];
    const mas_attn_kernel *kernel; /* NULL: a variant, an operation or an oracle */
    int64_t passed, failed, refused;
    double worst_ratio;
    char worst_case[80];
    char refusal[200];   /* the first one */
    unsigned char *kept; /* while a case runs: the outputs; NULL: it is over for this kernel */
    double ratio;        /* and the largest error, of what is allowed */
} mas_check_subject;

typedef struct mas_check_engine {
    const mas_check_options *options;
    FILE *out, *progress;
    mas_check_subject *subjects;
    size_t count;
    mas_error error; /* first failure of the check itself (memory); ends it */
} mas_check_engine;

bool mas_check_wanted(const mas_check_engine *engine, const char *case_name);
/** The subject of that name, NULL when the glob leaves it out. */
mas_check_subject *mas_check_find(mas_check_engine *engine, const char *name);
/** The name of a variant as a subject. */
void mas_check_variant_name(const mas_variant *variant, char *name, size_t size);
void mas_check_pass(mas_check_subject *s, const char *case_name, double ratio);
void mas_check_fail(mas_check_engine *engine, mas_check_subject *s, const char *case_name,
                    const char *format, ...) MAS_PRINTF(4, 5);
void mas_check_refuse(mas_check_subject *s, const char *reason);

/** Each runs its part on all subjects; `cases` is the list of mas_check_cases_make. */
void mas_check_run_case(mas_check_engine *engine, const mas_check_case *c);

/** A check that is a piece of code rather than a row of data, run once per attention kernel it is
 * for. */
typedef struct mas_check_special {
    const char *name;
    bool forward, backward; /* forward: also decode */
    bool every_dtype; /* run in each dtype that the kernel takes; otherwise f32, and `run` sees to
                         the rest */
    /** @return MAS_OK passed, MAS_E_UNSUPPORTED or MAS_E_DTYPE refused, other: failed; err has the
     * sentence */
    mas_status (*run)(const mas_attn_kernel *kernel, mas_dtype dtype,
                      const mas_check_options *options, mas_error *err);
} mas_check_special;

extern const mas_check_special mas_check_known_faults[]; /* end: name NULL */
extern const mas_check_special mas_check_properties[];
extern const mas_check_special mas_check_nonfinite[];

/** The usual problem of a property: two batches, two groups of two query heads. */
mas_attn_problem mas_check_property_problem(mas_dtype dtype, const mas_mask *mask);
/** A rig with normal inputs, ready to run. */
MAS_MUST_USE mas_status mas_check_property_open(const mas_attn_kernel *kernel,
                                                const mas_attn_problem *p,
                                                const mas_check_options *o, mas_check_rig **rig,
                                                mas_error *err);
/** A copy of an output's values, to be freed; NULL without memory. */
double *mas_check_copy(const mas_check_tensor *t);

/** Checks whose subject is no attention kernel: the oracle's gradients, the device's operations. */
typedef struct mas_check_other {
    const char *subject, *name; /* the table ends with subject NULL */
    int variant;                /* handed to run */
    mas_status (*run)(const mas_check_options *options, int variant, double *ratio, mas_error *err);
} mas_check_other;

extern const mas_check_other mas_check_oracle_checks[];
extern const mas_check_other mas_check_device_ops[];

#endif
