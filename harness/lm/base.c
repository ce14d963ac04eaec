/* SPDX-License-Identifier: Apache-2.0 */
/* The base of a conversion: defaults, rules, and the training that makes it.
 *
 * Going from a short length to a long one is sound only with positions that exist there. Rotary ones
 * turn by an angle that any distance has, and training at the long length goes on from there; no
 * positions at all have nothing to extend. Rows of a learned table beyond the base's length would be
 * random numbers, so they are refused. */
#include "harness/lm/train.h"

mas_base_config mas_base_config_default(void)
{
    const mas_train_config t = mas_train_config_default();
    return (mas_base_config){
        .seq_len = 128,
        .grow_until = t.grow_until,
        .batch_tokens = t.batch_tokens,
        .learning_rate = t.learning_rate,
        .schedule = t.schedule,
        .warmup = t.warmup,
        .min_learning_rate = t.min_learning_rate,
        .seed = 1,
    };
}

mas_train_config mas_train_config_of_base(const mas_train_config *config)
{
    const mas_base_config *from = &config->from;
    mas_train_config base = *config;
    base.tokens = from->tokens;
    base.seq_len = from->seq_len;
    base.start_len = from->start_len;
    base.grow_until = from->grow_until;
    base.batch_tokens = from->batch_tokens;
    base.learning_rate = from->learning_rate;
    base.schedule = from->schedule;
    base.warmup = from->warmup;
    base.min_learning_rate = from->min_learning_rate;
    base.evaluations = 0;
    base.checkpoint = false;
    base.from = (mas_base_config){.tokens = 0};
    return base;
}

mas_status mas_base_config_check(const mas_train_config *config, const mas_model_config *model,
                                 int32_t longest, mas_error *err)
{
    if (!mas_train_converts(config))
        return MAS_OK;
    const mas_train_config base = mas_train_config_of_base(config);
    mas_error inner;
    const mas_status status = mas_train_config_check(&base, &inner);
    if (status != MAS_OK)
        return mas_fail(err, status, "from cannot be trained: %s", inner.text);
    if (base.seq_len > config->seq_len)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "from.seq_len is %d; expected at most the %d of training.seq_len, the "
                        "length that the base is converted to",
                        base.seq_len, config->seq_len);
    if (model->positions == MAS_POSITIONS_LEARNED && longest > base.seq_len)
        return mas_fail(
            err, MAS_E_ARGUMENT,
            "from.seq_len %d trains only the first %d of %d learned positions; expected "
            "model.positions: rope or none, or the same length everywhere",
            base.seq_len, base.seq_len, longest);
    return MAS_OK;
}
