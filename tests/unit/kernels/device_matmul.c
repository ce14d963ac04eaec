/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of the CPU device against f64, with and without the library. */
#include "device_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void oracle(const mas_matmul *g, const float *before, double *c)
{
    const float *a = g->a, *b = g->b;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double sum = g->accumulate ? (double)before[i * g->ldc + j] : 0.0;
            for (int64_t k = 0; k < g->k; k++)
                sum += (double)a[g->trans_a ? k * g->lda + i : i * g->lda + k] *
                       (double)b[g->trans_b ? j * g->ldb + k : k * g->ldb + j];
            c[i * g->n + j] = sum;
        }
}

/* One product with padded rows; the padding of c must survive. */
static void check_product(mas_device *d, int64_t m, int64_t n, int64_t k, bool trans_a,
                          bool trans_b, bool accumulate)
{
    const int64_t pad = 3;
    mas_matmul g = {
        .m = m, .n = n, .k = k, .trans_a = trans_a, .trans_b = trans_b, .accumulate = accumulate};
    g.lda = (trans_a ? m : k) + pad;
    g.ldb = (trans_b ? k : n) + pad;
    g.ldc = n + pad;
    g.a = test_normal(d, (trans_a ? k : m) * g.lda, 1, 1.0);
    g.b = test_normal(d, (trans_b ? n : k) * g.ldb, 2, 1.0);
    float *const before = test_normal(d, m * g.ldc, 3, 1.0);
    float *const got = test_zeros(d, m * g.ldc);
    g.c = got;
    for (int64_t i = 0; i < m * g.ldc; i++)
        got[i] = accumulate || i % g.ldc >= n ? before[i] : NAN;
    double *want = malloc((size_t)(m * n) * sizeof *want);
    cr_assert_not_null(want);
    oracle(&g, before, want);
    mas_error err = {0};
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
    char what[96];
    snprintf(what, sizeof what, "%s %lld x %lld x %lld %d%d%d", d->matmul_library, (long long)m,
             (long long)n, (long long)k, trans_a, trans_b, accumulate);
    for (int64_t i = 0; i < m; i++) {
        test_close_to(what, n, got + i * g.ldc, want + i * n, 1.2e-7 * (double)k + 1e-6);
        cr_assert_eq(
            memcmp(got + i * g.ldc + n, before + i * g.ldc + n, (size_t)pad * sizeof(float)), 0,
            "%s: row %lld wrote past its end", what, (long long)i);
    }
    free(want);
}

static void check_shapes(mas_isa isa, bool plain)
{
    static const int64_t shapes[][3] = {
        {1, 1, 1},      {1, 40, 70},  {5, 1, 3},     {7, 13, 17},   {64, 64, 64},
        {33, 65, 129},  {300, 7, 31}, {37, 270, 20}, {13, 9, 2500}, {48, 16, 4100},
        {600, 50, 257}, {3, 1100, 5}, {70, 33, 300}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int flags = 0; flags < 8; flags++) {
            mas_device *d = test_open(isa, 2);
            mas_cpu_use_plain_matmul(d, plain);
            check_product(d, shapes[s][0], shapes[s][1], shapes[s][2], flags & 1, flags & 2,
                          flags & 4);
            test_close(d);
        }
}

Test(device_matmul, library_matches_f64, .timeout = 300)
{
    check_shapes(test_top_isa(), false);
}

Test(device_matmul, plain_matches_f64_at_every_level, .timeout = 300)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        check_shapes(isa, true);
}

/* The same rows in products of m rows, starting at row `first` of a larger one; of every `step`th m. */
static void check_rows_alone(mas_device *d, int64_t n, int64_t k, bool accumulate, size_t step)
{
    static const int64_t counts[] = {1,  2,  3,   7,   15,  16,  17,  31,  32,  33, 48,
                                     63, 65, 100, 255, 256, 257, 271, 272, 500, 530};
    const int64_t all = 1043;
    float *const a = test_normal(d, all * k, 1, 1.0), *const b = test_normal(d, n * k, 2, 1.0);
    float *const before = test_normal(d, all * n, 3, 1.0), *const want = test_zeros(d, all * n);
    float *const got = test_zeros(d, all * n);
    mas_error err = {0};
    mas_matmul g = {.m = all,
                    .n = n,
                    .k = k,
                    .a = a,
                    .b = b,
                    .c = want,
                    .lda = k,
                    .ldb = k,
                    .ldc = n,
                    .trans_b = true,
                    .accumulate = accumulate};
    memcpy(want, before, (size_t)(all * n) * sizeof *want);
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i += step)
        for (int64_t first = 0; first < all; first += 499) {
            const int64_t m = counts[i] < all - first ? counts[i] : all - first;
            const size_t bytes = (size_t)(m * n) * sizeof *got;
            memcpy(got, before + first * n, bytes);
            g.m = m;
            g.a = a + first * k;
            g.c = got;
            cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
            cr_assert_eq(memcmp(got, want + first * n, bytes), 0,
                         "%s, %lld x %lld: %lld rows from row %lld on have other bits than among "
                         "%lld rows",
                         d->matmul_library, (long long)n, (long long)k, (long long)m,
                         (long long)first, (long long)all);
        }
}

/* Promised of C = A B^T alone, and of the library with AVX-512 alone; matmul.c says why. */
Test(device_matmul, rows_do_not_depend_on_the_rows_beside_them, .timeout = 300)
{
    static const int64_t sizes[][2] = {{1, 5},     {33, 64},   {192, 64},   {100, 257},
                                       {256, 64},  {64, 1000}, {512, 1100}, {40, 2100},
                                       {1030, 96}, {1500, 800}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int plain = test_top_isa() < MAS_ISA_AVX512; plain < 2; plain++) {
            mas_device *d = test_open(test_top_isa(), 2);
            mas_cpu_use_plain_matmul(d, plain);
            /* the plain product does more of the same in a large one, a library may do something else */
            const bool large = sizes[s][0] * sizes[s][1] > 100000;
            if (!(plain && large && MAS_INSTRUMENTED))
                check_rows_alone(d, sizes[s][0], sizes[s][1], s % 2, plain && large ? 5 : 1);
            test_close(d);
        }
}

Test(device_matmul, refuses_sizes_that_do_not_fit)
{
    mas_device *d = test_open(MAS_ISA_SCALAR, 1);
    mas_error err = {0};
    float x[16] = {0};
    mas_matmul g = {.m = 2, .n = 2, .k = 0, .a = x, .b = x, .c = x, .lda = 2, .ldb = 2, .ldc = 2};
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_E_SHAPE);
    cr_assert(strstr(err.text, "k 0"), "%s", err.text);
    g.k = 3;
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_E_SHAPE);
    cr_assert(strstr(err.text, "at least 3, 2, 2; they are 2, 2, 2"), "%s", err.text);
    g.trans_a = true; /* now A is [3,2] and lda 2 is enough */
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK);
    test_close(d);
}
