/* SPDX-License-Identifier: Apache-2.0 */
/* Problem checks, selection and plans, with stub kernels: nothing here computes. */
#include "masbench/attention.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void any_level(void)
{
    cr_assert_eq(mas_cpu_limit(MAS_ISA_SCALAR, NULL), MAS_OK);
}

TestSuite(attention, .timeout = 10, .init = any_level);

static mas_attn_problem good(void)
{
    return (mas_attn_problem){.batch = 2,
                              .q_heads = 6,
                              .kv_heads = 2,
                              .q_len = 8,
                              .kv_len = 8,
                              .d_qk = 16,
                              .d_v = 16,
                              .dtype = MAS_DTYPE_F32,
                              .alignment = MAS_ALIGN_BOTTOM_RIGHT,
                              .scale = 0.25f,
                              .mask = &mas_mask_causal};
}

static void refuses(mas_attn_problem p, mas_status status, const char *says)
{
    mas_error err = {MAS_OK, ""};
    cr_assert_eq(mas_attn_problem_check(&p, &err), status, "%s: %s", says, err.text);
    cr_assert_eq(err.status, status);
    cr_assert_not_null(strstr(err.text, says), "\"%s\" lacks \"%s\"", err.text, says);
}

Test(attention, good_problems)
{
    mas_attn_problem p = good();
    cr_assert_eq(mas_attn_problem_check(&p, NULL), MAS_OK);
    p.q_heads = 48;
    p.d_qk = MAS_HEAD_DIM_MAX;
    p.d_v = 1;
    p.softcap = 50;
    p.scale = -1;
    cr_assert_eq(mas_attn_problem_check(&p, NULL), MAS_OK);
}

Test(attention, seven_heads_on_two)
{
    mas_attn_problem p = good();
    p.q_heads = 7;
    refuses(p, MAS_E_SHAPE, "7 query heads");
    refuses(p, MAS_E_SHAPE, "2 key/value heads");
    p.q_heads = 1;
    refuses(p, MAS_E_SHAPE, "1 query heads");
}

Test(attention, sizes)
{
    mas_attn_problem p = good();
    p.batch = 0;
    refuses(p, MAS_E_SHAPE, "batch is 0");
    p = good(), p.q_heads = 0;
    refuses(p, MAS_E_SHAPE, "q_heads is 0");
    p = good(), p.kv_heads = -2;
    refuses(p, MAS_E_SHAPE, "kv_heads is -2");
    p = good(), p.q_len = 0;
    refuses(p, MAS_E_SHAPE, "q_len is 0");
    p = good(), p.kv_len = -1;
    refuses(p, MAS_E_SHAPE, "kv_len is -1");
    p = good(), p.d_qk = 0;
    refuses(p, MAS_E_SHAPE, "0 (q, k)");
    p = good(), p.d_v = MAS_HEAD_DIM_MAX + 1;
    refuses(p, MAS_E_SHAPE, "257 (v)");
    p = good(), p.kv_len = INT64_MAX / 4;
    refuses(p, MAS_E_SHAPE, "address space");
    p = good(), p.batch = INT64_MAX, p.q_len = INT64_MAX;
    refuses(p, MAS_E_SHAPE, "address space");
}

Test(attention, numbers_and_enums)
{
    mas_attn_problem p = good();
    p.scale = NAN;
    refuses(p, MAS_E_ARGUMENT, "scale");
    p = good(), p.scale = INFINITY;
    refuses(p, MAS_E_ARGUMENT, "scale inf");
    p = good(), p.softcap = -1;
    refuses(p, MAS_E_ARGUMENT, "softcap -1");
    p = good(), p.softcap = NAN;
    refuses(p, MAS_E_ARGUMENT, "softcap");
    p = good(), p.mask = NULL;
    refuses(p, MAS_E_ARGUMENT, "mask");
    p = good(), p.dtype = MAS_DTYPE_COUNT;
    refuses(p, MAS_E_ARGUMENT, "dtype");
    p = good(), p.alignment = MAS_ALIGNMENT_COUNT;
    refuses(p, MAS_E_ARGUMENT, "alignment");
}

Test(attention, scale_flops_views_names)
{
    cr_assert_float_eq(mas_attn_default_scale(64), 0.125f, 0);
    cr_assert_float_eq(mas_attn_default_scale(80), (float)(1 / sqrt(80.0)), 0);
    cr_assert_eq(mas_attn_flops(MAS_ATTN_FORWARD, 36, 16, 16), 2304);
    cr_assert_eq(mas_attn_flops(MAS_ATTN_DECODE, 36, 16, 16), 2304);
    cr_assert_eq(mas_attn_flops(MAS_ATTN_BACKWARD, 36, 16, 16), 5760);
    cr_assert_eq(mas_attn_flops(MAS_ATTN_FORWARD, 10, 3, 5), 160);
    cr_assert_eq(mas_attn_flops(MAS_ATTN_BACKWARD, 10, 3, 5), 380);
    float data;
    const mas_view v = mas_view_dense(&data, 7, 3, 5);
    cr_assert(v.data == &data && v.batch == 105 && v.row == 15 && v.head == 5);
    cr_assert_str_eq(mas_attn_op_name(MAS_ATTN_FORWARD), "attn_forward");
    cr_assert_str_eq(mas_attn_op_name(MAS_ATTN_BACKWARD), "attn_backward");
    cr_assert_str_eq(mas_attn_op_name(MAS_ATTN_DECODE), "attn_decode");
    cr_assert_str_eq(mas_attn_op_name(MAS_ATTN_OP_COUNT), "unknown");
}

/* ---- stub kernels ---- */

static mas_status says_no(const mas_attn_problem *p, mas_error *why)
{
    return mas_fail(why, MAS_E_SHAPE, "head size %d is not 8", p->d_qk);
}

static mas_status says_yes(const mas_attn_problem *p, mas_error *why)
{
    (void)p, (void)why;
    return MAS_OK;
}

static void tile_4x4(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    (void)p;
    *q_tile = *k_tile = 4;
}

static size_t scratch(const mas_attn_problem *p, const mas_schedule *s, int threads)
{
    (void)p;
    return (size_t)s->q_tiles * 100 + (size_t)threads;
}

static int64_t skipped_tiles, extra_tiles_q;

static mas_status pretends(const mas_attn_plan *plan, const mas_attn_args *args,
                           mas_attn_counts *counts, mas_error *err)
{
    (void)args, (void)err;
    counts->visited_tiles =
        plan->schedule->tiles * plan->problem.batch * plan->problem.q_heads - skipped_tiles;
    counts->visited_tiles_q = extra_tiles_q;
    return MAS_OK;
}

static const mas_attn_kernel wide = {.name = "attn_forward/stub/avx512",
                                     .op = MAS_ATTN_FORWARD,
                                     .isa = MAS_ISA_AVX512,
                                     .supports = says_yes,
                                     .tile = tile_4x4,
                                     .run = pretends},
                             picky = {.name = "attn_forward/picky/scalar",
                                      .op = MAS_ATTN_FORWARD,
                                      .isa = MAS_ISA_SCALAR,
                                      .supports = says_no,
                                      .tile = tile_4x4,
                                      .run = pretends},
                             plain = {.name = "attn_forward/plain/scalar",
                                      .op = MAS_ATTN_FORWARD,
                                      .isa = MAS_ISA_SCALAR,
                                      .supports = says_yes,
                                      .tile = tile_4x4,
                                      .workspace_bytes = scratch,
                                      .run = pretends},
                             last = {.name = "attn_forward/last/scalar",
                                     .op = MAS_ATTN_FORWARD,
                                     .isa = MAS_ISA_SCALAR,
                                     .supports = says_yes,
                                     .tile = tile_4x4,
                                     .run = pretends},
                             back = {.name = "attn_backward/picky/scalar",
                                     .op = MAS_ATTN_BACKWARD,
                                     .isa = MAS_ISA_SCALAR,
                                     .supports = says_no,
                                     .tile = tile_4x4,
                                     .run = pretends};
static const mas_attn_kernel *const table[] = {&back, &wide, &picky, &plain, &last, NULL};

Test(attention, select_takes_the_first_that_serves)
{
    const mas_attn_problem p = good();
    char refusals[256] = "old";
    cr_assert_eq(mas_attn_select(table, &p, MAS_ATTN_FORWARD, refusals, sizeof refusals), &plain);
    char expected[256];
    const mas_isa offered = mas_cpu_offered(); /* if it offers avx512, that is only not in use */
    snprintf(expected, sizeof expected,
             "attn_forward/stub/avx512: needs avx512%s%s\n"
             "attn_forward/picky/scalar: head size 16 is not 8",
             offered >= MAS_ISA_AVX512
                 ? "; in use is scalar, the fastest here unless --cpu or MASBENCH_CPU "
                   "says otherwise (--cpu avx512 takes it)"
                 : ", the processor offers ",
             offered >= MAS_ISA_AVX512 ? "" : mas_isa_name(offered));
    cr_assert_str_eq(refusals, expected);
    cr_assert_eq(mas_attn_select(table, &p, MAS_ATTN_FORWARD, NULL, 0), &plain);
    cr_assert_null(mas_attn_select(table, &p, MAS_ATTN_BACKWARD, refusals, sizeof refusals));
    cr_assert_str_eq(refusals, "attn_backward/picky/scalar: head size 16 is not 8");
    cr_assert_null(mas_attn_select(table, &p, MAS_ATTN_DECODE, refusals, sizeof refusals));
    cr_assert_str_eq(refusals, "");
}

Test(attention, refusals_are_cut_to_size)
{
    const mas_attn_problem p = good();
    for (size_t size = 1; size < 140; size++) {
        char refusals[160];
        memset(refusals, '#', sizeof refusals);
        cr_assert_eq(mas_attn_select(table, &p, MAS_ATTN_FORWARD, refusals, size), &plain);
        cr_assert_not_null(memchr(refusals, '\0', size));
        for (size_t i = size; i < sizeof refusals; i++)
            cr_assert_eq(refusals[i], '#', "size %zu", size);
    }
}

Test(attention, find)
{
    cr_assert_eq(mas_attn_find(table, "attn_forward/plain/scalar"), &plain);
    cr_assert_null(mas_attn_find(table, "attn_forward/plain"));
    cr_assert_null(mas_attn_find(table, ""));
}

Test(attention, plan)
{
    const mas_attn_problem p = good();
    mas_attn_plan *plan = NULL;
    mas_attn_counts counts;
    mas_error err;
    cr_assert_eq(mas_attn_plan_create(table, &p, MAS_ATTN_FORWARD, 0, &plan, &err), MAS_OK);
    cr_assert_eq(plan->kernel, &plain);
    cr_assert_eq(plan->threads, 1);
    cr_assert_eq(plan->schedule->tiles, 3);
    cr_assert_eq(plan->workspace_bytes, 201);
    const mas_attn_args args = {.o = {0}};
    cr_assert_eq(mas_attn_plan_run(plan, &args, &counts, &err), MAS_OK);
    cr_assert_eq(counts.visited_tiles, 3 * 2 * 6);
    cr_assert_eq(mas_attn_plan_run(plan, &args, NULL, NULL), MAS_OK);

    skipped_tiles = 1;
    cr_assert_eq(mas_attn_plan_run(plan, &args, &counts, &err), MAS_E_SCHEDULE);
    cr_assert_not_null(strstr(err.text, "35"), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "36"), "%s", err.text);
    skipped_tiles = 0;
    extra_tiles_q = 36; /* of a pass that it does not have */
    cr_assert_eq(mas_attn_plan_run(plan, &args, &counts, &err), MAS_E_SCHEDULE);
    mas_attn_plan_free(plan);
    mas_attn_plan_free(NULL);
}

/* Both passes are counted: that neither visits nothing, too. */
Test(attention, a_second_pass_visits_every_tile)
{
    static const mas_attn_kernel twice = {.name = "attn_backward/twice/scalar",
                                          .op = MAS_ATTN_BACKWARD,
                                          .isa = MAS_ISA_SCALAR,
                                          .supports = says_yes,
                                          .tile = tile_4x4,
                                          .run = pretends,
                                          .two_passes = true};
    const mas_attn_problem p = good();
    const mas_attn_args args = {.o = {0}};
    mas_attn_plan *plan = NULL;
    mas_error err;
    cr_assert_eq(mas_attn_plan_create_for(&twice, &p, 1, &plan, &err), MAS_OK, "%s", err.text);
    for (int64_t tiles = 0; tiles <= 37; tiles++) {
        extra_tiles_q = tiles;
        cr_expect_eq(mas_attn_plan_run(plan, &args, NULL, &err),
                     tiles == 36 ? MAS_OK : MAS_E_SCHEDULE, "%d tiles", (int)tiles);
    }
    mas_attn_plan_free(plan);
}

/* Waking threads costs more than a small problem. */
Test(attention, threads_by_work)
{
    mas_attn_problem p = good();
    for (int op = 0; op < MAS_ATTN_OP_COUNT; op++) {
        int before = 1;
        for (int threads = -1; threads <= 1; threads++)
            cr_assert_eq(mas_attn_threads(&p, (mas_attn_op)op, threads), 1);
        for (int32_t length = 8; length <= 4096; length *= 2) {
            p.q_len = p.kv_len = length;
            const int threads = mas_attn_threads(&p, (mas_attn_op)op, 64);
            cr_assert(threads >= before && threads <= 64, "%d at %d, %d before", threads, length,
                      before);
            cr_assert(length > 8 || threads == 1);
            before = threads;
        }
        cr_assert_eq(before, 64);
    }
    mas_attn_plan *plan = NULL;
    p.q_len = p.kv_len = 8;
    cr_assert_eq(mas_attn_plan_create(table, &p, MAS_ATTN_FORWARD, 8, &plan, NULL), MAS_OK);
    cr_assert_eq(plan->threads, 1);
    mas_attn_plan_free(plan);
    cr_assert_eq(mas_attn_plan_create_for(&plain, &p, 8, &plan, NULL), MAS_OK);
    cr_assert_eq(plan->threads, 8, "the checker's threads are all used");
    mas_attn_plan_free(plan);
}

Test(attention, plan_refusals)
{
    mas_attn_problem p = good();
    mas_attn_plan *plan = NULL;
    mas_error err;
    cr_assert_eq(mas_attn_plan_create(table, &p, MAS_ATTN_BACKWARD, 1, &plan, &err),
                 MAS_E_UNSUPPORTED);
    cr_assert_not_null(strstr(err.text, "attn_backward"), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "head size 16 is not 8"), "%s", err.text);
    cr_assert_eq(mas_attn_plan_create_for(&wide, &p, 1, &plan, &err), MAS_E_UNSUPPORTED);
    cr_assert_eq(mas_attn_plan_create_for(&picky, &p, 1, &plan, &err), MAS_E_SHAPE);
    p.q_heads = 7;
    cr_assert_eq(mas_attn_plan_create(table, &p, MAS_ATTN_FORWARD, 1, &plan, &err), MAS_E_SHAPE);
    cr_assert_eq(mas_attn_plan_create_for(&plain, &p, 1, &plan, &err), MAS_E_SHAPE);
    cr_assert_null(plan);
}
