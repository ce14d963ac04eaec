/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/quantities.h"

int32_t mas_point_context(const mas_point *point)
{
    return point->evaluation.context ? point->evaluation.context : point->training.seq_len;
}

int32_t mas_point_longest(const mas_point *point)
{
    const int32_t context = mas_point_context(point);
    return context > point->training.seq_len ? context : point->training.seq_len;
}

int64_t mas_point_batch_tokens(const mas_point *point)
{
    const int32_t parts = point->training.accumulate > 0 ? point->training.accumulate : 1;
    const int64_t training = point->training.batch_tokens / parts;
    const int32_t context = mas_point_context(point);
    const int64_t windows = point->evaluation.batch > 0 ? point->evaluation.batch : 1;
    return training > windows * context ? training : windows * context;
}

mas_attn_problem mas_point_problem(const mas_model_config *model, const mas_mask *mask,
                                   int64_t length)
{
    return (mas_attn_problem){
        .batch = 1,
        .q_heads = model->heads,
        .kv_heads = model->kv_heads,
        .q_len = length,
        .kv_len = length,
        .d_qk = model->head_dim,
        .d_v = model->head_dim,
        .dtype = model->dtype,
        .alignment = MAS_ALIGN_BOTTOM_RIGHT,
        .scale = model->attention_scale > 0 ? model->attention_scale
                                            : mas_attn_default_scale(model->head_dim),
        .softcap = model->softcap,
        .sinks = model->sink_logits,
        .mask = mask,
    };
}

int32_t mas_point_vocab(const mas_point *point)
{
    return point->model.vocab > 0 ? point->model.vocab : mas_corpus_config_vocab(&point->corpus);
}

const mas_attn_kernel *mas_point_kernel(const mas_device_kind *device,
                                        const mas_model_config *model, const mas_attn_spec *spec,
                                        int64_t length, mas_attn_op op, char *refusals,
                                        size_t refusals_size)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    const mas_attn_problem problem = mas_point_problem(model, &mask, length);
    if (refusals_size)
        refusals[0] = '\0';
    if (mas_attn_problem_check(&problem, NULL) != MAS_OK)
        return NULL;
    return mas_attn_select(device->attention, &problem, op, refusals, refusals_size);
}
