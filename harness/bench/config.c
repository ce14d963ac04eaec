/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/bench/bench.h"

mas_bench_config mas_bench_config_default(void)
{
    return (mas_bench_config){.op = MAS_ATTN_FORWARD,
                              .dtype = MAS_DTYPE_F32,
                              .batch = 1,
                              .q_heads = 8,
                              .head_dim = 64,
                              .length = 1024,
                              .layers = 1};
}

mas_status mas_bench_config_resolve(mas_bench_config *c, mas_error *err)
{
    if (c->kv_heads == 0)
        c->kv_heads = c->q_heads;
    if (c->q_heads % c->kv_heads != 0)
        return mas_fail(err, MAS_E_SHAPE,
                        "kv_heads %d does not divide q_heads %d; expected a divisor, or 0 for as "
                        "many",
                        c->kv_heads, c->q_heads);
    return MAS_OK;
}

const char *mas_bench_op_name(mas_attn_op op)
{
    static const char *const names[MAS_ATTN_OP_COUNT] = {[MAS_ATTN_FORWARD] = "forward",
                                                         [MAS_ATTN_BACKWARD] = "backward",
                                                         [MAS_ATTN_DECODE] = "decode"};
    return names[op];
}

mas_attn_problem mas_bench_problem(const mas_bench_config *c, const mas_mask *mask)
{
    return (mas_attn_problem){.batch = c->batch,
                              .q_heads = c->q_heads,
                              .kv_heads = c->kv_heads,
                              .q_len = c->op == MAS_ATTN_DECODE ? 1 : c->length,
                              .kv_len = c->length,
                              .d_qk = c->head_dim,
                              .d_v = c->head_dim,
                              .dtype = c->dtype,
                              .alignment = MAS_ALIGN_BOTTOM_RIGHT,
                              .scale = mas_attn_default_scale(c->head_dim),
                              .mask = mask};
}
