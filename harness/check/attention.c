/* SPDX-License-Identifier: Apache-2.0 */
/* One case of the list on every kernel: expected values are made once per operation, then every kernel is run and
 * judged, and run again with other numbers of threads and another fill. */
#include "harness/check/internal.h"
#include "variants/agreement.h"

#include <stdlib.h>
#include <string.h>

/* Anything finite and unlike zero in f32, bf16 and f16. */
#define OTHER_FILL 0x3c

/* One rig and one oracle serve forward and decode. */
static bool served_by(const mas_check_subject *s, mas_attn_op op)
{
    return s->kernel && (s->kernel->op == MAS_ATTN_BACKWARD) == (op == MAS_ATTN_BACKWARD);
}

/* A subject whose run was no success has no outputs kept, and is not run again. */
static void conclude(mas_check_engine *engine, const mas_check_case *c, mas_check_subject *s,
                     mas_status status, const mas_error *err)
{
    if (status == MAS_OK)
        return;
    if (s->kernel->opaque && status == MAS_E_UNSUPPORTED)
        mas_check_refuse(s, err->text); /* this layout */
    else
        mas_check_fail(engine, s, c->name, "%s", err->text);
    free(s->kept);
    s->kept = NULL;
}

static void run_first(mas_check_engine *engine, const mas_check_case *c, mas_check_rig *rig,
                      const mas_check_expected *e, mas_check_subject *s)
{
    mas_error err = {MAS_OK, ""};
    if (mas_attn_kernel_usable(s->kernel, &rig->problem, &err) != MAS_OK) {
        mas_check_refuse(s, err.text);
        return;
    }
    mas_status status = mas_check_rig_run(rig, s->kernel, engine->options->threads, 0xff, &err);
    if (status == MAS_OK)
        status = mas_check_rig_judge(rig, e, &s->ratio, &err);
    if (status == MAS_OK)
        status = mas_check_rig_keep(rig, &s->kept, &err);
    conclude(engine, c, s, status, &err);
}

static void run_again(mas_check_engine *engine, const mas_check_case *c, mas_check_rig *rig,
                      int threads, int fill, const char *change, mas_check_subject *s)
{
    mas_error err = {MAS_OK, ""};
    mas_status status = mas_check_rig_run(rig, s->kernel, threads, fill, &err);
    if (status == MAS_OK && !mas_check_rig_same(rig, s->kept))
        status = mas_fail(&err, MAS_E_ARGUMENT, "%s gives other bits than the run before", change);
    conclude(engine, c, s, status, &err);
}

/* All kernels with one number of threads before the next: threads that come and go cost more than most cases. */
static void run_on_kernels(mas_check_engine *engine, const mas_check_case *c, mas_check_rig *rig,
                           const mas_check_expected *e)
{
    const struct {
        int threads, fill;
        const char *change;
    } again[] = {
        {1, OTHER_FILL, "one thread, outputs and workspace filled otherwise before,"},
        {engine->options->threads == 2 ? 7 : 2, 0xff, "another number of threads"},
    };
    mas_check_subject *const end = engine->subjects + engine->count;
    for (mas_check_subject *s = engine->subjects; s < end; s++)
        if (served_by(s, rig->op))
            run_first(engine, c, rig, e, s);
    for (size_t n = 0; n < sizeof again / sizeof *again; n++)
        for (mas_check_subject *s = engine->subjects; s < end; s++)
            if (s->kept && !s->kernel->opaque) /* which may give other bits the next time */
                run_again(engine, c, rig, again[n].threads, again[n].fill, again[n].change, s);
    for (mas_check_subject *s = engine->subjects; s < end; s++) {
        if (s->kept)
            mas_check_pass(s, c->name, s->ratio);
        free(s->kept);
        s->kept = NULL;
    }
}

static bool anyone_for(const mas_check_engine *engine, mas_attn_op op)
{
    for (size_t i = 0; i < engine->count; i++)
        if (served_by(&engine->subjects[i], op))
            return true;
    return false;
}

static uint64_t stream_of(const char *name)
{
    uint64_t h = 0;
    for (; *name; name++)
        h = mas_mix64(h ^ (unsigned char)*name);
    return h;
}

/* The variant itself passes or fails the case, beside the kernels that run on its mask. */
static void check_variant(mas_check_engine *engine, const mas_check_case *c)
{
    char name[sizeof engine->subjects->name];
    mas_check_variant_name(c->spec->variant, name, sizeof name);
    mas_check_subject *s = mas_check_find(engine, name);
    mas_error err = {MAS_OK, ""};
    if (!s)
        return;
    if (mas_attn_spec_agrees(c->spec, c->problem.kv_len, &err) == MAS_OK)
        mas_check_pass(s, c->name, 0);
    else
        mas_check_fail(engine, s, c->name, "%s", err.text);
}

void mas_check_run_case(mas_check_engine *engine, const mas_check_case *c)
{
    const mas_mask mask = c->spec ? mas_attn_spec_mask(c->spec) : mas_check_mask_make(&c->mask);
    if (c->spec)
        check_variant(engine, c);
    mas_attn_problem p = c->problem;
    p.mask = &mask;
    for (int op = MAS_ATTN_FORWARD; op <= MAS_ATTN_BACKWARD && engine->error.status == MAS_OK;
         op++) {
        if (!anyone_for(engine, (mas_attn_op)op))
            continue;
        mas_check_rig *rig = NULL;
        mas_check_expected e = {.want = {NULL}};
        mas_status status =
            mas_check_rig_open(&p, (mas_attn_op)op, c->layout, &rig, &engine->error);
        if (status == MAS_OK) {
            mas_check_fill(rig, c->inputs, c->plant, engine->options->seed, stream_of(c->name));
            status = mas_check_expect(rig, &e, &engine->error);
        }
        if (status == MAS_OK)
            run_on_kernels(engine, c, rig, &e);
        mas_check_expected_free(&e);
        mas_check_rig_close(rig);
    }
}
