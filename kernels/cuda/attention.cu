/* SPDX-License-Identifier: Apache-2.0 */
/* What attention kernels share on the host: which problems tensor cores take, a call by value, its end. */
#include "kernels/cuda/cuda.h"

mas_status mas_cuda_tensor_core_supports(const mas_attn_problem *p, int32_t most, mas_error *why)
{
    if (p->dtype == MAS_DTYPE_F32)
        return mas_fail(why, MAS_E_DTYPE, "takes bf16 and f16, not f32");
    const int32_t size = p->d_qk > p->d_v ? p->d_qk : p->d_v;
    if (size > most)
        return mas_fail(why, MAS_E_SHAPE, "head size %d; at most %d", size, most);
    if (!(p->scale > 0))
        return mas_fail(why, MAS_E_UNSUPPORTED, "needs a scale above 0, not %g", (double)p->scale);
    if (p->q_heads > 65535 || p->batch > 65535)
        return mas_fail(why, MAS_E_SHAPE, "at most 65535 heads and batches");
    return MAS_OK;
}

mas_cuda_attention mas_cuda_attention_of(const mas_attn_plan *plan, const mas_attn_args *args)
{
    const mas_attn_problem *p = &plan->problem;
    mas_cuda_attention a = {};
    a.s = *(const mas_cuda_schedule *)plan->prepared;
    a.q = args->q, a.k = args->k, a.v = args->v, a.o = args->o;
    a.d_o = args->d_o, a.d_q = args->d_q, a.d_k = args->d_k, a.d_v = args->d_v;
    a.lse = args->lse;
    a.sinks = args->sinks;
    a.d_sinks = args->d_sinks;
    a.q_heads = (int32_t)p->q_heads;
    a.group = (int32_t)(p->q_heads / p->kv_heads);
    a.q_len = (int32_t)p->q_len;
    a.kv_len = (int32_t)p->kv_len;
    a.d_qk = p->d_qk;
    a.d_v_size = p->d_v;
    a.scale = p->scale;
    a.softcap = p->softcap;
    a.cap_scale = p->softcap > 0 ? p->scale / p->softcap : 0.0f;
    a.batches = (int32_t)p->batch;
    a.tally = mas_cuda_tallies();
    a.queue = mas_cuda_queue();
    return a;
}

mas_status mas_cuda_finish(const mas_attn_plan *plan, cudaError_t code, mas_attn_counts *counts,
                           mas_error *err)
{
    const mas_status status = mas_cuda_check(code, plan->kernel->name, err);
    if (status != MAS_OK) {
        mas_cuda_forget();
        return status;
    }
    const int64_t tiles = plan->schedule->tiles * plan->problem.batch * plan->problem.q_heads;
    return mas_cuda_expect(tiles, plan->kernel->two_passes ? tiles : 0, counts, err);
}
