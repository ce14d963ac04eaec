/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/results/difference.h"

#include "harness/config/difference.h"
#include "harness/results/json_build.h"

#include <stdio.h>
#include <string.h>

#define ALL_DIGITS 17 /* tell any two reals apart */

const mas_result_rule mas_result_exceptions[] = {
    {"title", "tells the points of one sweep apart; alone, a point needs less of it", NULL},
    {"point.training.checkpoint_seconds", "how often progress is saved changes no number", NULL},
    {"time", "a time", NULL},
    {"curve[].seconds", "a time", NULL},
    {"conversion.base_seconds", "a time", NULL},
    {"conversion.base_trained_here", "whether the base was there already", NULL},
    {"training.resumed", "whether the run was interrupted", NULL},
    {"memory.workspace_bytes", "scratch of the kernels, a share for each thread",
     "machine.threads"},
    {"memory.total_bytes", "holds the workspace", "machine.threads"},
    {"layer[].workspace_bytes", "a share for each thread", "machine.threads"},
    {"metrics.workspace_bytes", "a share for each thread", "machine.threads"},
    {"metrics.working_set_bytes", "holds the workspace", "machine.threads"},
    {"metrics.seconds", "a time", NULL},
    {"metrics.cold_seconds", "a time", NULL},
    {"metrics.per_yardstick", "from times", NULL},
    {"metrics.useful_gflops", "from a time", NULL},
    {"metrics.executed_gflops", "from a time", NULL},
    {"metrics.fraction_of_peak", "from a time", NULL},
    {"metrics.full_useful_gflops", "from a time", NULL},
    {"metrics.rate_vs_full", "from a time", NULL},
    {"metrics.speedup_vs_full", "from a time", NULL},
    {"metrics.bytes_per_second", "from a time", NULL},
    {"metrics.fraction_of_bandwidth", "from a time", NULL},
    {"samples", "times", NULL},
    {"layer[].refusals", "words; which kernel ran is compared", NULL},
    {"limits", "rates of the machine, measured each time", NULL},
    {"full_error", "names how much memory there was", NULL},
    {"machine", "what ran it; what bits depend on is in the table of conditions", NULL},
    {NULL, NULL, NULL},
};

const mas_result_rule mas_result_conditions[] = {
    {"machine.device", "devices sum in different orders", NULL},
    {"machine.gpu", "libraries choose their code by the GPU", NULL},
    {"machine.gpu_driver", "it compiles and chooses code", NULL},
    {"machine.isa", "instruction sets sum in different orders", NULL},
    {"machine.cpu", "the matrix library chooses its code by the processor", NULL},
    {"machine.matmul_library", "another library sums in another order", NULL},
    {"machine.compiler", "it may contract and reorder differently", NULL},
    {"machine.flags", "other optimisation, other code", NULL},
    {"machine.git_commit", "another build of masbench", NULL},
    {"machine.git_dirty", "a build with uncommitted changes", NULL},
    {"corpus.hash", "another text or another split", NULL},
    {"corpus.tokenizer_hash", "another vocabulary", NULL},
    {NULL, NULL, NULL},
};

_Static_assert(sizeof mas_result_conditions / sizeof *mas_result_conditions <=
                   MAS_CONDITIONS_MAX + 1,
               "room for every condition");

/* Does the rule name this path or something above it? */
static bool covers(const char *rule, const char *path)
{
    while (*rule) {
        if (rule[0] == '[' && rule[1] == ']' && *path == '[') {
            rule += 2;
            path += strcspn(path, "]");
            path += *path == ']';
        } else if (*rule++ != *path++) {
            return false;
        }
    }
    return *path == '\0' || *path == '.' || *path == '[';
}

static bool equal_at(const json_t *recorded, const json_t *now, const char *path)
{
    const json_t *a = mas_json_value_at(recorded, path), *b = mas_json_value_at(now, path);
    return json_equal(a ? a : json_null(), b ? b : json_null());
}

const mas_result_rule *mas_result_exception(const char *path, const json_t *recorded,
                                            const json_t *now)
{
    for (const mas_result_rule *rule = mas_result_exceptions; rule->path; rule++)
        if (covers(rule->path, path) &&
            !(rule->unless_equal && equal_at(recorded, now, rule->unless_equal)))
            return rule;
    return NULL;
}

static mas_result_difference describe(const char *path, const json_t *recorded, const json_t *now,
                                      const char *why)
{
    mas_result_difference d = {.why = why};
    snprintf(d.path, sizeof d.path, "%s", path);
    mas_json_value_text(recorded, ALL_DIGITS, d.recorded, sizeof d.recorded);
    mas_json_value_text(now, ALL_DIGITS, d.now, sizeof d.now);
    return d;
}

/* A field younger than the record is no difference; in a record of this build it is a hole. */
typedef struct comparing {
    mas_result_comparison *out;
    const json_t *recorded, *now;
    bool other_build;
} comparing;

static bool visit(void *user, const char *path, const json_t *recorded, const json_t *now,
                  bool equal)
{
    const comparing *c = user;
    mas_result_comparison *out = c->out;
    if (mas_result_exception(path, c->recorded, c->now))
        return true;
    if (!recorded && c->other_build) {
        out->unrecorded++;
        return true;
    }
    out->compared++;
    if (equal)
        return true;
    out->differing++;
    if (out->shown < MAS_DIFFERENCES_SHOWN)
        out->first[out->shown++] = describe(path, recorded, now, NULL);
    return true;
}

void mas_results_compare(const json_t *recorded, const json_t *now, mas_result_comparison *out)
{
    *out = (mas_result_comparison){.verdict = MAS_RESULT_SAME};
    comparing c = {.out = out, .recorded = recorded, .now = now};
    for (const mas_result_rule *rule = mas_result_conditions; rule->path; rule++) {
        if (equal_at(recorded, now, rule->path))
            continue;
        out->condition[out->conditions++] =
            describe(rule->path, mas_json_value_at(recorded, rule->path),
                     mas_json_value_at(now, rule->path), rule->why);
        c.other_build |= strncmp(rule->path, "machine.git_", strlen("machine.git_")) == 0;
    }
    mas_json_compare(recorded, now, visit, &c);
    if (out->differing > 0)
        out->verdict = out->conditions > 0 ? MAS_RESULT_NOT_COMPARABLE : MAS_RESULT_DIFFERS;
}
