/* SPDX-License-Identifier: Apache-2.0 */
/* The `training:` section: defaults, rules, and what follows from it for each step. */
#include "harness/lm/train_internal.h"

#include <float.h>
#include <math.h>

mas_train_config mas_train_config_default(void)
{
    return (mas_train_config){
        .tokens = 2000000,
        .seq_len = 512,
        .grow_until = 0.5,
        .batch_tokens = 8192,
        .accumulate = 1,
        .learning_rate = 2e-3f,
        .schedule = MAS_LR_COSINE,
        .warmup = 0.05,
        .min_learning_rate = 0.1f,
        .beta1 = 0.9f,
        .beta2 = 0.95f,
        .epsilon = 1e-8f,
        .weight_decay = 0.1f,
        .clip = 1.0f,
        .evaluations = 8,
        .curve_tokens = 16384,
        .checkpoint_seconds = 60,
    };
}

static mas_status check_ranges(const mas_train_config *c, mas_error *err)
{
    const struct {
        const char *name;
        double value, min, max;
        const char *range;
    } numbers[] = {
        {"tokens", (double)c->tokens, 1, 1e12, "1 to 1e12"},
        {"seq_len", c->seq_len, 1, 1 << 24, "1 to 2^24"},
        {"start_len", c->start_len, 0, 1 << 24, "0 (off) to 2^24"},
        {"batch_tokens", c->batch_tokens, 1, 1 << 30, "1 to 2^30"},
        {"accumulate", c->accumulate, 1, 1 << 20, "1 to 2^20"},
        {"learning_rate", (double)c->learning_rate, 0, 1e3, "0 to 1000"},
        {"warmup", c->warmup, 0, 1, "0 to 1 (a share of the steps)"},
        {"grow_until", c->grow_until, 0, 1, "0 to 1 (a share of the budget)"},
        {"min_learning_rate", (double)c->min_learning_rate, 0, 1,
         "0 to 1 (a fraction of learning_rate)"},
        {"epsilon", (double)c->epsilon, 1e-30, 1, "above 0, at most 1"},
        {"weight_decay", (double)c->weight_decay, 0, 1e3, "0 to 1000"},
        {"clip", (double)c->clip, 0, 1e9, "0 (off) to 1e9"},
        {"evaluations", c->evaluations, 0, 1 << 20, "0 to 2^20"},
        {"curve_tokens", (double)c->curve_tokens, 1, 1e15, "1 to 1e15"},
        {"checkpoint_seconds", c->checkpoint_seconds, 0, 1e9, "0 (never) to 1e9"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!(numbers[i].value >= numbers[i].min &&
              numbers[i].value <= numbers[i].max)) /* NaN fails too */
            return mas_fail(err, MAS_E_ARGUMENT, "training.%s is %g; it must be %s",
                            numbers[i].name, numbers[i].value, numbers[i].range);
    if (!(c->beta1 >= 0 && c->beta1 < 1 && c->beta2 >= 0 && c->beta2 < 1))
        return mas_fail(err, MAS_E_ARGUMENT,
                        "training.beta1 %g and training.beta2 %g must be at least 0 and below 1",
                        (double)c->beta1, (double)c->beta2);
    if ((unsigned)c->schedule >= MAS_LR_SCHEDULE_COUNT)
        return mas_fail(err, MAS_E_ARGUMENT, "training.schedule is not a known word");
    if ((unsigned)c->recompute >= MAS_RECOMPUTE_COUNT)
        return mas_fail(err, MAS_E_ARGUMENT, "training.recompute is not a known word");
    return MAS_OK;
}

/* Lengths shorter than seq_len: log2(seq_len / start_len); -1 when doubling does not lead from one
 * to the other. */
static int32_t short_lengths(const mas_train_config *c)
{
    int32_t count = 0;
    if (c->start_len == 0)
        return 0;
    int64_t length = c->start_len;
    for (; length < c->seq_len; length *= 2)
        count++;
    return length == c->seq_len ? count : -1;
}

mas_status mas_train_config_check(const mas_train_config *config, mas_error *err)
{
    const mas_status status = check_ranges(config, err);
    if (status != MAS_OK)
        return status;
    const int32_t shorter = short_lengths(config);
    if (shorter < 0)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "training.start_len %d does not reach training.seq_len %d by doubling",
                        config->start_len, config->seq_len);
    if (shorter > 0 && (config->grow_until <= 0 || config->grow_until >= 1))
        return mas_fail(
            err, MAS_E_ARGUMENT,
            "training.grow_until is %g; with a training.start_len it must lie between 0 "
            "and 1, so that both the growing lengths and seq_len have a part of the budget",
            config->grow_until);
    if (config->batch_tokens % config->accumulate != 0)
        return mas_fail(
            err, MAS_E_SHAPE,
            "training.batch_tokens %d cannot be divided into training.accumulate %d equal "
            "parts",
            config->batch_tokens, config->accumulate);
    if (config->batch_tokens / config->accumulate % config->seq_len != 0)
        return mas_fail(
            err, MAS_E_SHAPE,
            "training.batch_tokens %d over training.accumulate %d gives %d tokens at a time, "
            "which is not a multiple of training.seq_len %d",
            config->batch_tokens, config->accumulate, config->batch_tokens / config->accumulate,
            config->seq_len);
    return MAS_OK;
}

int64_t mas_train_steps(const mas_train_config *config)
{
    return (config->tokens - 1) / config->batch_tokens + 1;
}

int32_t mas_train_length(const mas_train_config *config, int64_t step)
{
    const int32_t shorter = short_lengths(config);
    const double done = (double)step / (double)mas_train_steps(config);
    if (shorter == 0 || done >= config->grow_until)
        return config->seq_len;
    int32_t stage = (int32_t)(done / config->grow_until * shorter);
    if (stage >= shorter)
        stage = shorter - 1;
    return config->start_len << stage;
}

double mas_train_rate(const mas_train_config *config, int64_t step)
{
    const double peak = (double)config->learning_rate, least = (double)config->min_learning_rate;
    const int64_t steps = mas_train_steps(config);
    /* Up to the next whole step, but not because 0.07 * 100 is a bit more than 7. */
    const double share = config->warmup * (1 - 2 * DBL_EPSILON);
    const int64_t warmup = (int64_t)ceil(share * (double)steps);
    if (step <= warmup)
        return peak * (double)step / (double)warmup;
    const double part = (double)(step - warmup) / (double)(steps - warmup); /* 1 at the last step */
    if (config->schedule == MAS_LR_COSINE)
        return peak * (least + (1 - least) * 0.5 * (1 + cos(acos(-1.0) * part)));
    if (config->schedule == MAS_LR_LINEAR)
        return peak * (least + (1 - least) * (1 - part));
    return peak;
}

bool mas_train_curve_step(const mas_train_config *config, int64_t step)
{
    const int64_t steps = mas_train_steps(config), parts = (int64_t)config->evaluations + 1;
    /* point i = 1 .. parts stands at floor(i * steps / parts): count those before step and those
     * before step + 1 */
    const int64_t before = (step * parts - 1) / steps;
    const int64_t until = ((step + 1) * parts - 1) / steps;
    return step == steps || until > before;
}
