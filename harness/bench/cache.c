/* SPDX-License-Identifier: Apache-2.0 */
/* Rates of full attention by shape. */
#include "harness/bench/bench.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    mas_bench_config config; /* layers 1 */
    double rate;             /* useful FLOP/s */
} entry;

struct mas_bench_cache {
    size_t count, room;
    entry *entries;
};

mas_status mas_bench_cache_create(mas_bench_cache **out, mas_error *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? MAS_OK : mas_fail(err, MAS_E_MEMORY, "no memory for rates of full attention");
}

void mas_bench_cache_free(mas_bench_cache *cache)
{
    if (cache)
        free(cache->entries);
    free(cache);
}

static bool same_shape(const mas_bench_config *a, const mas_bench_config *b)
{
    return a->op == b->op && a->dtype == b->dtype && a->batch == b->batch &&
           a->q_heads == b->q_heads && a->kv_heads == b->kv_heads && a->head_dim == b->head_dim &&
           a->length == b->length && strcmp(a->name, b->name) == 0;
}

mas_status mas_bench_cache_add(mas_bench_cache *cache, const mas_bench_config *config, double rate,
                               mas_error *err)
{
    for (size_t i = 0; i < cache->count; i++)
        if (same_shape(&cache->entries[i].config, config)) {
            cache->entries[i].rate = rate; /* the nearest in time: the machine's rate drifts */
            return MAS_OK;
        }
    if (cache->count == cache->room) {
        const size_t room = cache->room ? 2 * cache->room : 16;
        entry *grown = realloc(cache->entries, room * sizeof *grown);
        if (!grown)
            return mas_fail(err, MAS_E_MEMORY, "no memory for rates of full attention");
        cache->entries = grown;
        cache->room = room;
    }
    cache->entries[cache->count++] = (entry){*config, rate};
    return MAS_OK;
}

mas_status mas_bench_full_rate(mas_bench_cache *cache, mas_device *device,
                               const mas_bench_config *config, const mas_measure_config *measure,
                               uint64_t seed, mas_bench_stopped *stopped, void *user, double *rate,
                               mas_error *err)
{
    for (size_t i = 0; i < cache->count; i++)
        if (same_shape(&cache->entries[i].config, config)) {
            *rate = cache->entries[i].rate;
            return MAS_OK;
        }
    mas_plan *plan = calloc(1, sizeof *plan);
    mas_bench_result *result = calloc(1, sizeof *result);
    mas_status status = MAS_OK;
    if (!plan || !result) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory to time full attention");
        goto done;
    }
    *plan = (mas_plan){.layers = 1,
                       .full_layers = 1,
                       .is_full = {true},
                       .sparse = mas_attn_spec_full(),
                       .full = mas_attn_spec_full()};
    status =
        mas_bench_run(device, NULL, config, plan, measure, 0, seed, stopped, user, result, err);
    if (status == MAS_OK) {
        *rate = result->useful_flops / result->measurement.statistics.median;
        status = mas_bench_cache_add(cache, config, *rate, err);
    }
    mas_bench_result_free(result);
done:
    free(plan);
    free(result);
    return status;
}
