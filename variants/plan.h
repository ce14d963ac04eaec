/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Layer plans: which layers of a model get full attention and what the others get. MASFormer (arXiv
 * 2310.12442) is a plan with l full layers among n and a sparse variant in the rest; a uniform
 * model is the plan with l = 0 or l = n.
 */
#ifndef MASBENCH_VARIANTS_PLAN_H
#define MASBENCH_VARIANTS_PLAN_H

#include "variants/variant.h"

#define MAS_LAYERS_MAX 256

/** Where l full layers go among n layers, counted from 0 at the bottom (nearest the embedding). */
typedef enum mas_placement_kind {
    MAS_PLACEMENT_BOTTOM,            /* first l */
    MAS_PLACEMENT_TOP,               /* last l */
    MAS_PLACEMENT_MIDDLE,            /* l in a row from floor((n-l)/2) */
    MAS_PLACEMENT_INTERLEAVED,       /* floor((i+0.5)*n/l) */
    MAS_PLACEMENT_INTERLEAVED_FIRST, /* floor(i*n/l) */
    MAS_PLACEMENT_INTERLEAVED_LAST,  /* ceil((i+1)*n/l)-1 */
    MAS_PLACEMENT_ENDS_AND_MIDDLE,   /* l = 3: 0, floor(n/2), n-1 */
    MAS_PLACEMENT_PERIODIC, /* offset, offset+every, ... ; l follows from it (full_layers must be
                               left out) */
    MAS_PLACEMENT_LIST,     /* explicit layers; l follows from it */
    MAS_PLACEMENT_RANDOM,   /* l layers drawn without replacement by seed */
    MAS_PLACEMENT_COUNT
} mas_placement_kind;

typedef struct mas_placement {
    mas_placement_kind kind;
    int32_t every, offset; /* PERIODIC */
    uint64_t seed;         /* RANDOM */
    int32_t count;         /* LIST */
    int32_t list[MAS_LAYERS_MAX];
} mas_placement;

/** Word and one-line help of each kind ("bottom", "the first l layers"). */
const char *mas_placement_name(mas_placement_kind kind);
const char *mas_placement_help(mas_placement_kind kind);

/** A placement with what belongs to it: "bottom", "every 6 from 5", "layers 0, 3", "random, seed 7";
 * cut where it does not fit, always terminated if size > 0. */
void mas_placement_label(const mas_placement *placement, char *text, size_t size);

#define MAS_FULL_LAYERS_UNSET (-1)

/** The `attention:` section of an experiment file. */
typedef struct mas_attention_config {
    mas_attn_spec sparse; /* what the layers that are not full get */
    int32_t full_layers; /* l, or MAS_FULL_LAYERS_UNSET (0 for words; given by PERIODIC and LIST) */
    mas_placement placement;
} mas_attention_config;

typedef struct mas_plan {
    int32_t layers;
    int32_t full_layers; /* number of layers marked full */
    bool is_full[MAS_LAYERS_MAX];
    mas_attn_spec sparse, full; /* layer i runs is_full[i] ? full : sparse */
} mas_plan;

/** Which layers are full. Refuses what cannot be placed, naming the numbers: l > n, ends_and_middle
 * with l != 3 or n < 3, listed layers out of range, repeated or unsorted, full_layers that
 * contradicts a list or a period. l = 0 and l = n are valid for every word.
 *  @param[out] is_full  [layers] */
MAS_MUST_USE mas_status mas_placement_layers(const mas_placement *placement, int32_t full_layers,
                                             int32_t layers, bool *is_full, mas_error *err);

MAS_MUST_USE mas_status mas_plan_build(const mas_attention_config *config, int32_t layers,
                                       mas_plan *out, mas_error *err);

static inline const mas_attn_spec *mas_plan_layer(const mas_plan *plan, int32_t layer)
{
    return plan->is_full[layer] ? &plan->full : &plan->sparse;
}

/** Reduce a plan to its meaning at this sequence length, so that equal computations compare equal:
 * a sparse variant that is exactly full at `length` becomes full; with every layer full, `sparse`
 * is reset to full. */
void mas_plan_canonical(mas_plan *plan, int64_t length);

/** "full", "window 64", "2 full of 6 (bottom) + block 64 own"; always terminated. Uniform plans
 * omit the placement. */
void mas_plan_label(const mas_plan *plan, const mas_placement *placement, char *text, size_t size);

/** "FFSSSS": one letter per layer, bottom first (F full, S sparse). */
void mas_plan_letters(const mas_plan *plan, char *text, size_t size);

#endif
