/* SPDX-License-Identifier: Apache-2.0 */
/* One sequence of causal attention: normal inputs, plans for forward and backward. */
#include "peer.h"

#include "masbench/rng.h"
#include "variants/variant.h"

#include <stdlib.h>
#include <string.h>

enum { Q, K, V, D_O, O, D_Q, D_K, D_V, TENSORS };

static const struct {
    const char *name;
    bool input, keys; /* drawn; one row per key and kv head */
} tensors[TENSORS] = {
    [Q] = {"q", true, false},     [K] = {"k", true, true},      [V] = {"v", true, true},
    [D_O] = {"d_o", true, false}, [O] = {"o", false, false},    [D_Q] = {"d_q", false, false},
    [D_K] = {"d_k", false, true}, [D_V] = {"d_v", false, true},
};

typedef struct attention {
    peer_subject subject;
    mas_device *device;
    mas_attn_spec spec;
    mas_mask mask;
    mas_attn_plan *plan[2]; /* MAS_ATTN_FORWARD, MAS_ATTN_BACKWARD */
    void *workspace[2];
    void *data[TENSORS];
    mas_attn_args args;
} attention;

static int64_t heads_of(const mas_attn_problem *p, int tensor)
{
    return tensors[tensor].keys ? p->kv_heads : p->q_heads;
}

static int64_t count_of(const mas_attn_problem *p, int tensor)
{
    return p->q_len * heads_of(p, tensor) * p->d_qk;
}

static mas_status run_attention(peer_subject *subject, const char *part, double *value,
                                mas_error *err)
{
    attention *a = (attention *)subject;
    const bool backward = strcmp(part, "backward") == 0;
    if (!backward && strcmp(part, "forward") != 0)
        return mas_fail(err, MAS_E_ARGUMENT, "attention has the parts forward and backward, not %s",
                        part);
    const mas_attn_op op = backward ? MAS_ATTN_BACKWARD : MAS_ATTN_FORWARD;
    mas_attn_args args = a->args;
    args.workspace = a->workspace[op];
    *value = 0;
    return mas_attn_plan_run(a->plan[op], &args, NULL, err);
}

static mas_status dump_attention(peer_subject *subject, FILE *file, json_t *table, mas_error *err)
{
    attention *a = (attention *)subject;
    const mas_attn_problem *p = &a->plan[MAS_ATTN_FORWARD]->problem;
    double value;
    mas_status status = run_attention(subject, "forward", &value, err);
    if (status == MAS_OK)
        status = run_attention(subject, "backward", &value, err);
    for (int i = 0; status == MAS_OK && i < TENSORS; i++) {
        const int64_t shape[] = {p->q_len, heads_of(p, i), p->d_qk};
        status =
            peer_dump_tensor(file, table, tensors[i].name, 3, shape, p->dtype, a->data[i], err);
    }
    return status;
}

static void close_attention(peer_subject *subject)
{
    attention *a = (attention *)subject;
    mas_device *d = a->device;
    for (int i = 0; i < TENSORS; i++)
        d->ops->release(d, a->data[i]);
    d->ops->release(d, a->args.lse);
    for (int op = 0; op < 2; op++) {
        d->ops->release(d, a->workspace[op]);
        mas_attn_plan_free(a->plan[op]);
    }
    free(a);
}

static mas_status read_spec(const char *name, json_t *options, mas_attn_spec *spec, mas_error *err)
{
    const mas_variant *variant = NULL;
    const mas_status status = mas_variant_find(name, &variant, err);
    if (status != MAS_OK)
        return status;
    *spec = mas_attn_spec_default(variant);
    const char *key;
    json_t *value;
    json_object_foreach(options, key, value)
    {
        const int option = mas_variant_option(variant, key);
        if (option < 0)
            return mas_fail(err, MAS_E_ARGUMENT, "%s has no option %s", name, key);
        spec->value[option] = json_integer_value(value);
    }
    return mas_attn_spec_check(spec, err);
}

/* All memory of a problem; inputs drawn from one stream each. */
static mas_status allocate(attention *a, mas_error *err)
{
    mas_device *d = a->device;
    const mas_attn_problem *p = &a->plan[MAS_ATTN_FORWARD]->problem;
    mas_status status = MAS_OK;
    for (int i = 0; status == MAS_OK && i < TENSORS; i++) {
        const int64_t count = count_of(p, i);
        status = mas_alloc(d, (size_t)count * mas_dtype_bytes(p->dtype), MAS_MEMORY_ACTIVATIONS,
                           &a->data[i], err);
        mas_rng rng = mas_rng_seed(1, (uint64_t)i);
        for (int64_t j = 0; status == MAS_OK && tensors[i].input && j < count; j++)
            mas_dtype_store(p->dtype, a->data[i], (ptrdiff_t)j, mas_rng_normal(&rng));
    }
    void *lse = NULL;
    if (status == MAS_OK)
        status = mas_alloc(d, (size_t)(p->q_heads * p->q_len) * sizeof(float),
                           MAS_MEMORY_ACTIVATIONS, &lse, err);
    a->args.lse = lse;
    for (int op = 0; status == MAS_OK && op < 2; op++)
        if (a->plan[op]->workspace_bytes > 0)
            status = mas_alloc(d, a->plan[op]->workspace_bytes, MAS_MEMORY_WORKSPACE,
                               &a->workspace[op], err);
    return status;
}

static void point_args(attention *a)
{
    const mas_attn_problem *p = &a->plan[MAS_ATTN_FORWARD]->problem;
    mas_view *views[TENSORS] = {
        [Q] = &a->args.q, [K] = &a->args.k,     [V] = &a->args.v,     [D_O] = &a->args.d_o,
        [O] = &a->args.o, [D_Q] = &a->args.d_q, [D_K] = &a->args.d_k, [D_V] = &a->args.d_v,
    };
    for (int i = 0; i < TENSORS; i++)
        *views[i] = mas_view_dense(a->data[i], p->q_len, heads_of(p, i), p->d_qk);
}

mas_status peer_attention_open(mas_device *device, json_t *request, json_t *answer,
                               peer_subject **out, mas_error *err)
{
    const char *dtype, *variant;
    json_int_t length, heads, kv_heads;
    int head_dim;
    json_t *options;
    json_error_t where;
    if (json_unpack_ex(request, &where, 0, "{s:s,s:I,s:I,s:I,s:i,s:s,s:o}", "dtype", &dtype,
                       "length", &length, "heads", &heads, "kv_heads", &kv_heads, "head_dim",
                       &head_dim, "variant", &variant, "options", &options) != 0)
        return mas_fail(err, MAS_E_ARGUMENT, "attention: %s", where.text);
    attention *a = calloc(1, sizeof *a);
    if (!a)
        return mas_fail(err, MAS_E_MEMORY, "no memory for an attention problem");
    a->subject = (peer_subject){run_attention, dump_attention, close_attention};
    a->device = device;
    mas_attn_problem p = {.batch = 1,
                          .q_heads = heads,
                          .kv_heads = kv_heads,
                          .q_len = length,
                          .kv_len = length,
                          .d_qk = head_dim,
                          .d_v = head_dim,
                          .alignment = MAS_ALIGN_BOTTOM_RIGHT,
                          .scale = mas_attn_default_scale(head_dim),
                          .mask = &a->mask};
    mas_status status = read_spec(variant, options, &a->spec, err);
    a->mask = mas_attn_spec_mask(&a->spec);
    if (status == MAS_OK)
        status = peer_dtype(dtype, &p.dtype, err);
    for (int op = 0; status == MAS_OK && op < 2; op++)
        status = mas_attn_plan_create(device->attention, &p, (mas_attn_op)op, device->threads,
                                      &a->plan[op], err);
    if (status == MAS_OK)
        status = allocate(a, err);
    if (status != MAS_OK) {
        close_attention(&a->subject);
        return status;
    }
    point_args(a);
    json_object_set_new(answer, "forward", json_string(a->plan[MAS_ATTN_FORWARD]->kernel->name));
    json_object_set_new(answer, "backward", json_string(a->plan[MAS_ATTN_BACKWARD]->kernel->name));
    *out = &a->subject;
    return MAS_OK;
}
