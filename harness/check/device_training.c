/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the loss and the optimiser, called for the checker; device_calls.h says how. */
#include "harness/check/device_calls.h"
#include "harness/check/ops_twin.h"
#include "kernels/reference/ops_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void cross_entropy_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "x", x->n * x->c);
    mas_call_in(x, 1, "weight", x->v * x->c);
    mas_call_out(x, 2, "losses", x->n);
    mas_call_out(x, 3, "d_x", x->n * x->c);
    mas_call_in(x, 4, "d_weight", x->v * x->c); /* added to */
    mas_call_typed(x, 0);
    mas_call_typed(x, 1);
    mas_call_typed(x, 3);
}

static mas_status cross_entropy_run(mas_check_call *x, bool gradients, mas_error *err)
{
    enum { ROWS = 256 };
    uint8_t found[ROWS], want[ROWS], unused[ROWS];
    void *workspace = NULL, *correct = NULL;
    double *logits = malloc((size_t)x->v * sizeof *logits);
    float *narrow = malloc((size_t)x->v * sizeof *narrow);
    const size_t bytes = x->d->ops->cross_entropy_workspace_bytes(x->d, x->n, x->c, x->v, x->type);
    mas_status status = logits && narrow ? MAS_OK
                                         : mas_fail(err, MAS_E_MEMORY, "no memory for %lld logits",
                                                    (long long)x->v);
    if (status == MAS_OK)
        status = mas_alloc(x->d, bytes + 1, MAS_MEMORY_WORKSPACE, &workspace, err);
    if (status == MAS_OK)
        status = mas_alloc(x->d, ROWS, MAS_MEMORY_WORKSPACE, &correct, err);
    if (status != MAS_OK)
        goto done;
    mas_ops_reference_cross_entropy(x->n, x->c, x->v, MAS_DTYPE_F32, x->w[0], x->w[1], x->ints[0],
                                    0.3f, x->w[2], want, gradients ? x->w[3] : NULL, x->w[4],
                                    logits);
    /* the twin rounds where a device does: a tolerance for it */
    mas_ops_twin_cross_entropy(x->n, x->c, x->v, x->type, x->s[0], x->s[1], x->ints[0], 0.3f,
                               x->s[2], unused, gradients ? x->s[3] : NULL, x->s[4], narrow);
    status = x->d->ops->cross_entropy(
        x->d, x->n, x->c, x->v, x->type, x->f[0], x->f[1], 0, x->device_ints[0], 0.3f, x->f[2],
        correct, gradients ? x->f[3] : NULL, gradients ? x->f[4] : NULL, workspace, err);
    x->d->ops->download(x->d, found, correct, (size_t)x->n);
    if (status == MAS_OK && memcmp(found, want, (size_t)x->n) != 0)
        status =
            mas_fail(err, MAS_E_ARGUMENT, "the rows called correct are not those of the oracle");
done:
    x->d->ops->release(x->d, workspace);
    x->d->ops->release(x->d, correct);
    free(logits);
    free(narrow);
    return status;
}

static mas_status cross_entropy(mas_check_call *x, mas_error *err)
{
    return cross_entropy_run(x, true, err);
}

static void cross_entropy_only_shape(mas_check_call *x)
{
    cross_entropy_shape(x);
    x->t[3].count = 0;
}

static mas_status cross_entropy_only(mas_check_call *x, mas_error *err)
{
    return cross_entropy_run(x, false, err);
}

static void adamw_shape(mas_check_call *x)
{
    static const char *const names[] = {"gradient", "weight", "m", "v"};
    for (int i = 0; i < 4; i++)
        mas_call_in(x, i, names[i], x->n * x->c);
    x->t[3].positive = true;
    if (x->type == MAS_DTYPE_BF16) { /* the copy */
        mas_call_out(x, 4, "copy", x->n * x->c);
        mas_call_typed(x, 4);
    }
}

static mas_status adamw_step(mas_check_call *x, int64_t step)
{
    const mas_adamw hyper = {.learning_rate = 1e-2f,
                             .beta1 = 0.9f,
                             .beta2 = 0.95f,
                             .epsilon = 1e-8f,
                             .weight_decay = 0.1f,
                             .gradient_scale = 0.5f,
                             .step = step};
    x->d->ops->adamw(x->d, x->n * x->c, &hyper, x->f[0], x->f[1], x->f[2], x->f[3],
                     x->t[4].count > 0 ? x->f[4] : NULL);
    mas_ops_reference_adamw(x->n * x->c, &hyper, x->w[0], x->w[1], x->w[2], x->w[3]);
    mas_ops_twin_adamw(x->n * x->c, &hyper, x->s[0], x->s[1], x->s[2], x->s[3]);
    for (int64_t i = 0; i < x->t[4].count; i++) {
        x->w[4][i] = x->w[1][i];
        x->s[4][i] = x->s[1][i];
    }
    return MAS_OK;
}

static mas_status adamw_first(mas_check_call *x, mas_error *err)
{
    (void)err;
    return adamw_step(x, 1);
}

static mas_status adamw_later(mas_check_call *x, mas_error *err)
{
    (void)err;
    return adamw_step(x, 137);
}

static void sum_squares_shape(mas_check_call *x)
{
    mas_call_in(x, 0, "x", x->n * x->c);
}

static mas_status sum_squares(mas_check_call *x, mas_error *err)
{
    double want = 0;
    for (int64_t i = 0; i < x->n * x->c; i++)
        want += x->w[0][i] * x->w[0][i];
    const double got = x->d->ops->sum_squares(x->d, x->n * x->c, x->f[0]);
    if (fabs(got - want) <= 1e-12 * want)
        return MAS_OK;
    return mas_fail(err, MAS_E_ARGUMENT, "the sum of squares is %.17g, should be %.17g", got, want);
}

const mas_check_operation mas_check_training_calls[] = {
    {cross_entropy_shape, cross_entropy, true},
    {cross_entropy_only_shape, cross_entropy_only, true},
    {adamw_shape, adamw_first, false},
    {adamw_shape, adamw_later, false},
    {sum_squares_shape, sum_squares, false},
};
