/* SPDX-License-Identifier: Apache-2.0 */
/** How the device's operations are called by the checker: every operation is one function that makes
 * the same call three times, on the device, on the oracle and on the naive twin. Private to
 * harness/check. */
#ifndef MASBENCH_CHECK_DEVICE_CALLS_H
#define MASBENCH_CHECK_DEVICE_CALLS_H

#include "harness/check/internal.h"

enum {
    MAS_CALL_TENSORS = 9,
    MAS_CALL_INTS = 2,
    MAS_CALL_GUARD = 32 /* elements on both sides of a tensor; 32 keep 64-byte alignment */
};

typedef struct mas_check_call_tensor {
    const char *name; /* as the operation's declaration has it; NULL: not used */
    int64_t count;
    bool output; /* overwritten: starts as NaN; otherwise the initial value matters (inputs, and
                    what is added to) */
    bool positive;
    bool typed;      /* of the call's element type; otherwise f32 */
    mas_dtype dtype; /* what it is stored in */
    void *start;     /* host: guards and initial values */
    void *found;     /* host: what the device left, with guards */
    void *first;     /* host: what the device with one thread left */
    char *device;    /* past the guard */
    double *want;
    float *twin;
} mas_check_call_tensor;

typedef struct mas_check_call {
    int64_t n, c, v; /* rows, width, vocabulary (or the third size of a matrix product) */
    mas_dtype type;  /* of the tensors that are typed */
    mas_device *d;
    mas_check_call_tensor t[MAS_CALL_TENSORS];
    int32_t ints[MAS_CALL_INTS][256];
    int32_t *device_ints[MAS_CALL_INTS];
    void *f[MAS_CALL_TENSORS]; /* shorthands for the three sides of a call */
    double *w[MAS_CALL_TENSORS];
    float *s[MAS_CALL_TENSORS];
} mas_check_call;

/** One operation with one choice of its options. */
typedef struct mas_check_operation {
    void (*shape)(mas_check_call *x); /* counts and kinds of the tensors */
    mas_status (*run)(mas_check_call *x, mas_error *err);
    bool unscored; /* every third integer is -1, a target that is not scored */
} mas_check_operation;

static inline void mas_call_in(mas_check_call *x, int i, const char *name, int64_t count)
{
    x->t[i].name = name;
    x->t[i].count = count;
}

static inline void mas_call_out(mas_check_call *x, int i, const char *name, int64_t count)
{
    x->t[i].name = name;
    x->t[i].count = count;
    x->t[i].output = true;
}

/** Tensor i, described already, is of the call's element type. */
static inline void mas_call_typed(mas_check_call *x, int i)
{
    x->t[i].typed = true;
}

extern const mas_check_operation mas_check_layer_calls[];    /* device_layers.c */
extern const mas_check_operation mas_check_training_calls[]; /* device_training.c */

#endif
