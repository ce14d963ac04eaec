/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers around a kernel under test. Every tensor lies in a block with guards on both sides; every
 * byte of a block is either an output's or must be the same after the run. Guards, gaps and outputs
 * start as NaN, so that whatever a kernel reads there and uses shows up in its results. */
#include "harness/check/internal.h"

#include <stdlib.h>
#include <string.h>

#define GUARD 256 /* bytes, a multiple of 64 */
#define NAN_BYTE 0xff

static const struct {
    const char *name;
    bool forward, backward; /* present in */
    bool forward_out, backward_out;
    bool narrow; /* of the problem's dtype, otherwise f32 */
} kinds[MAS_CHECK_TENSORS] = {
    [MAS_CHECK_Q] = {"q", true, true, false, false, true},
    [MAS_CHECK_K] = {"k", true, true, false, false, true},
    [MAS_CHECK_V] = {"v", true, true, false, false, true},
    [MAS_CHECK_O] = {"o", true, true, true, false, true},
    [MAS_CHECK_LSE] = {"lse", true, true, true, false, false},
    [MAS_CHECK_SINKS] = {"sinks", true, true, false, false, false},
    [MAS_CHECK_D_O] = {"d_o", false, true, false, false, true},
    [MAS_CHECK_D_Q] = {"d_q", false, true, false, true, true},
    [MAS_CHECK_D_K] = {"d_k", false, true, false, true, true},
    [MAS_CHECK_D_V] = {"d_v", false, true, false, true, true},
    [MAS_CHECK_D_SINKS] = {"d_sinks", false, true, false, true, false},
};

static void describe(mas_check_tensor *t, int kind, const mas_attn_problem *p, mas_attn_op op)
{
    const bool backward = op == MAS_ATTN_BACKWARD;
    const bool sinks = kind == MAS_CHECK_SINKS || kind == MAS_CHECK_D_SINKS;
    const bool keys = kind == MAS_CHECK_K || kind == MAS_CHECK_V || kind == MAS_CHECK_D_K ||
                      kind == MAS_CHECK_D_V;
    const bool qk = kind == MAS_CHECK_Q || kind == MAS_CHECK_K || kind == MAS_CHECK_D_Q ||
                    kind == MAS_CHECK_D_K;
    t->name = kinds[kind].name;
    t->present = (backward ? kinds[kind].backward : kinds[kind].forward) && (!sinks || p->sinks);
    t->output = backward ? kinds[kind].backward_out : kinds[kind].forward_out;
    t->dtype = kinds[kind].narrow ? p->dtype : MAS_DTYPE_F32;
    t->batch = p->batch;
    t->rows = keys ? p->kv_len : p->q_len;
    t->heads = keys ? p->kv_heads : p->q_heads;
    t->dim = qk ? p->d_qk : p->d_v;
    if (sinks) {
        t->batch = t->rows = t->dim = 1;
    } else if (kind == MAS_CHECK_LSE) {
        t->rows = p->q_heads * p->q_len;
        t->heads = t->dim = 1;
    }
    t->count = t->batch * t->rows * t->heads * t->dim;
}

static ptrdiff_t element(const mas_check_tensor *t, int64_t b, int64_t row, int64_t h)
{
    return (ptrdiff_t)b * t->view.batch + (ptrdiff_t)row * t->view.row +
           (ptrdiff_t)h * t->view.head;
}

/* A block of `elements` behind `offset` elements; NULL without memory. */
static void *add_block(mas_check_rig *rig, const char *name, size_t elements, size_t offset,
                       mas_dtype dtype)
{
    mas_check_block *block = &rig->blocks[rig->block_count++];
    const size_t data = (elements + offset) * mas_dtype_bytes(dtype);
    block->name = name;
    block->size = (2 * GUARD + data + 63) / 64 * 64;
    block->bytes = aligned_alloc(64, block->size);
    block->saved = malloc(block->size);
    block->writable = calloc(block->size, 1);
    if (!block->bytes || !block->saved || !block->writable)
        return NULL;
    memset(block->bytes, NAN_BYTE, block->size);
    return block->bytes + GUARD + offset * mas_dtype_bytes(dtype);
}

/* Strides of a tensor that has a block to itself, and the number of elements it spans. */
static size_t place(mas_check_tensor *t, mas_check_layout layout)
{
    mas_view *v = &t->view;
    if (layout == MAS_CHECK_HEAD_MAJOR) {
        v->row = t->dim;
        v->head = (ptrdiff_t)t->rows * t->dim;
        v->batch = (ptrdiff_t)t->heads * v->head;
    } else {
        const ptrdiff_t gap = layout == MAS_CHECK_PADDED;
        v->head = t->dim + gap;
        v->row = (ptrdiff_t)t->heads * v->head + 3 * gap;
        v->batch = (ptrdiff_t)t->rows * v->row + 5 * gap;
    }
    return (size_t)(element(t, t->batch - 1, t->rows - 1, t->heads - 1) + t->dim);
}

static bool place_alone(mas_check_rig *rig, int kind, mas_check_layout layout)
{
    mas_check_tensor *t = &rig->tensors[kind];
    const bool free_strides = kinds[kind].narrow;
    const size_t elements = place(t, free_strides ? layout : MAS_CHECK_DENSE);
    t->view.data = add_block(rig, t->name, elements, layout == MAS_CHECK_DENSE ? 0 : 1, t->dtype);
    return t->view.data != NULL;
}

/* Three tensors side by side in every row of one buffer. */
static bool place_fused(mas_check_rig *rig, int first, int second, int third)
{
    mas_check_tensor *three[] = {&rig->tensors[first], &rig->tensors[second], &rig->tensors[third]};
    ptrdiff_t width = 0;
    for (int i = 0; i < 3; i++)
        width += (ptrdiff_t)three[i]->heads * three[i]->dim;
    const mas_dtype dtype = three[0]->dtype;
    const size_t elements =
        (size_t)(width * (ptrdiff_t)three[0]->rows * (ptrdiff_t)three[0]->batch);
    char *data = add_block(rig, "the fused buffer", elements, 1, dtype);
    for (int i = 0; data && i < 3; i++) {
        three[i]->view = (mas_view){data, width * (ptrdiff_t)three[i]->rows, width, three[i]->dim};
        data += (size_t)(three[i]->heads * three[i]->dim) * mas_dtype_bytes(dtype);
    }
    return data != NULL;
}

/* Visit the bytes of every head of a tensor. */
static void mark_writable(mas_check_rig *rig, const mas_check_tensor *t)
{
    const size_t size = mas_dtype_bytes(t->dtype);
    for (size_t i = 0; i < rig->block_count; i++) {
        mas_check_block *block = &rig->blocks[i];
        const unsigned char *data = t->view.data;
        if (data < block->bytes || data >= block->bytes + block->size)
            continue;
        for (int64_t b = 0; b < t->batch; b++)
            for (int64_t row = 0; row < t->rows; row++)
                for (int64_t h = 0; h < t->heads; h++)
                    memset(block->writable + (data - block->bytes) +
                               element(t, b, row, h) * (ptrdiff_t)size,
                           0xff, (size_t)t->dim * size);
    }
}

static bool place_all(mas_check_rig *rig, mas_check_layout layout)
{
    const bool fused = layout == MAS_CHECK_FUSED && rig->problem.q_len == rig->problem.kv_len;
    const bool backward = rig->op == MAS_ATTN_BACKWARD;
    if (fused && !place_fused(rig, MAS_CHECK_Q, MAS_CHECK_K, MAS_CHECK_V))
        return false;
    if (fused && backward && !place_fused(rig, MAS_CHECK_D_Q, MAS_CHECK_D_K, MAS_CHECK_D_V))
        return false;
    for (int kind = 0; kind < MAS_CHECK_TENSORS; kind++) {
        mas_check_tensor *t = &rig->tensors[kind];
        if (!t->present)
            continue;
        if (!t->view.data && !place_alone(rig, kind, layout))
            return false;
        t->values = calloc((size_t)t->count, sizeof *t->values);
        if (!t->values)
            return false;
        if (t->output)
            mark_writable(rig, t);
    }
    return true;
}

mas_status mas_check_rig_open(const mas_attn_problem *p, mas_attn_op op, mas_check_layout layout,
                              mas_check_rig **out, mas_error *err)
{
    const mas_status status = mas_attn_problem_check(p, err);
    if (status != MAS_OK)
        return status;
    mas_check_rig *rig = calloc(1, sizeof *rig);
    if (!rig)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the buffers of a check");
    rig->problem = *p;
    rig->op = op;
    for (int kind = 0; kind < MAS_CHECK_TENSORS; kind++)
        describe(&rig->tensors[kind], kind, p, op);
    if (!place_all(rig, layout)) {
        mas_check_rig_close(rig);
        return mas_fail(err, MAS_E_MEMORY, "no memory for the buffers of a check");
    }
    const mas_check_tensor *t = rig->tensors;
    rig->args = (mas_attn_args){
        .q = t[MAS_CHECK_Q].view,
        .k = t[MAS_CHECK_K].view,
        .v = t[MAS_CHECK_V].view,
        .o = t[MAS_CHECK_O].view,
        .lse = t[MAS_CHECK_LSE].view.data,
        .sinks = t[MAS_CHECK_SINKS].view.data,
        .d_o = t[MAS_CHECK_D_O].view,
        .d_q = t[MAS_CHECK_D_Q].view,
        .d_k = t[MAS_CHECK_D_K].view,
        .d_v = t[MAS_CHECK_D_V].view,
        .d_sinks = t[MAS_CHECK_D_SINKS].view.data,
    };
    *out = rig;
    return MAS_OK;
}

void mas_check_rig_close(mas_check_rig *rig)
{
    if (!rig)
        return;
    for (size_t i = 0; i < rig->block_count; i++) {
        free(rig->blocks[i].bytes);
        free(rig->blocks[i].saved);
        free(rig->blocks[i].writable);
    }
    for (int kind = 0; kind < MAS_CHECK_TENSORS; kind++)
        free(rig->tensors[kind].values);
    free(rig);
}

static void copy_values(const mas_check_tensor *t, bool store)
{
    int64_t i = 0;
    for (int64_t b = 0; b < t->batch; b++)
        for (int64_t row = 0; row < t->rows; row++)
            for (int64_t h = 0; h < t->heads; h++)
                for (int32_t c = 0; c < t->dim; c++, i++) {
                    const ptrdiff_t at = element(t, b, row, h) + c;
                    if (store)
                        mas_dtype_store(t->dtype, t->view.data, at, t->values[i]);
                    t->values[i] = mas_dtype_load(t->dtype, t->view.data, at);
                }
}

void mas_check_rig_store(mas_check_rig *rig, int tensor)
{
    copy_values(&rig->tensors[tensor], true);
}

/* Blocks are walked by words: byte by byte, the passes over a workspace cost a third of a check under
 * sanitizers. Their sizes are multiples of 64. */
static uint64_t word_at(const unsigned char *bytes, size_t i)
{
    uint64_t word;
    memcpy(&word, bytes + i, sizeof word);
    return word;
}

/* The complaint about byte `at` of a block. */
static mas_status wrote(const mas_check_block *block, size_t at, const char *kernel, mas_error *err)
{
    const char *where = at < GUARD                  ? "before the start of"
                        : at >= block->size - GUARD ? "after the end of"
                                                    : "in";
    return mas_fail(err, MAS_E_ARGUMENT,
                    "%s wrote where it must not: %s %s, byte %td of its buffer", kernel, where,
                    block->name, (ptrdiff_t)at - GUARD);
}

/* The first byte that changed and should not have, named by the block it is in. */
static mas_status changed_byte(const mas_check_block *block, const char *kernel, mas_error *err)
{
    uint64_t changes = 0; /* nearly always all there is to do */
    for (size_t i = 0; i < block->size; i += sizeof changes)
        changes |=
            (word_at(block->bytes, i) ^ word_at(block->saved, i)) & ~word_at(block->writable, i);
    for (size_t i = 0; changes && i < block->size; i++)
        if (!block->writable[i] && block->bytes[i] != block->saved[i])
            return wrote(block, i, kernel, err);
    return MAS_OK;
}

static void prepare_block(mas_check_block *block, int fill)
{
    uint64_t filled;
    memset(&filled, fill, sizeof filled);
    for (size_t i = 0; i < block->size; i += sizeof filled) {
        const uint64_t writable = word_at(block->writable, i),
                       word = (word_at(block->bytes, i) & ~writable) | (filled & writable);
        memcpy(block->bytes + i, &word, sizeof word);
    }
    memcpy(block->saved, block->bytes, block->size);
}

/* ---- the workspace: a block of which all but the guards may change ---- */

static mas_status open_workspace(mas_check_block *block, size_t bytes, int fill, mas_error *err)
{
    block->name = "the workspace";
    if (bytes == 0)
        return MAS_OK;
    block->size = (2 * GUARD + bytes + 63) / 64 * 64;
    block->bytes = aligned_alloc(64, block->size);
    if (!block->bytes)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a workspace of %zu bytes", bytes);
    memset(block->bytes, fill, block->size);
    return MAS_OK;
}

static mas_status check_workspace(const mas_check_block *block, size_t bytes, int fill,
                                  const char *kernel, mas_error *err)
{
    for (size_t i = 0; i < block->size; i++) {
        if (i == GUARD)
            i += bytes;
        if (block->bytes[i] != (unsigned char)fill)
            return wrote(block, i, kernel, err);
    }
    return MAS_OK;
}

/* ---- kernels whose device has memory of its own ---- */

/* The device whose memory a kernel works in; opened once and kept. NULL: the host's. */
static mas_status device_of(const mas_attn_kernel *kernel, mas_device **out, mas_error *err)
{
    static mas_device *open[8]; /* by place in mas_device_kinds */
    *out = NULL;
    for (size_t i = 0; mas_device_kinds[i]; i++) {
        const mas_device_kind *kind = mas_device_kinds[i];
        if (kind == &mas_device_cpu || mas_attn_find(kind->attention, kernel->name) != kernel)
            continue;
        if (!open[i]) {
            const mas_status status = kind->open(1, 0, &open[i], err);
            if (status != MAS_OK)
                return status;
        }
        *out = open[i];
        return MAS_OK;
    }
    return MAS_OK; /* the CPU's, or one of a test's own */
}

/* A pointer into a block becomes the same place of the block's copy. */
static void *moved(const mas_check_rig *rig, const mas_check_block *scratch, const void *pointer)
{
    const unsigned char *p = pointer;
    for (size_t i = 0; p && i <= rig->block_count; i++) {
        const mas_check_block *block = i < rig->block_count ? &rig->blocks[i] : scratch;
        if (block->bytes && p >= block->bytes && p < block->bytes + block->size)
            return block->copy + (p - block->bytes);
    }
    return NULL;
}

static mas_attn_args moved_args(const mas_check_rig *rig, const mas_check_block *scratch,
                                const mas_attn_args *args)
{
    mas_attn_args a = *args;
    mas_view *const views[] = {&a.q, &a.k, &a.v, &a.o, &a.d_o, &a.d_q, &a.d_k, &a.d_v};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        views[i]->data = moved(rig, scratch, views[i]->data);
    a.lse = moved(rig, scratch, a.lse);
    a.sinks = moved(rig, scratch, a.sinks);
    a.d_sinks = moved(rig, scratch, a.d_sinks);
    a.workspace = moved(rig, scratch, a.workspace);
    return a;
}

static mas_status copy_up(mas_device *d, mas_check_block *block, mas_error *err)
{
    if (!block->bytes)
        return MAS_OK;
    const mas_status status =
        mas_alloc(d, block->size, MAS_MEMORY_WORKSPACE, (void **)&block->copy, err);
    if (status == MAS_OK)
        d->ops->upload(d, block->copy, block->bytes, block->size);
    return status;
}

static void copy_down(mas_device *d, mas_check_block *block)
{
    if (!block->copy)
        return;
    d->ops->download(d, block->bytes, block->copy, block->size);
    d->ops->release(d, block->copy);
    block->copy = NULL;
}

/* Run in the kernel's memory: the blocks go there, guards and all, and come back. */
static mas_status run_there(mas_check_rig *rig, const mas_attn_plan *plan, mas_check_block *scratch,
                            const mas_attn_args *args, mas_error *err)
{
    mas_device *d = NULL;
    mas_status status = device_of(plan->kernel, &d, err);
    if (status != MAS_OK || !d)
        return status != MAS_OK ? status : mas_attn_plan_run(plan, args, &rig->counts, err);
    for (size_t i = 0; status == MAS_OK && i < rig->block_count; i++)
        status = copy_up(d, &rig->blocks[i], err);
    if (status == MAS_OK)
        status = copy_up(d, scratch, err);
    if (status == MAS_OK) {
        const mas_attn_args there = moved_args(rig, scratch, args);
        status = mas_attn_plan_run(plan, &there, &rig->counts, err);
    }
    for (size_t i = 0; i < rig->block_count; i++)
        copy_down(d, &rig->blocks[i]);
    copy_down(d, scratch);
    return status;
}

mas_status mas_check_rig_run(mas_check_rig *rig, const mas_attn_kernel *kernel, int threads,
                             int fill, mas_error *err)
{
    mas_attn_plan *plan = NULL;
    mas_check_block scratch = {.bytes = NULL};
    mas_status status = mas_attn_plan_create_for(kernel, &rig->problem, threads, &plan, err);
    if (status != MAS_OK)
        return status;
    mas_attn_args args = rig->args;
    status = open_workspace(&scratch, plan->workspace_bytes, fill, err);
    if (status != MAS_OK)
        goto done;
    args.workspace = scratch.bytes ? scratch.bytes + GUARD : NULL;
    for (size_t i = 0; i < rig->block_count; i++)
        prepare_block(&rig->blocks[i], fill);
    status = run_there(rig, plan, &scratch, &args, err);
    for (size_t i = 0; status == MAS_OK && i < rig->block_count; i++)
        status = changed_byte(&rig->blocks[i], kernel->name, err);
    if (status == MAS_OK)
        status = check_workspace(&scratch, plan->workspace_bytes, fill, kernel->name, err);
    for (int kind = 0; status == MAS_OK && kind < MAS_CHECK_TENSORS; kind++)
        if (rig->tensors[kind].present && rig->tensors[kind].output)
            copy_values(&rig->tensors[kind], false);
done:
    free(scratch.bytes);
    mas_attn_plan_free(plan);
    return status;
}

mas_status mas_check_rig_keep(const mas_check_rig *rig, unsigned char **kept, mas_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < rig->block_count; i++)
        total += rig->blocks[i].size;
    unsigned char *to = *kept = malloc(total);
    if (!to)
        return mas_fail(err, MAS_E_MEMORY, "no memory to keep %zu bytes of results", total);
    for (size_t i = 0; i < rig->block_count; i++) {
        memcpy(to, rig->blocks[i].bytes, rig->blocks[i].size);
        to += rig->blocks[i].size;
    }
    return MAS_OK;
}

bool mas_check_rig_same(const mas_check_rig *rig, const unsigned char *kept)
{
    for (size_t i = 0; i < rig->block_count; i++) {
        const mas_check_block *block = &rig->blocks[i];
        uint64_t changes = 0;
        for (size_t n = 0; n < block->size; n += sizeof changes)
            changes |= (word_at(block->bytes, n) ^ word_at(kept, n)) & word_at(block->writable, n);
        if (changes)
            return false;
        kept += block->size;
    }
    return true;
}
