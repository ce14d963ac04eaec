/* SPDX-License-Identifier: Apache-2.0 */
/* Attention forward by its definition: for every row the scores of the keys that the mask shows,
 * their log-sum-exp, and the weighted sum of the values. Heads are shared out among threads; a head
 * is always computed by one. */
#include "kernels/reference/reference.h"

#include "kernels/reference/rows.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

/* Where results go: rounded into args, or as they are into dense f64 arrays. */
typedef struct target {
    const mas_attn_args *args;
    double *o, *lse;
} target;

static void output_row(const mas_attn_problem *p, const mas_attn_args *args, int64_t b, int64_t h,
                       double lse, const mas_ref_scratch *scratch, const uint8_t *seen)
{
    const int64_t g = h / (p->q_heads / p->kv_heads);
    for (int32_t c = 0; c < p->d_v; c++)
        scratch->o[c] = 0;
    for (int64_t j = 0; j < p->kv_len; j++) {
        if (!seen[j])
            continue;
        const double weight = exp(scratch->s[j] - lse);
        mas_ref_load(p->dtype, &args->v, b, j, g, p->d_v, scratch->v);
        for (int32_t c = 0; c < p->d_v; c++)
            scratch->o[c] += weight * scratch->v[c];
    }
}

static void store_row(const mas_attn_problem *p, const target *to, int64_t b, int64_t h, int64_t i,
                      double lse, const double *o)
{
    const int64_t lse_at = (b * p->q_heads + h) * p->q_len + i;
    if (to->o) {
        for (int32_t c = 0; c < p->d_v; c++)
            to->o[((b * p->q_len + i) * p->q_heads + h) * p->d_v + c] = o[c];
        to->lse[lse_at] = lse;
        return;
    }
    mas_ref_store(p->dtype, &to->args->o, b, i, h, p->d_v, o);
    if (to->args->lse)
        to->args->lse[lse_at] = (float)lse;
}

/* One head; tile visits, or -1 when the schedule lists other pairs. Without a schedule every row is
 * a tile. */
static int64_t forward_head(const mas_attn_problem *p, const mas_schedule *s,
                            const mas_attn_args *args, const target *to, int64_t b, int64_t h,
                            const mas_ref_scratch *scratch)
{
    int64_t visits = 0;
    bool listed = true;
    for (int64_t i = 0; i < p->q_len; i++) {
        const int64_t r = s ? i % s->q_tile : 0;
        uint8_t *seen = scratch->seen + r * p->kv_len;
        const double lse = mas_ref_row(p, args, b, h, i, scratch, seen);
        output_row(p, args, b, h, lse, scratch, seen);
        store_row(p, to, b, h, i, lse, scratch->o);
        if (s && (r == s->q_tile - 1 || i == p->q_len - 1)) {
            const int64_t n = mas_ref_visits(s, (int32_t)(i / s->q_tile), scratch->seen);
            listed = listed && n >= 0;
            visits += n;
        }
    }
    return listed ? visits : -1;
}

static int64_t forward(const mas_attn_problem *p, const mas_schedule *s, int threads,
                       const mas_attn_args *args, const target *to, void *workspace)
{
    const size_t bytes = mas_ref_scratch_bytes(p, s ? s->q_tile : 1);
    int64_t visits = 0;
    bool listed = true;
#pragma omp parallel for num_threads(threads) reduction(+ : visits) reduction(&& : listed)
    for (int64_t n = 0; n < p->batch * p->q_heads; n++) {
        void *block = (char *)workspace + (size_t)omp_get_thread_num() * bytes;
        const mas_ref_scratch scratch = mas_ref_scratch_cut(p, block);
        const int64_t v = forward_head(p, s, args, to, n / p->q_heads, n % p->q_heads, &scratch);
        listed = listed && v >= 0;
        visits += v;
    }
    return listed ? visits : -1;
}

static size_t workspace_bytes(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    return (size_t)threads * mas_ref_scratch_bytes(p, s->q_tile);
}

static mas_status run(const mas_attn_plan *plan, const mas_attn_args *args, mas_attn_counts *counts,
                      mas_error *err)
{
    const int64_t visits = forward(&plan->problem, plan->schedule, plan->threads, args,
                                   &(target){.args = args}, args->workspace);
    if (visits < 0)
        return mas_ref_schedule_error(plan->kernel->name, err);
    *counts = (mas_attn_counts){.visited_tiles = visits};
    return MAS_OK;
}

const mas_attn_kernel mas_attn_forward_reference = {
    .name = "attn_forward/naive/reference",
    .op = MAS_ATTN_FORWARD,
    .isa = MAS_ISA_SCALAR,
    .supports = mas_ref_supports,
    .tile = mas_ref_tile,
    .workspace_bytes = workspace_bytes,
    .run = run,
};

const mas_attn_kernel mas_attn_decode_reference = {
    .name = "attn_decode/naive/reference",
    .op = MAS_ATTN_DECODE,
    .isa = MAS_ISA_SCALAR,
    .supports = mas_ref_supports,
    .tile = mas_ref_tile,
    .workspace_bytes = workspace_bytes,
    .run = run,
};

mas_status mas_attn_oracle_forward(const mas_attn_problem *p, int threads,
                                   const mas_attn_args *args, double *o, double *lse,
                                   mas_error *err)
{
    const mas_status status = mas_attn_problem_check(p, err);
    if (status != MAS_OK)
        return status;
    threads = threads < 1 ? 1 : threads;
    void *block = malloc((size_t)threads * mas_ref_scratch_bytes(p, 1));
    if (!block)
        return mas_fail(err, MAS_E_MEMORY, "no memory for the reference attention of %lld keys",
                        (long long)p->kv_len);
    forward(p, NULL, threads, args, &(target){.o = o, .lse = lse}, block);
    free(block);
    return MAS_OK;
}

void mas_attn_merge(const mas_attn_problem *p, const mas_attn_part *parts, size_t count,
                    const float *sinks, mas_view o, float *lse)
{
    for (int64_t b = 0; b < p->batch; b++)
        for (int64_t h = 0; h < p->q_heads; h++)
            for (int64_t i = 0; i < p->q_len; i++) {
                const int64_t at = (b * p->q_heads + h) * p->q_len + i;
                const double sink = p->sinks ? (double)sinks[h] : -HUGE_VAL;
                double most = sink, sum = 0;
                for (size_t n = 0; n < count; n++)
                    most = fmax(most, (double)parts[n].lse[at]);
                if (most > -HUGE_VAL) {
                    sum = exp(sink - most);
                    for (size_t n = 0; n < count; n++)
                        sum += exp((double)parts[n].lse[at] - most);
                }
                for (int32_t c = 0; c < p->d_v; c++) {
                    double value = 0;
                    for (size_t n = 0; n < count; n++) {
                        const double part = (double)parts[n].lse[at];
                        if (part == -HUGE_VAL)
                            continue;
                        const ptrdiff_t from = mas_ref_offset(&parts[n].o, b, i, h) + c;
                        value += exp(part - most) / sum *
                                 mas_dtype_load(p->dtype, parts[n].o.data, from);
                    }
                    mas_dtype_store(p->dtype, o.data, mas_ref_offset(&o, b, i, h) + c, value);
                }
                if (lse)
                    lse[at] = (float)(most + (sum > 0 ? log(sum) : 0));
            }
}
