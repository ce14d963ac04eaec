/* SPDX-License-Identifier: Apache-2.0 */
/* Run, put NaN and Inf into some inputs, run again: outputs that do not depend on them must keep every bit, and those
 * that do must show them, or a kernel that takes such values out would hide a model that has diverged. */
#include "harness/check/internal.h"

#include <math.h>
#include <stdlib.h>

/* One row of one head of a tensor. */
typedef struct cell {
    int tensor;
    int64_t batch, row, head;
} cell;

/* Of element i. */
static cell cell_of(const mas_check_rig *rig, int tensor, int64_t i)
{
    const mas_check_tensor *t = &rig->tensors[tensor];
    i /= t->dim;
    return (cell){tensor, i / t->heads / t->rows, i / t->heads % t->rows, i % t->heads};
}

static bool of_keys(int tensor)
{
    return tensor == MAS_CHECK_K || tensor == MAS_CHECK_V || tensor == MAS_CHECK_D_K ||
           tensor == MAS_CHECK_D_V;
}

/* Which cells? `turn`: the input whose turn it is. */
typedef bool cells(cell at, int turn);

typedef struct scene {
    cells *spoil; /* inputs */
    cells *keep;  /* outputs that must not change */
    cells *show;  /* outputs that must not be finite; NULL: not looked at */
} scene;

enum { NOW = 53 }; /* amid a tile of any size */

static bool future_keys(cell at, int turn)
{
    (void)turn;
    return of_keys(at.tensor) && at.row >= NOW;
}

static bool past_queries(cell at, int turn)
{
    (void)turn;
    return !of_keys(at.tensor) && at.row < NOW;
}

static bool past_keys(cell at, int turn)
{
    (void)turn;
    return of_keys(at.tensor) && at.row < NOW;
}

enum { WINDOW = 20 };

static bool queries_past_window(cell at, int turn)
{
    (void)turn;
    return !of_keys(at.tensor) && at.row >= NOW + WINDOW - 1;
}

/* A key/value head and its two query heads. */
static bool in_first_group(cell at, int turn)
{
    (void)turn;
    return at.batch == 0 && at.head < (of_keys(at.tensor) ? 1 : 2);
}

static bool outside_first_group(cell at, int turn)
{
    return !in_first_group(at, turn);
}

/* One row of one input: of the first head of the last group of the last batch. */
static bool one_row(cell at, int turn)
{
    return at.tensor == turn && at.batch == 1 && at.row == NOW &&
           at.head == (of_keys(turn) ? 1 : 2);
}

/* Under a causal mask the rows before it miss a key, and later keys a query; other heads miss both, query heads of the
 * group meet in their keys. By its rows a key meets the gradients of all keys. */
static bool misses_it(cell at, int turn)
{
    const bool keys = of_keys(at.tensor), key = of_keys(turn);
    if (at.batch != 1 || (keys ? at.head != 1 : key ? at.head < 2 : at.head != 2))
        return true;
    return key ? !keys && at.row < NOW : keys ? at.row > NOW : at.row != NOW;
}

/* A kernel that takes each row's lse as given need not show a key in the gradients of others, nor a value in its own. */
static bool shows_it(cell at, int turn)
{
    const bool others = of_keys(at.tensor) && of_keys(turn) && at.row != NOW;
    return !misses_it(at, turn) && !others && !(turn == MAS_CHECK_V && at.tensor == MAS_CHECK_D_V);
}

static const int inputs[] = {MAS_CHECK_Q, MAS_CHECK_K, MAS_CHECK_V, MAS_CHECK_D_O};
enum { INPUTS = sizeof inputs / sizeof *inputs };
static const int judged[] = {MAS_CHECK_O, MAS_CHECK_D_Q, MAS_CHECK_D_K, MAS_CHECK_D_V};
enum { JUDGED = sizeof judged / sizeof *judged };

/* NaN, and Inf in every second element of V, of which a product with a weight of 0 makes NaN. */
static void spoil(mas_check_rig *rig, const scene *s, int turn)
{
    for (int n = 0; n < INPUTS; n++) {
        mas_check_tensor *t = &rig->tensors[inputs[n]];
        for (int64_t i = 0; t->present && i < t->count; i++)
            if (s->spoil(cell_of(rig, inputs[n], i), turn))
                t->values[i] = inputs[n] == MAS_CHECK_V && i % 2 ? HUGE_VAL : (double)NAN;
        if (t->present)
            mas_check_rig_store(rig, inputs[n]);
    }
}

static mas_status judge(const mas_check_rig *rig, int tensor, const double *before, const scene *s,
                        int turn, mas_error *err)
{
    const mas_check_tensor *t = &rig->tensors[tensor];
    for (int64_t i = 0; i < t->count; i++) {
        const cell at = cell_of(rig, tensor, i);
        const char *wrong = NULL;
        if (s->keep(at, turn) && !(t->values[i] == before[i]))
            wrong = "with inputs that it must not depend on";
        else if (s->show && s->show(at, turn) && isfinite(t->values[i]))
            wrong = "where an input that it is made of is not finite";
        if (wrong)
            return mas_fail(err, MAS_E_ARGUMENT,
                            "%s at batch %lld, row %lld, head %lld went from %.9g to %.9g %s "
                            "(spoilt: %s)",
                            t->name, (long long)at.batch, (long long)at.row, (long long)at.head,
                            before[i], t->values[i], wrong, rig->tensors[turn].name);
    }
    return MAS_OK;
}

static mas_status play(const mas_attn_kernel *kernel, const mas_attn_problem *p,
                       const mas_check_options *options, const scene *s, int turn, mas_error *err)
{
    double *before[JUDGED] = {NULL};
    mas_check_rig *rig = NULL;
    mas_status status = mas_check_property_open(kernel, p, options, &rig, err);
    if (status == MAS_OK && !rig->tensors[turn].present)
        goto done;
    if (status == MAS_OK)
        status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
    for (int n = 0; status == MAS_OK && n < JUDGED; n++) {
        const mas_check_tensor *t = &rig->tensors[judged[n]];
        if (!t->present || !t->output)
            continue;
        before[n] = mas_check_copy(t);
        if (!before[n])
            status = mas_fail(err, MAS_E_MEMORY, "no memory for a property");
    }
    if (status == MAS_OK) {
        spoil(rig, s, turn);
        status = mas_check_rig_run(rig, kernel, options->threads, 0xff, err);
    }
    for (int n = 0; status == MAS_OK && n < JUDGED; n++)
        if (before[n])
            status = judge(rig, judged[n], before[n], s, turn, err);
done:
    for (int n = 0; n < JUDGED; n++)
        free(before[n]);
    mas_check_rig_close(rig);
    return status;
}

/* Keys and values that a row does not see may be NaN, also when other rows of its tile see them. */
static mas_status ignores_future(const mas_attn_kernel *kernel, mas_dtype dtype,
                                 const mas_check_options *options, mas_error *err)
{
    static const scene s = {future_keys, past_queries, NULL};
    const mas_attn_problem p = mas_check_property_problem(dtype, &mas_mask_causal);
    return play(kernel, &p, options, &s, MAS_CHECK_Q, err);
}

static mas_status ignores_past(const mas_attn_kernel *kernel, mas_dtype dtype,
                               const mas_check_options *options, mas_error *err)
{
    static const scene s = {past_keys, queries_past_window, NULL};
    const mas_check_mask window = {.kind = MAS_CHECK_WINDOW, .a = WINDOW};
    const mas_mask mask = mas_check_mask_make(&window);
    const mas_attn_problem p = mas_check_property_problem(dtype, &mask);
    return play(kernel, &p, options, &s, MAS_CHECK_Q, err);
}

static mas_status independent(const mas_attn_kernel *kernel, mas_dtype dtype,
                              const mas_check_options *options, mas_error *err)
{
    static const scene s = {outside_first_group, in_first_group, NULL};
    const mas_attn_problem p = mas_check_property_problem(dtype, &mas_mask_causal);
    return play(kernel, &p, options, &s, MAS_CHECK_Q, err);
}

/* One input after the other. */
static mas_status shows(const mas_attn_kernel *kernel, mas_dtype dtype,
                        const mas_check_options *options, mas_error *err)
{
    static const scene s = {one_row, misses_it, shows_it};
    const mas_attn_problem p = mas_check_property_problem(dtype, &mas_mask_causal);
    mas_status status = MAS_OK;
    for (int n = 0; status == MAS_OK && n < INPUTS; n++)
        status = play(kernel, &p, options, &s, inputs[n], err);
    return status;
}

const mas_check_special mas_check_nonfinite[] = {
    {"property/ignores-future", true, true, true, ignores_future},
    {"property/ignores-past-of-window", true, true, true, ignores_past},
    {"property/batches-and-heads-independent", true, true, true, independent},
    {"property/shows-what-is-not-finite", true, true, true, shows},
    {NULL, false, false, false, NULL},
};
