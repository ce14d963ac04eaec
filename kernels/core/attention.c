/* SPDX-License-Identifier: Apache-2.0 */
/* Problem checks, kernel selection and plans: everything about attention that is not arithmetic. */
#include "masbench/attention.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *mas_attn_op_name(mas_attn_op op)
{
    static const char *const names[MAS_ATTN_OP_COUNT] = {"attn_forward", "attn_backward",
                                                         "attn_decode"};
    return (unsigned)op < MAS_ATTN_OP_COUNT ? names[op] : "unknown";
}

float mas_attn_default_scale(int32_t d_qk)
{
    return (float)(1.0 / sqrt((double)d_qk));
}

double mas_attn_flops(mas_attn_op op, int64_t pairs, int32_t d_qk, int32_t d_v)
{
    const double per_pair = op == MAS_ATTN_BACKWARD ? 3.0 * d_qk + 2.0 * d_v : (double)d_qk + d_v;
    return 2.0 * (double)pairs * per_pair;
}

mas_view mas_view_dense(void *data, int64_t rows, int64_t heads, int64_t dim)
{
    return (mas_view){data, (ptrdiff_t)(rows * heads * dim), (ptrdiff_t)(heads * dim),
                      (ptrdiff_t)dim};
}

/* a * b without passing the largest object size; sticky at PTRDIFF_MAX */
static int64_t product(int64_t a, int64_t b)
{
    return b != 0 && a > PTRDIFF_MAX / b ? PTRDIFF_MAX : a * b;
}

mas_status mas_attn_problem_check(const mas_attn_problem *p, mas_error *err)
{
    const struct {
        const char *name;
        int64_t value;
    } sizes[] = {{"batch", p->batch},
                 {"q_heads", p->q_heads},
                 {"kv_heads", p->kv_heads},
                 {"q_len", p->q_len},
                 {"kv_len", p->kv_len}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < 1)
            return mas_fail(err, MAS_E_SHAPE, "%s is %lld; it must be at least 1", sizes[i].name,
                            (long long)sizes[i].value);
    if (p->d_qk < 1 || p->d_qk > MAS_HEAD_DIM_MAX || p->d_v < 1 || p->d_v > MAS_HEAD_DIM_MAX)
        return mas_fail(err, MAS_E_SHAPE,
                        "head sizes are %d (q, k) and %d (v); each must be 1 to %d", p->d_qk,
                        p->d_v, MAS_HEAD_DIM_MAX);
    if (p->q_heads % p->kv_heads != 0)
        return mas_fail(err, MAS_E_SHAPE,
                        "%lld query heads cannot be shared evenly by %lld key/value heads; "
                        "the number of query heads must be a multiple",
                        (long long)p->q_heads, (long long)p->kv_heads);
    if ((unsigned)p->dtype >= MAS_DTYPE_COUNT || (unsigned)p->alignment >= MAS_ALIGNMENT_COUNT ||
        !p->mask)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "the problem needs a known dtype, a known alignment and a mask");
    if (!isfinite(p->scale) || !isfinite(p->softcap) || p->softcap < 0)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "scale %g and softcap %g must be finite, softcap not negative",
                        (double)p->scale, (double)p->softcap);
    const int64_t longest = p->q_len > p->kv_len ? p->q_len : p->kv_len;
    const int64_t elements =
        product(product(product(p->batch, longest), p->q_heads), MAS_HEAD_DIM_MAX);
    if (elements > PTRDIFF_MAX / (int64_t)sizeof(double))
        return mas_fail(err, MAS_E_SHAPE,
                        "batch %lld x length %lld x heads %lld does not fit the address space",
                        (long long)p->batch, (long long)longest, (long long)p->q_heads);
    return MAS_OK;
}

mas_status mas_attn_kernel_usable(const mas_attn_kernel *kernel, const mas_attn_problem *p,
                                  mas_error *why)
{
    const char *const needed = mas_isa_name(kernel->isa);
    if (kernel->isa > mas_cpu_offered())
        return mas_fail(why, MAS_E_UNSUPPORTED, "needs %s, the processor offers %s", needed,
                        mas_isa_name(mas_cpu_offered()));
    if (kernel->isa > mas_cpu_isa())
        return mas_fail(
            why, MAS_E_UNSUPPORTED,
            "needs %s; in use is %s, the fastest here unless --cpu or MASBENCH_CPU says "
            "otherwise (--cpu %s takes it)",
            needed, mas_isa_name(mas_cpu_isa()), needed);
    return kernel->supports(p, why);
}

const mas_attn_kernel *mas_attn_select(mas_attn_table table, const mas_attn_problem *p,
                                       mas_attn_op op, char *refusals, size_t refusals_size)
{
    size_t used = 0;
    if (refusals_size)
        refusals[0] = '\0';
    for (; *table; table++) {
        if ((*table)->op != op)
            continue;
        mas_error why = {MAS_OK, ""};
        if (mas_attn_kernel_usable(*table, p, &why) == MAS_OK)
            return *table;
        if (used < refusals_size) {
            const int n = snprintf(refusals + used, refusals_size - used, "%s%s: %s",
                                   used ? "\n" : "", (*table)->name, why.text);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    return NULL;
}

const mas_attn_kernel *mas_attn_find(mas_attn_table table, const char *name)
{
    for (; *table; table++)
        if (strcmp((*table)->name, name) == 0)
            return *table;
    return NULL;
}

int mas_attn_threads(const mas_attn_problem *p, mas_attn_op op, int threads)
{
    /* Multiply-adds that keep a thread busy for some 30 microseconds, about what waking one may take. Two threads against
     * one on a virtual machine (4 heads of 64, f32): decoding 64 keys (2^15 of them) took 19 times as long, 256 keys
     * 2.3 times, 1,024 keys 0.45; forward at length 64 (2^20) 0.97, at 128 0.69; backward at 64 1.2, at 128 0.85. */
    static const double worth[MAS_ATTN_OP_COUNT] = {
        [MAS_ATTN_FORWARD] = 1 << 20, [MAS_ATTN_BACKWARD] = 1 << 19, [MAS_ATTN_DECODE] = 1 << 18};
    const int64_t pairs = mas_mask_pairs(p->mask, p->q_len, p->kv_len, p->alignment, NULL);
    const double known = pairs < 0 ? 0 : (double)pairs; /* without memory it is not known */
    const double all = known * (double)(p->batch * p->q_heads) * (double)(p->d_qk + p->d_v);
    const double useful = 1 + all / worth[op];
    const int most = threads < 1 ? 1 : threads;
    return useful < most ? (int)useful : most;
}

mas_status mas_attn_plan_create_for(const mas_attn_kernel *kernel, const mas_attn_problem *p,
                                    int threads, mas_attn_plan **out, mas_error *err)
{
    mas_status status = mas_attn_problem_check(p, err);
    if (status == MAS_OK)
        status = mas_attn_kernel_usable(kernel, p, err);
    if (status != MAS_OK)
        return status;
    mas_attn_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return mas_fail(err, MAS_E_MEMORY, "no memory for an attention plan");
    *plan = (mas_attn_plan){.problem = *p, .kernel = kernel, .threads = threads < 1 ? 1 : threads};
    int32_t q_tile, k_tile;
    kernel->tile(p, &q_tile, &k_tile);
    status = mas_schedule_build(p->mask, p->q_len, p->kv_len, p->alignment, q_tile, k_tile,
                                &plan->schedule, err);
    if (status != MAS_OK) {
        mas_attn_plan_free(plan);
        return status;
    }
    if (kernel->workspace_bytes)
        plan->workspace_bytes = kernel->workspace_bytes(p, plan->schedule, plan->threads);
    if (kernel->prepare && (status = kernel->prepare(plan, &plan->prepared, err)) != MAS_OK) {
        mas_attn_plan_free(plan);
        return status;
    }
    *out = plan;
    return MAS_OK;
}

mas_status mas_attn_plan_create(mas_attn_table table, const mas_attn_problem *p, mas_attn_op op,
                                int threads, mas_attn_plan **out, mas_error *err)
{
    const mas_status status = mas_attn_problem_check(p, err);
    if (status != MAS_OK)
        return status;
    char refusals[512];
    const mas_attn_kernel *kernel = mas_attn_select(table, p, op, refusals, sizeof refusals);
    if (!kernel)
        return mas_fail(err, MAS_E_UNSUPPORTED, "no %s kernel serves this problem: %s",
                        mas_attn_op_name(op), refusals);
    return mas_attn_plan_create_for(kernel, p, mas_attn_threads(p, op, threads), out, err);
}

mas_status mas_attn_plan_run(const mas_attn_plan *plan, const mas_attn_args *args,
                             mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    mas_attn_counts seen = {0, 0};
    const mas_status status = plan->kernel->run(plan, args, &seen, err);
    if (counts)
        *counts = seen;
    if (status != MAS_OK || plan->kernel->opaque)
        return status;
    const int64_t expected = plan->schedule->tiles * p->batch * p->q_heads;
    const int64_t expected_q = plan->kernel->two_passes ? expected : 0;
    if (seen.visited_tiles != expected || seen.visited_tiles_q != expected_q)
        return mas_fail(err, MAS_E_SCHEDULE,
                        "%s visited %lld (and %lld) tiles where its schedule lists %lld (and %lld)",
                        plan->kernel->name, (long long)seen.visited_tiles,
                        (long long)seen.visited_tiles_q, (long long)expected,
                        (long long)expected_q);
    return MAS_OK;
}

void mas_attn_plan_free(mas_attn_plan *plan)
{
    if (!plan)
        return;
    if (plan->prepared)
        plan->kernel->discard(plan->prepared);
    mas_schedule_free(plan->schedule);
    free(plan);
}
