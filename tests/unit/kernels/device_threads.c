/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation gives the same bits for any number of threads. */
#include "device_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define N 5000
#define C 72
#define F 200
#define V 777

/* Outputs of a run, copied one after another. */
typedef struct record {
    char *bytes;
    size_t used, room;
} record;

static void keep(record *r, const void *data, size_t bytes)
{
    if (r->used + bytes > r->room) {
        r->room = 2 * (r->used + bytes);
        r->bytes = realloc(r->bytes, r->room);
        cr_assert_not_null(r->bytes);
    }
    memcpy(r->bytes + r->used, data, bytes);
    r->used += bytes;
}

static void keep_floats(record *r, const float *x, int64_t count)
{
    keep(r, x, (size_t)count * sizeof *x);
}

static void run_product(mas_device *d, record *r, int64_t m, int64_t n, int64_t k, bool trans_a,
                        bool trans_b, bool accumulate)
{
    mas_error err = {0};
    mas_matmul g = {.m = m,
                    .n = n,
                    .k = k,
                    .trans_a = trans_a,
                    .trans_b = trans_b,
                    .accumulate = accumulate,
                    .lda = trans_a ? m : k,
                    .ldb = trans_b ? k : n,
                    .ldc = n};
    g.a = test_normal(d, m * k, 1, 1.0);
    g.b = test_normal(d, k * n, 2, 1.0);
    g.c = test_normal(d, m * n, 3, 1.0);
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
    keep_floats(r, g.c, m * n);
}

static void run_products(mas_device *d, record *r)
{
    run_product(d, r, 8192, 192, 64, false, true, false);  /* rows */
    run_product(d, r, 3000, 64, 192, false, false, false); /* rows, the last piece shorter */
    run_product(d, r, 192, 64, 8192, true, false, true);   /* a cut sum, added to */
    run_product(d, r, 64, 48, 5000, true, false, false);   /* a cut sum, uneven */
    run_product(d, r, 300, 777, 300, false, true, false);  /* tiles */
    run_product(d, r, 1, 300, 64, false, true, false);     /* one row */
    run_product(d, r, 600, 600, 2100, true, false, true);  /* tiles and a cut sum */
}

static void run_rows(mas_device *d, record *r)
{
    const float *x = test_normal(d, N * C, 1, 1.0), *weight = test_normal(d, C, 2, 1.0);
    const float *d_out = test_normal(d, N * C, 3, 1.0);
    float *const out = test_zeros(d, N * C), *const mean = test_zeros(d, N),
                 *const rstd = test_zeros(d, N);
    for (int kind = 0; kind < MAS_NORM_COUNT; kind++) {
        float *const d_x = test_normal(d, N * C, 4, 1.0), *const d_p =
                                                              test_normal(d, 2 * C, 5, 1.0);
        const bool centred = kind == MAS_NORM_LAYERNORM;
        d->ops->norm(d, (mas_norm)kind, N, C, 1e-5f, x, NULL, NULL, weight, centred ? weight : NULL,
                     MAS_DTYPE_F32, out, mean, rstd);
        d->ops->norm_backward(d, (mas_norm)kind, N, C, x, weight, mean, rstd, MAS_DTYPE_F32, d_out,
                              d_x, NULL, d_p, centred ? d_p + C : NULL);
        keep_floats(r, out, N * C);
        keep_floats(r, mean, N);
        keep_floats(r, rstd, N);
        keep_floats(r, d_x, N * C);
        keep_floats(r, d_p, 2 * C);
    }
    const float *in = test_normal(d, N * 2 * F, 6, 1.0), *d_act = test_normal(d, N * F, 7, 1.0);
    float *const act = test_zeros(d, N * F), *const d_in = test_zeros(d, N * 2 * F);
    for (int kind = 0; kind < MAS_ACTIVATION_COUNT; kind++) {
        d->ops->activation(d, (mas_activation)kind, N, F, MAS_DTYPE_F32, in, act);
        d->ops->activation_backward(d, (mas_activation)kind, N, F, MAS_DTYPE_F32, in, d_act, d_in);
        keep_floats(r, act, N * F);
        keep_floats(r, d_in, N * 2 * F);
    }
    float *const d_bias = test_zeros(d, C);
    int32_t *const positions = test_ids(d, N, 8, 1000);
    d->ops->bias_backward(d, N, C, MAS_DTYPE_F32, d_out, d_bias);
    d->ops->add_bias(d, N, C, weight, MAS_DTYPE_F32, out);
    d->ops->add(d, N * C, x, out);
    d->ops->rope(d, N, 3, C / 3, C, 10000.0f, false, positions, MAS_DTYPE_F32, out);
    keep_floats(r, d_bias, C);
    keep_floats(r, out, N * C);
}

static void run_model_ends(mas_device *d, record *r)
{
    mas_error err = {0};
    const int32_t *ids = test_ids(d, N, 1, V), *positions = test_ids(d, N, 2, 100);
    const float *tokens = test_normal(d, V * C, 3, 0.3), *places = test_normal(d, 100 * C, 4, 0.3);
    const float *d_out = test_normal(d, N * C, 5, 1.0);
    float *const out = test_zeros(d, N * C), *const d_tokens = test_zeros(d, V * C);
    float *const d_places = test_zeros(d, 100 * C), *const losses = test_zeros(d, N);
    float *const d_x = test_zeros(d, N * C);
    d->ops->embed(d, N, C, ids, positions, tokens, places, out);
    d->ops->embed_backward(d, N, C, V, ids, positions, d_out, d_tokens, d_places);
    keep_floats(r, out, N * C);
    keep_floats(r, d_tokens, V * C);
    keep_floats(r, d_places, 100 * C);
    const size_t bytes = d->ops->cross_entropy_workspace_bytes(d, N, C, V, MAS_DTYPE_F32);
    void *const workspace = test_zeros(d, (int64_t)(bytes / sizeof(float)));
    cr_assert_eq(d->ops->cross_entropy(d, N, C, V, MAS_DTYPE_F32, out, tokens, 0, ids, 1e-3f,
                                       losses, NULL, d_x, d_tokens, workspace, &err),
                 MAS_OK, "%s", err.text);
    keep_floats(r, losses, N);
    keep_floats(r, d_x, N * C);
    keep_floats(r, d_tokens, V * C);
    const double squares = d->ops->sum_squares(d, N * C, d_x);
    keep(r, &squares, sizeof squares);
    float *const m = test_zeros(d, N * C), *const v = test_zeros(d, N * C);
    const mas_adamw h = {.learning_rate = 1e-3f,
                         .beta1 = 0.9f,
                         .beta2 = 0.99f,
                         .epsilon = 1e-8f,
                         .weight_decay = 0.1f,
                         .gradient_scale = 1.0f,
                         .step = 1};
    d->ops->adamw(d, N * C, &h, d_x, out, m, v, NULL);
    keep_floats(r, out, N * C);
    keep_floats(r, m, N * C);
    keep_floats(r, v, N * C);
}

static void same_for_all_threads(mas_isa isa, bool plain, void (*run)(mas_device *d, record *r))
{
    static const int threads[] = {1, 7, 2, 3, 1};
    const size_t runs = MAS_INSTRUMENTED ? 2 : sizeof threads / sizeof *threads;
    record first = {0};
    for (size_t t = 0; t < runs; t++) {
        mas_device *d = test_open(isa, threads[t]);
        record r = {0};
        mas_cpu_use_plain_matmul(d, plain);
        run(d, &r);
        if (t == 0) {
            first = r;
        } else {
            cr_assert_eq(r.used, first.used);
            size_t at = 0;
            while (at < r.used && r.bytes[at] == first.bytes[at])
                at++;
            cr_assert_eq(at, r.used, "%s, %s: byte %zu of %zu differs with %d threads",
                         d->matmul_library, mas_isa_name(isa), at, r.used, threads[t]);
            free(r.bytes);
        }
        test_close(d);
    }
    free(first.bytes);
}

Test(device_threads, library_products, .timeout = 300)
{
    same_for_all_threads(test_top_isa(), false, run_products);
}

Test(device_threads, plain_products, .timeout = 300)
{
    same_for_all_threads(test_top_isa(), true, run_products);
}

Test(device_threads, rows, .timeout = 300)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        same_for_all_threads(isa, true, run_rows);
}

Test(device_threads, embedding_loss_and_optimiser, .timeout = 300)
{
    same_for_all_threads(test_top_isa(), false, run_model_ends);
    same_for_all_threads(test_top_isa(), true, run_model_ends);
}
