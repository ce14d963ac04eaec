/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/variants/specs.h"
#include "variants/cost.h"
#include "variants/kv_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(cost, .timeout = 30);

/* Known numbers for one head with d_qk = d_v = 16 in tiles of 4 x 4. */
Test(cost, exact_flops)
{
    static const struct {
        const char *spec;
        int64_t q_len, kv_len;
        mas_alignment alignment;
        int64_t pairs;
        double forward, backward;
        int64_t executed_pairs;
    } cases[] = {
        {"full causal=0", 8, 8, MAS_ALIGN_BOTTOM_RIGHT, 64, 4096, 10240, 64},
        {"full", 8, 8, MAS_ALIGN_BOTTOM_RIGHT, 36, 2304, 5760, 48},
        {"sliding_window window=3", 8, 8, MAS_ALIGN_BOTTOM_RIGHT, 21, 1344, 3360, 48},
        {"full", 4, 10, MAS_ALIGN_BOTTOM_RIGHT, 34, 2176, 5440, 40},
        {"full", 4, 10, MAS_ALIGN_TOP_LEFT, 10, 640, 1600, 16},
        {"block_sparse block=4", 8, 8, MAS_ALIGN_BOTTOM_RIGHT, 20, 1280, 3200, 32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mas_attn_spec spec = spec_of(cases[i].spec);
        const mas_mask mask = mas_attn_spec_mask(&spec);
        mas_layer_cost cost;
        cr_assert_eq(mas_mask_cost_at(&mask, cases[i].q_len, cases[i].kv_len, cases[i].alignment, 1,
                                      16, 16, 4, 4, &cost, NULL),
                     MAS_OK);
        cr_assert_eq(cost.pairs, cases[i].pairs, "%s", cases[i].spec);
        cr_assert_eq(cost.forward_flops, cases[i].forward, "%s", cases[i].spec);
        cr_assert_eq(cost.backward_flops, cases[i].backward, "%s", cases[i].spec);
        cr_assert_eq(cost.executed_pairs, cases[i].executed_pairs, "%s: %ld", cases[i].spec,
                     (long)cost.executed_pairs);
        cr_assert_eq(cost.executed_forward_flops, 64.0 * (double)cases[i].executed_pairs);
        cr_assert_eq(cost.executed_backward_flops, 160.0 * (double)cases[i].executed_pairs);
    }
}

static mas_plan plan_of(const char *sparse, int32_t full_layers, int32_t layers)
{
    const mas_attention_config config = {.sparse = spec_of(sparse),
                                         .full_layers = full_layers,
                                         .placement = {.kind = MAS_PLACEMENT_TOP}};
    mas_plan plan;
    cr_assert_eq(mas_plan_build(&config, layers, &plan, NULL), MAS_OK);
    return plan;
}

Test(cost, plan)
{
    static mas_plan_cost cost;
    const mas_plan plan = plan_of("block_sparse block=4 sinks=2", 1, 4);
    cr_assert_eq(mas_plan_cost_at(&plan, 8, 6, 16, 8, 4, 4, &cost, NULL), MAS_OK);
    cr_assert_eq(cost.layers, 4);
    const double sparse_pairs = 20 + 8, full_pairs = 36, per_pair = 6 * 2 * (16 + 8);
    for (int i = 0; i < 4; i++) {
        const double pairs = i == 3 ? full_pairs : sparse_pairs;
        cr_assert_eq((double)cost.layer[i].pairs, pairs, "layer %d", i);
        cr_assert_eq(cost.layer[i].forward_flops, per_pair * pairs);
        cr_assert_eq(cost.layer[i].backward_flops, 6 * 2 * (3 * 16 + 2 * 8) * pairs);
        cr_assert_eq(cost.layer[i].executed_pairs, 48);
        cr_assert_eq(cost.layer[i].tiles, 3);
        cr_assert_eq(cost.layer[i].empty_rows, 0);
        cr_assert_eq(cost.layer[i].kv_cache_tokens, i == 3 ? 8 : 4 + 2);
    }
    cr_assert_eq(cost.forward_flops, per_pair * (3 * sparse_pairs + full_pairs));
    cr_assert_eq(cost.executed_forward_flops, per_pair * 4 * 48);
    cr_assert_eq(cost.full_forward_flops, per_pair * 4 * full_pairs);
    cr_assert_float_eq(cost.relative_cost, (3 * 28 + 36) / 144.0, 1e-15);
}

Test(cost, full_is_one)
{
    static mas_plan_cost cost;
    for (int64_t length = 1; length < 100; length += 7) {
        const mas_plan plan = plan_of("sliding_window window=100", 0, 3);
        cr_assert_eq(mas_plan_cost_at(&plan, length, 2, 8, 8, 16, 16, &cost, NULL), MAS_OK);
        cr_assert_eq(cost.relative_cost, 1);
        cr_assert_eq(cost.layer[0].pairs, length * (length + 1) / 2);
        cr_assert_eq(cost.layer[0].kv_cache_tokens, length);
    }
}

Test(cost, cache_of_a_window)
{
    static mas_plan_cost cost;
    const mas_plan plan = plan_of("sliding_window window=64 sinks=4", 0, 1);
    cr_assert_eq(mas_plan_cost_at(&plan, 1000, 1, 8, 8, 16, 16, &cost, NULL), MAS_OK);
    cr_assert_eq(cost.layer[0].kv_cache_tokens, 68);
    cr_assert_eq(mas_plan_cost_at(&plan, 66, 1, 8, 8, 16, 16, &cost, NULL), MAS_OK);
    cr_assert_eq(cost.layer[0].kv_cache_tokens, 66);
}

/* From the definition, pair by pair. */
static int64_t keys_kept(const mas_attn_spec *spec, int64_t length)
{
    const mas_mask mask = mas_attn_spec_mask(spec);
    int64_t most = 0;
    for (int64_t now = 0; now < length; now++) {
        int64_t kept = 0;
        for (int64_t key = 0; key <= now; key++) {
            int64_t query = now;
            while (query < length && !mask.sees(&mask, query, key))
                query++;
            kept += query < length;
        }
        most = kept > most ? kept : most;
    }
    return most;
}

Test(cost, keys_kept_by_the_definition)
{
    static const char *const specs[] = {
        "full",
        "full causal=0",
        "sliding_window window=1",
        "sliding_window window=7 sinks=4",
        "block_sparse block=5",
        "block_sparse block=16 sinks=16",
        "block_sparse block=5 sinks=7 causal=0",
        "block_sparse block=3 layout=local local=2",
        "block_sparse block=4 layout=strided stride=3",
        "block_sparse block=1 layout=strided stride=5 sinks=2",
        "block_sparse block=4 layout=bigbird seed=3",
        "block_sparse block=2 layout=bigbird window_blocks=1 global_blocks=0 random_blocks=2",
    };
    static const int64_t lengths[] = {1, 2, 16, 61, 96};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            const mas_attn_spec spec = spec_of(specs[i]);
            int64_t tokens = -1;
            cr_assert_eq(mas_attn_spec_kv_cache_tokens(&spec, lengths[l], &tokens, NULL), MAS_OK);
            cr_expect_eq(tokens, keys_kept(&spec, lengths[l]), "%s, %ld: %ld", specs[i],
                         (long)lengths[l], (long)tokens);
        }
}

/* The same mask under two names. */
Test(cost, own_block_with_sinks_is_a_bigbird_without_chance)
{
    static const char *const same[] = {
        "block_sparse block=16 sinks=16",
        "block_sparse block=16 layout=bigbird window_blocks=1 global_blocks=1 random_blocks=0"};
    for (size_t i = 0; i < 2; i++) {
        const mas_attn_spec spec = spec_of(same[i]);
        int64_t tokens = -1;
        cr_assert_eq(mas_attn_spec_kv_cache_tokens(&spec, 512, &tokens, NULL), MAS_OK);
        cr_expect_eq(tokens, 32, "%s: %ld", same[i], (long)tokens);
    }
}

Test(cost, keys_kept_of_a_million_positions)
{
    static const struct {
        const char *spec;
        int64_t tokens;
    } cases[] = {{"full", 1 << 20},
                 {"sliding_window window=4096 sinks=4", 4100},
                 {"block_sparse block=1024", 1024},
                 {"block_sparse block=1024 layout=strided stride=64", (1024 - 63) * 1024}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mas_attn_spec spec = spec_of(cases[i].spec);
        int64_t tokens = -1;
        cr_assert_eq(mas_attn_spec_kv_cache_tokens(&spec, 1 << 20, &tokens, NULL), MAS_OK);
        cr_expect_eq(tokens, cases[i].tokens, "%s: %ld", cases[i].spec, (long)tokens);
    }
}

/* 64 x window of useful pairs at any length: cost grows with the length, not its square. */
Test(cost, long_window_is_cheap)
{
    static mas_plan_cost cost;
    const int64_t length = 1 << 17;
    const mas_plan plan = plan_of("sliding_window window=64", 0, 1);
    cr_assert_eq(mas_plan_cost_at(&plan, length, 1, 8, 8, 64, 64, &cost, NULL), MAS_OK);
    cr_assert_eq(cost.layer[0].pairs, length * 64 - 64 * 63 / 2);
    cr_assert_eq(cost.layer[0].tiles, 2 * (length / 64) - 1);
}

/* Whole tiles are counted by the run: full attention, too, costs what its length costs. */
Test(cost, long_full_attention_is_counted_by_runs)
{
    static mas_plan_cost cost;
    const int64_t length = 1 << 22, tiles = length / 64;
    const mas_plan plan = plan_of("sliding_window window=64", 1, 1);
    cr_assert_eq(mas_plan_cost_at(&plan, length, 1, 8, 8, 64, 64, &cost, NULL), MAS_OK);
    cr_assert_eq(cost.layer[0].pairs, length / 2 * (length + 1));
    cr_assert_eq(cost.layer[0].tiles, tiles / 2 * (tiles + 1));
}

Test(cost, refusals)
{
    static mas_plan_cost cost;
    mas_error err;
    const mas_plan plan = plan_of("sliding_window window=64", 1, 2);
    cr_assert_eq(mas_plan_cost_at(&plan, 0, 1, 8, 8, 4, 4, &cost, &err), MAS_E_SHAPE);
    cr_assert_eq(mas_plan_cost_at(&plan, 8, 0, 8, 8, 4, 4, &cost, &err), MAS_E_SHAPE);
    cr_assert_eq(mas_plan_cost_at(&plan, 8, 1, 8, -1, 4, 4, &cost, &err), MAS_E_SHAPE);
    cr_assert_eq(mas_plan_cost_at(&plan, 8, 1, 8, 8, 0, 4, &cost, &err), MAS_E_ARGUMENT);
}

/* A layout file with too few rows refuses the length instead of leaving queries without keys. */
Test(cost, layout_file_too_short)
{
    static mas_plan_cost cost;
    char text[256];
    mas_error err;
    snprintf(text, sizeof text, "block_sparse block=4 layout=file layout_file=%s",
             write_file("two_rows.txt", "1\n11\n"));
    const mas_plan plan = plan_of(text, 1, 2);
    cr_assert_eq(mas_plan_cost_at(&plan, 8, 1, 8, 8, 4, 4, &cost, NULL), MAS_OK);
    cr_assert_eq(mas_plan_cost_at(&plan, 9, 1, 8, 8, 4, 4, &cost, &err), MAS_E_SHAPE);
    cr_assert_not_null(strstr(err.text, "two_rows.txt:2:"), "%s", err.text);
    remove_file(plan.sparse.path);
}
