/* SPDX-License-Identifier: Apache-2.0 */
/* Conversion: how the base is trained, what is refused, and whose checkpoint is whose. */
#include "tests/unit/lm/support.h"

#include <stdlib.h>
#include <string.h>

static mas_train_config conversion(void)
{
    mas_train_config t = mas_train_config_default();
    t.seq_len = 128;
    t.from.tokens = 1000;
    t.from.seq_len = 64;
    t.from.batch_tokens = 256;
    return t;
}

Test(lm_base, takes_its_own_schedule_and_the_sections_optimiser)
{
    mas_train_config t = conversion();
    t.beta2 = 0.99f;
    t.learning_rate = 0.5f;
    t.from.learning_rate = 0.25f;
    t.evaluations = 7;
    const mas_train_config base = mas_train_config_of_base(&t);
    cr_expect_eq(base.tokens, 1000);
    cr_expect_eq(base.seq_len, 64);
    cr_expect_eq(base.batch_tokens, 256);
    cr_expect_eq(base.learning_rate, 0.25f);
    cr_expect_eq(base.beta2, 0.99f);
    cr_expect_eq(base.evaluations, 0);
    cr_expect_not(mas_train_converts(&base), "a base has no base");
}

static void refused(const mas_train_config *t, const mas_model_config *model, int32_t longest,
                    const char *what)
{
    mas_error err = {MAS_OK, ""};
    cr_expect_neq(mas_base_config_check(t, model, longest, &err), MAS_OK, "%s", what);
    cr_expect_not_null(strstr(err.text, what), "\"%s\" not in: %s", what, err.text);
}

Test(lm_base, rules)
{
    mas_error err = {MAS_OK, ""};
    mas_model_config model = mas_model_config_default();
    mas_train_config t = conversion();
    must(mas_base_config_check(&t, &model, 128, &err), &err);

    t.from.batch_tokens = 100;
    refused(&t, &model, 128, "not a multiple");
    t = conversion();
    t.from.seq_len = 256;
    refused(&t, &model, 128, "at most the 128");
    t.from.seq_len = 128;
    must(mas_base_config_check(&t, &model, 128, &err), &err);

    t = conversion();
    model.positions = MAS_POSITIONS_NONE;
    must(mas_base_config_check(&t, &model, 128, &err), &err);
    model.positions = MAS_POSITIONS_LEARNED;
    refused(&t, &model, 128, "learned positions");
    t.seq_len = 64;
    must(mas_base_config_check(&t, &model, 64, &err), &err);
    refused(&t, &model, 65, "learned positions"); /* a longer evaluation */
    t.from.tokens = 0;
    must(mas_base_config_check(&t, &model, 65, &err), &err);
}

static char *identity(const mas_train_config *t)
{
    mas_device *device = open_device(1, 0);
    const mas_model_config config = tiny_config();
    const mas_plan plan = full_plan(config.layers);
    mas_model *model = make_model(device, &config, &plan, 128, MAS_MODEL_TRAINS, 1);
    const mas_corpus corpus = stub_corpus();
    char *text = mas_progress_identity(model, &corpus, t, NULL, 1);
    mas_model_free(model);
    mas_device_close(device);
    return text;
}

/* A checkpoint of a conversion must not be resumed by one from another base. */
Test(lm_base, checkpoints_know_their_base)
{
    const mas_train_config with = conversion();
    mas_train_config without = with, other = with;
    without.from.tokens = 0;
    other.from.seed++;
    char *a = identity(&with), *b = identity(&without), *c = identity(&other);
    cr_expect_not_null(strstr(a, "training.from.tokens"));
    cr_expect_null(strstr(b, "training.from"), "older checkpoints stay valid");
    cr_expect_str_neq(a, c);
    free(a);
    free(b);
    free(c);
}
