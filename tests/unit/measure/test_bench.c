/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel that is wrong is not timed. The faulty ones call the right one and then spoil what it left. */
#include "harness/bench/bench.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const mas_attn_kernel *right(mas_attn_op op)
{
    static const char *const names[MAS_ATTN_OP_COUNT] = {"attn_forward/naive/reference",
                                                         "attn_backward/naive/reference",
                                                         "attn_decode/naive/reference"};
    return mas_attn_find(mas_attn_cpu_table, names[op]);
}

static int64_t runs;

static void spoil(const mas_attn_problem *p, const mas_view *x, int64_t row, int64_t head)
{
    const ptrdiff_t i = x->row * row + x->head * head;
    mas_dtype_store(p->dtype, x->data, i, mas_dtype_load(p->dtype, x->data, i) + 0.25);
}

static mas_status run_forward(const mas_attn_plan *plan, const mas_attn_args *args,
                              mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    runs++;
    const mas_status status = right(MAS_ATTN_FORWARD)->run(plan, args, counts, err);
    spoil(p, &args->o, p->q_len - 1, p->q_heads - 1);
    return status;
}

static mas_status run_backward(const mas_attn_plan *plan, const mas_attn_args *args,
                               mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    runs++;
    const mas_status status = right(MAS_ATTN_BACKWARD)->run(plan, args, counts, err);
    spoil(p, &args->d_k, p->kv_len - 1, 0);
    return status;
}

static const mas_bench_config small = {
    .batch = 1, .q_heads = 4, .kv_heads = 2, .head_dim = 16, .length = 100, .layers = 1};
static const mas_measure_config twice = {
    .warmup = 1, .min_samples = 2, .max_samples = 2, .seconds = 0, .precision = 0.01};

static mas_status bench_shape(const mas_attn_kernel *kernel, mas_bench_config config,
                              mas_bench_result *result, mas_error *err)
{
    const mas_attn_kernel *const table[] = {kernel, NULL};
    static mas_plan plan;
    plan = (mas_plan){.layers = 1, .sparse = mas_attn_spec_full(), .full = mas_attn_spec_full()};
    mas_device *device;
    cr_assert_eq(mas_device_open_cpu(1, 0, &device, err), MAS_OK);
    const mas_status status = mas_bench_run(device, kernel ? table : NULL, &config, &plan, &twice,
                                            0, 1, NULL, NULL, result, err);
    cr_expect_eq(device->memory.total_bytes, 0);
    mas_device_close(device);
    return status;
}

static mas_status bench(const mas_attn_kernel *kernel, mas_attn_op op, mas_dtype dtype,
                        mas_bench_result *result, mas_error *err)
{
    mas_bench_config config = small;
    config.op = op;
    config.dtype = dtype;
    return bench_shape(kernel, config, result, err);
}

Test(bench, right_kernels_are_timed)
{
    for (int op = 0; op < MAS_ATTN_OP_COUNT; op++)
        for (int dtype = 0; dtype < MAS_DTYPE_COUNT; dtype++) {
            mas_bench_result result;
            mas_error err;
            cr_assert_eq(bench(NULL, (mas_attn_op)op, (mas_dtype)dtype, &result, &err), MAS_OK,
                         "%s", err.text);
            cr_expect_eq(result.measurement.count, 2);
            cr_expect_gt(result.rows_checked, 0);
            cr_expect_lt(result.worst_ratio, 1.0);
            cr_expect_eq(result.visited_tiles, result.scheduled_tiles);
            mas_bench_result_free(&result);
        }
}

/* One kind of layer: what it touches is what is allocated. */
Test(bench, device_memory_is_the_working_set)
{
    for (int op = 0; op < MAS_ATTN_OP_COUNT; op++) {
        mas_bench_config config = small;
        config.op = (mas_attn_op)op;
        static mas_plan plan;
        plan = (mas_plan){.layers = 1, .sparse = mas_attn_spec_full()};
        mas_device *device;
        mas_bench_result result;
        mas_bench *b;
        mas_error err;
        cr_assert_eq(mas_device_open_cpu(1, 0, &device, &err), MAS_OK);
        cr_assert_eq(mas_bench_open(device, NULL, &config, &plan, 1, NULL, NULL, &result, &b, &err),
                     MAS_OK, "%s", err.text);
        cr_expect_eq(device->memory.total_bytes, result.working_set_bytes, "%s: %zu bytes, not %zu",
                     mas_attn_op_name(config.op), device->memory.total_bytes,
                     result.working_set_bytes);
        mas_bench_close(b);
        mas_device_close(device);
    }
}

Test(bench, kernels_are_chosen_by_name)
{
    mas_bench_config config = small;
    mas_bench_result result;
    mas_error err;
    snprintf(config.name, sizeof config.name, "*/naive/*");
    cr_assert_eq(bench_shape(NULL, config, &result, &err), MAS_OK, "%s", err.text);
    cr_expect_str_eq(result.layer[MAS_BENCH_SPARSE].kernel, "attn_forward/naive/reference");
    cr_expect_str_empty(result.layer[MAS_BENCH_SPARSE].refusals, "others were not asked");
    mas_bench_result_free(&result);
    snprintf(config.name, sizeof config.name, "*/nothing/*");
    cr_expect_eq(bench_shape(NULL, config, &result, &err), MAS_E_UNSUPPORTED);
    cr_expect_not_null(strstr(err.text, "'*/nothing/*'"), "%s", err.text);
    cr_expect(!result.wrong);
    mas_bench_result_free(&result);
}

/* Right results, and no count of tiles. */
static mas_status run_uncounted(const mas_attn_plan *plan, const mas_attn_args *args,
                                mas_attn_counts *counts, mas_error *err)
{
    const mas_status status = right(MAS_ATTN_FORWARD)->run(plan, args, counts, err);
    *counts = (mas_attn_counts){0, 0};
    return status;
}

Test(bench, only_an_opaque_kernel_need_not_count)
{
    mas_bench_result result;
    mas_error err;
    mas_attn_kernel kernel = *right(MAS_ATTN_FORWARD);
    kernel.run = run_uncounted;
    cr_expect_eq(bench(&kernel, MAS_ATTN_FORWARD, MAS_DTYPE_F32, &result, &err), MAS_E_SCHEDULE);
    mas_bench_result_free(&result);
    kernel.opaque = true;
    cr_assert_eq(bench(&kernel, MAS_ATTN_FORWARD, MAS_DTYPE_F32, &result, &err), MAS_OK, "%s",
                 err.text);
    cr_expect(result.opaque);
    cr_expect_gt(result.rows_checked, 0, "its results are compared all the same");
    mas_bench_result_free(&result);
}

static void refused(const mas_attn_kernel *kernel, mas_attn_op op, const char *place)
{
    for (int dtype = 0; dtype < MAS_DTYPE_COUNT; dtype++) {
        mas_bench_result result;
        mas_error err;
        runs = 0;
        cr_expect_neq(bench(kernel, op, (mas_dtype)dtype, &result, &err), MAS_OK);
        cr_expect(result.wrong);
        cr_expect_eq(runs, 1, "it ran once, to be checked, and %lld times in all", (long long)runs);
        cr_expect_eq(result.measurement.count, 0);
        cr_expect_not_null(strstr(err.text, place), "%s", err.text);
        mas_bench_result_free(&result);
    }
}

Test(bench, a_wrong_forward_is_not_timed)
{
    mas_attn_kernel faulty = *right(MAS_ATTN_FORWARD);
    faulty.run = run_forward;
    refused(&faulty, MAS_ATTN_FORWARD, "o is wrong");
    refused(&faulty, MAS_ATTN_FORWARD, "row 99, head 3");
}

Test(bench, a_wrong_backward_is_not_timed)
{
    mas_attn_kernel faulty = *right(MAS_ATTN_BACKWARD);
    faulty.run = run_backward;
    refused(&faulty, MAS_ATTN_BACKWARD, "d_k is wrong");
    refused(&faulty, MAS_ATTN_BACKWARD, "row 99");
}

#define TILE 64

static void tile_shape(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    (void)p;
    *q_tile = *k_tile = TILE;
}

/* Wrong away from the edges of tiles only. */
static mas_status run_inside(const mas_attn_plan *plan, const mas_attn_args *args,
                             mas_attn_counts *counts, mas_error *err)
{
    const mas_attn_problem *p = &plan->problem;
    const mas_status status = right(MAS_ATTN_FORWARD)->run(plan, args, counts, err);
    for (int64_t row = 0; row < p->q_len; row++)
        if (row % TILE >= 2 && row % TILE < TILE - 2)
            spoil(p, &args->o, row, 0);
    return status;
}

Test(bench, a_fault_inside_the_tiles_of_a_long_problem_is_found)
{
    mas_attn_kernel faulty = *right(MAS_ATTN_FORWARD);
    faulty.run = run_inside;
    faulty.tile = tile_shape;
    for (int64_t length = 512; length <= 4096; length *= 2) {
        mas_bench_config config = small;
        config.q_heads = config.kv_heads = 1;
        config.op = MAS_ATTN_FORWARD;
        config.length = length;
        mas_bench_result result;
        mas_error err;
        cr_expect_neq(bench_shape(&faulty, config, &result, &err), MAS_OK, "%lld",
                      (long long)length);
        cr_expect(result.wrong);
        mas_bench_result_free(&result);
    }
}

/* A point that is itself full attention may come after its shape was timed for a sparse one. */
Test(bench, cache_keeps_the_rate_measured_last)
{
    mas_bench_config config = {
        .batch = 1, .q_heads = 1, .kv_heads = 1, .head_dim = 8, .length = 32};
    mas_bench_cache *cache = NULL;
    mas_error err = {MAS_OK, ""};
    double rate = 0;
    cr_assert_eq(mas_bench_cache_create(&cache, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_bench_cache_add(cache, &config, 1e9, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_bench_cache_add(cache, &config, 2e9, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_bench_full_rate(cache, NULL, &config, NULL, 1, NULL, NULL, &rate, &err),
                 MAS_OK, "%s", err.text);
    cr_assert_eq(rate, 2e9, "%g", rate);
    mas_bench_cache_free(cache);
}
