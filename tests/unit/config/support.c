/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/config/support.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char every_key[] =
    "experiment: golden\n"
    "kind: train\n"
    "model:\n"
    "  layers: 6\n"
    "  width: 64\n"
    "  heads: 4\n"
    "  kv_heads: 2\n"
    "  head_dim: 16\n"
    "  mlp_width: 176\n"
    "  vocab: 300\n"
    "  max_length: 0\n"
    "  positions: rope\n"
    "  full_positions: true\n"
    "  rope_theta: 10000\n"
    "  norm: rmsnorm\n"
    "  norm_epsilon: 1e-5\n"
    "  activation: swiglu\n"
    "  bias: false\n"
    "  tied_embeddings: true\n"
    "  sink_logits: false\n"
    "  softcap: 0\n"
    "  attention_scale: 0\n"
    "  dtype: f32\n"
    "  init_std: 0.02\n"
    "attention:\n"
    "  sparse: {variant: sliding_window, window: 32, sinks: 0, causal: true}\n"
    "  full_layers: 2\n"
    "  placement: bottom\n"
    "corpus:\n"
    "  type: text\n"
    "  paths: [docs]\n"
    "  exclude: ['*.png']\n"
    "  validation_fraction: 0.05\n"
    "  test_fraction: 0.05\n"
    "training:\n"
    "  tokens: 2e6\n"
    "  seq_len: 256\n"
    "  start_len: 0\n"
    "  grow_until: 0.5\n"
    "  batch_tokens: 4096\n"
    "  accumulate: 1\n"
    "  recompute: none\n"
    "  learning_rate: 1e-3\n"
    "  schedule: cosine\n"
    "  warmup: 0.05\n"
    "  min_learning_rate: 0.1\n"
    "  beta1: 0.9\n"
    "  beta2: 0.95\n"
    "  epsilon: 1e-8\n"
    "  weight_decay: 0.1\n"
    "  clip: 1\n"
    "  evaluations: 8\n"
    "  curve_tokens: 16384\n"
    "  checkpoint: false\n"
    "  checkpoint_seconds: 60\n"
    "evaluation: {context: 256, stride: 128, tokens: 65536, batch: 0, split: validation}\n"
    "limits: {memory: 2GiB}\n"
    "seed: 1\n";

static void write_file(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/masbench_config_XXXXXX");
    const int descriptor = mkstemp(path);
    cr_assert(descriptor >= 0, "no temporary file");
    FILE *file = fdopen(descriptor, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    cr_assert_eq(fclose(file), 0);
}

mas_experiment *load_good(const char *text, const char *const *settings, size_t setting_count)
{
    char path[64];
    mas_experiment *experiment = NULL;
    mas_diagnostics problems;
    write_file(path, text);
    const mas_status status =
        mas_experiment_load(path, settings, setting_count, &experiment, &problems);
    unlink(path);
    cr_assert_eq(status, MAS_OK, "refused: %s\n%s",
                 problems.count ? problems.texts[0] : "(no message)", text);
    cr_assert_eq(problems.count, 0u);
    cr_assert_not_null(experiment);
    mas_diagnostics_free(&problems);
    return experiment;
}

char *load_bad(const char *text, const char *const *settings, size_t setting_count)
{
    char path[64];
    mas_experiment *experiment = NULL;
    mas_diagnostics problems;
    write_file(path, text);
    const mas_status status =
        mas_experiment_load(path, settings, setting_count, &experiment, &problems);
    unlink(path);
    cr_assert_eq(status, MAS_E_FORMAT, "%s for\n%s", mas_status_name(status), text);
    cr_assert_null(experiment);
    cr_assert_gt(problems.count, 0u);
    size_t size = 1;
    for (size_t i = 0; i < problems.count; i++)
        size += strlen(problems.texts[i]) + 8;
    char *all = calloc(1, size);
    cr_assert_not_null(all);
    for (size_t i = 0; i < problems.count; i++) {
        const char *line = problems.texts[i];
        if (strncmp(line, path, strlen(path)) == 0) {
            strcat(all, "FILE");
            line += strlen(path);
        }
        strcat(all, line);
        strcat(all, "\n");
    }
    mas_diagnostics_free(&problems);
    return all;
}

void only_id(const char *text, char id[MAS_ID_CHARS + 1])
{
    mas_experiment *experiment = load_good(text, NULL, 0);
    cr_assert_eq(experiment->count, 1, "%lld points", (long long)experiment->count);
    memcpy(id, experiment->points[0].id, MAS_ID_CHARS + 1);
    mas_experiment_free(experiment);
}

static bool has_comma(void)
{
    return strcmp(localeconv()->decimal_point, ",") == 0;
}

bool use_comma_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                        "fr_FR.utf8",  "de_DE",      "fr_FR"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_ALL, names[i]) && has_comma())
            return true;
    char folder[] = "/tmp/masbench_locale_XXXXXX", command[256];
    if (!mkdtemp(folder))
        return false;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1",
             folder);
    const bool built = system(command) == 0 && setenv("LOCPATH", folder, 1) == 0;
    const bool works = built && setlocale(LC_ALL, "de_DE.UTF-8") && has_comma();
    snprintf(command, sizeof command, "rm -rf %s", folder); /* what is in use stays mapped */
    if (system(command) != 0)
        return false;
    return works;
}

void source_path(const char *relative, char *path, size_t size)
{
    const char *root = getenv("MAS_SOURCE_ROOT");
    snprintf(path, size, "%s/%s", root ? root : ".", relative);
}
