/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of the CPU device on bf16: products against f64 at every level, the promise about rows,
 * rounding, and the same bits for any number of threads. The checker of devices compares every
 * operation with its oracle in both types. */
#include "device_fixture.h"

#include "kernels/reference/ops_reference.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* count normal numbers in bf16, memory of the device. */
static uint16_t *narrow(mas_device *d, int64_t count, uint64_t seed, double scale)
{
    float *x = test_normal(d, count, seed, scale);
    uint16_t *to = (uint16_t *)(void *)test_zeros(d, (count + 1) / 2);
    d->ops->convert(d, count, x, MAS_DTYPE_BF16, to);
    return to;
}

static double *wide(const uint16_t *x, int64_t count)
{
    double *w = malloc((size_t)count * sizeof *w);
    cr_assert_not_null(w);
    for (int64_t i = 0; i < count; i++)
        w[i] = (double)mas_bf16_to_f32(x[i]);
    return w;
}

Test(device_bf16, convert_rounds_to_nearest_even_at_every_level)
{
    static const uint32_t bits[] = {0x00000000, 0x80000000, 0x3f800000, 0x3f808000, 0x3f818000,
                                    0x3f808001, 0x3f80ffff, 0x7f7fffff, 0xff7fffff, 0x7f7f7fff,
                                    0x7f800000, 0xff800000, 0x7f800001, 0x7fc00000, 0xffffffff,
                                    0x00000001, 0x00008000, 0x00018000, 0x007fffff, 0x807f8000};
    enum { COUNT = sizeof bits / sizeof *bits };
    float x[COUNT];
    memcpy(x, bits, sizeof x);
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++) {
        mas_device *d = test_open(isa, 1);
        uint16_t got[COUNT];
        d->ops->convert(d, COUNT, x, MAS_DTYPE_BF16, got);
        for (int i = 0; i < COUNT; i++)
            cr_expect_eq(got[i], mas_f32_to_bf16(x[i]), "%s: %08x gives %04x, not %04x",
                         mas_isa_name(isa), bits[i], got[i], mas_f32_to_bf16(x[i]));
        test_close(d);
    }
}

/* One product with gaps between rows, which must survive. */
static void check_product(mas_device *d, int64_t m, int64_t n, int64_t k, bool trans_a,
                          bool trans_b, mas_dtype c_type, bool accumulate)
{
    const int64_t gap = 3;
    mas_matmul g = {.m = m,
                    .n = n,
                    .k = k,
                    .type = MAS_DTYPE_BF16,
                    .c_type = c_type,
                    .trans_a = trans_a,
                    .trans_b = trans_b,
                    .accumulate = accumulate,
                    .lda = (trans_a ? m : k) + gap,
                    .ldb = (trans_b ? k : n) + gap,
                    .ldc = n + gap};
    const int64_t a_count = (trans_a ? k : m) * g.lda, b_count = (trans_b ? n : k) * g.ldb;
    const uint16_t *a = narrow(d, a_count, 1, 1.0), *b = narrow(d, b_count, 2, 1.0);
    float *const before = test_normal(d, m * g.ldc, 3, 1.0), *const got = test_zeros(d, m * g.ldc);
    for (int64_t i = 0; i < m * g.ldc; i++)
        mas_dtype_store(c_type, got, i,
                        accumulate || i % g.ldc >= n ? (double)before[i] : (double)NAN);
    double *aw = wide(a, a_count), *bw = wide(b, b_count), *want = test_wide(before, m * g.ldc);
    mas_ops_reference_matmul(m, n, k, aw, g.lda, trans_a, bw, g.ldb, trans_b, accumulate, want,
                             g.ldc);
    g.a = a;
    g.b = b;
    g.c = got;
    mas_error err = {0};
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
    const double rounding = mas_dtype_roundoff(c_type), sums = 1.2e-7 * (double)k + 1e-6;
    for (int64_t i = 0; i < m * g.ldc; i++) {
        const double x = mas_dtype_load(c_type, got, i);
        double allowed = rounding * fabs(want[i]) + sums * (1 + fabs(want[i]));
        if (i % g.ldc >= n)
            allowed = rounding * fabs(want[i]);
        cr_assert(fabs(x - want[i]) <= allowed,
                  "%s, %lld x %lld x %lld %d%d%d to %s: row %lld, column %lld is %g, should be %g",
                  mas_isa_name(mas_cpu_isa()), (long long)m, (long long)n, (long long)k, trans_a,
                  trans_b, accumulate, mas_dtype_name(c_type), (long long)(i / g.ldc),
                  (long long)(i % g.ldc), x, want[i]);
    }
    free(aw);
    free(bw);
    free(want);
}

Test(device_bf16, products_match_f64_at_every_level, .timeout = 300)
{
    static const int64_t shapes[][3] = {
        {1, 1, 1},      {1, 40, 70},  {5, 1, 3},     {7, 13, 17},   {64, 64, 64},   {12, 32, 2},
        {33, 65, 129},  {300, 7, 31}, {37, 270, 20}, {13, 9, 2500}, {48, 16, 4100}, {23, 31, 1},
        {600, 50, 257}, {3, 1100, 5}, {70, 33, 300}, {40, 40, 1025}};
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            mas_device *d = test_open(isa, 2);
            const int64_t *x = shapes[s];
            for (int flags = 0; flags < 4; flags++) {
                check_product(d, x[0], x[1], x[2], flags & 1, flags & 2, MAS_DTYPE_BF16, false);
                check_product(d, x[0], x[1], x[2], flags & 1, flags & 2, MAS_DTYPE_F32, false);
                check_product(d, x[0], x[1], x[2], flags & 1, flags & 2, MAS_DTYPE_F32, true);
            }
            test_close(d);
        }
}

#if defined(__x86_64__)

/* What the emulation of tiles says about their sums is what they do. */
Test(device_bf16, emulated_tiles_give_the_bits_of_real_ones, .timeout = 60)
{
    if (test_top_isa() < MAS_ISA_AMX)
        cr_skip_test("this processor has no matrix tiles");
    enum { M = 70, N = 65, K = 1100 };
    mas_device *d = test_open(MAS_ISA_AMX, 1);
    mas_cpu_rows emulated = *mas_cpu(d)->rows;
    emulated.tiles = &mas_cpu_tiles_amx_emulated;
    float *real = test_zeros(d, M * N), *same = test_zeros(d, M * N);
    mas_matmul g = {.m = M,
                    .n = N,
                    .k = K,
                    .type = MAS_DTYPE_BF16,
                    .c_type = MAS_DTYPE_F32,
                    .trans_b = true,
                    .a = narrow(d, M * K, 1, 1.0),
                    .b = narrow(d, N * K, 2, 1.0),
                    .c = real,
                    .lda = K,
                    .ldb = K,
                    .ldc = N};
    mas_error err = {0};
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
    mas_cpu(d)->rows = &emulated;
    g.c = same;
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(memcmp(real, same, sizeof *real * M * N), 0);
    test_close(d);
}

#endif

Test(device_bf16, rows_do_not_depend_on_the_rows_beside_them, .timeout = 300)
{
    static const int64_t sizes[][2] = {{33, 64}, {100, 257}, {40, 2100}, {1030, 96}};
    static const int64_t counts[] = {1, 2, 11, 12, 13, 31, 33, 100, 257, 530};
    const int64_t all = 1043;
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++)
        for (size_t s = 0; s < 2 * sizeof sizes / sizeof *sizes; s++) {
            mas_device *d = test_open(isa, 2);
            const int64_t n = sizes[s / 2][0], k = sizes[s / 2][1];
            const mas_dtype c_type = s % 2 ? MAS_DTYPE_F32 : MAS_DTYPE_BF16;
            const uint16_t *a = narrow(d, all * k, 1, 1.0);
            char *want = (char *)(void *)test_zeros(d, all * n);
            char *got = (char *)(void *)test_zeros(d, all * n);
            mas_matmul g = {.m = all,
                            .n = n,
                            .k = k,
                            .type = MAS_DTYPE_BF16,
                            .c_type = c_type,
                            .a = a,
                            .b = narrow(d, n * k, 2, 1.0),
                            .c = want,
                            .lda = k,
                            .ldb = k,
                            .ldc = n,
                            .trans_b = true};
            mas_error err = {0};
            cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
            const size_t row = (size_t)n * mas_dtype_bytes(c_type);
            for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
                for (int64_t first = 0; first < all; first += 499) {
                    g.m = counts[i] < all - first ? counts[i] : all - first;
                    g.a = a + first * k;
                    g.c = got;
                    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
                    cr_assert_eq(memcmp(got, want + (size_t)first * row, (size_t)g.m * row), 0,
                                 "%s, %lld x %lld: %lld rows from row %lld on have other bits than "
                                 "among %lld rows",
                                 mas_isa_name(isa), (long long)n, (long long)k, (long long)g.m,
                                 (long long)first, (long long)all);
                }
            test_close(d);
        }
}

/* While a version lasts a device may go on with what it packed; a new one must be seen. */
Test(device_bf16, a_new_version_of_b_is_seen)
{
    mas_device *d = test_open(test_top_isa(), 2);
    const int64_t m = 20, n = 70, k = 33;
    const uint16_t *a = narrow(d, m * k, 1, 1.0);
    uint16_t *b = narrow(d, n * k, 2, 1.0);
    float *const got = test_zeros(d, m * n), *const want = test_zeros(d, m * n);
    mas_error err = {0};
    for (uint64_t version = 1; version < 6; version++)
        for (int trans_b = 0; trans_b < 2; trans_b++) {
            mas_matmul g = {.m = m,
                            .n = n,
                            .k = k,
                            .type = MAS_DTYPE_BF16,
                            .a = a,
                            .b = b,
                            .c = want,
                            .lda = k,
                            .ldb = trans_b ? k : n,
                            .ldc = n,
                            .trans_b = trans_b};
            if (trans_b == 0)
                memcpy(b, narrow(d, n * k, 10 + version, 1.0), (size_t)(n * k) * sizeof *b);
            cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
            g.c = got;
            g.b_version = version;
            for (int again = 0; again < 2; again++) {
                cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
                cr_assert_eq(memcmp(got, want, (size_t)(m * n) * sizeof *got), 0,
                             "version %d, trans_b %d", (int)version, trans_b);
            }
        }
    test_close(d);
}

Test(device_bf16, what_was_packed_from_memory_goes_with_it)
{
    mas_device *d = test_open(test_top_isa(), 1);
    mas_error err = {0};
    float c[2 * 64];
    const uint16_t *a = narrow(d, 2 * 64, 1, 1.0);
    void *b = NULL;
    cr_assert_eq(mas_alloc(d, 64 * 64 * sizeof(uint16_t), MAS_MEMORY_WEIGHTS, &b, &err), MAS_OK);
    mas_matmul g = {.m = 2,
                    .n = 64,
                    .k = 64,
                    .type = MAS_DTYPE_BF16,
                    .a = a,
                    .b = b,
                    .c = c,
                    .lda = 64,
                    .ldb = 64,
                    .ldc = 64,
                    .trans_b = true};
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK);
    g.b_version = 1;
    mas_cpu_fail_allocation(d, 1); /* without memory to keep it, it is packed elsewhere */
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK);
    const size_t before = d->memory.bytes[MAS_MEMORY_WORKSPACE];
    cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK);
    cr_expect_gt(d->memory.bytes[MAS_MEMORY_WORKSPACE], before);
    d->ops->release(d, b);
    cr_expect_eq(d->memory.bytes[MAS_MEMORY_WORKSPACE], before);
    test_close(d);
}

static double relative_l2(int64_t count, const double *want, mas_dtype type, const void *got)
{
    double error = 0, norm = 0;
    for (int64_t i = 0; i < count; i++) {
        const double e = mas_dtype_load(type, got, i) - want[i];
        error += e * e;
        norm += want[i] * want[i];
    }
    return sqrt(error / norm);
}

/* A vocabulary large enough for several chunks of rows. */
Test(device_bf16, cross_entropy_of_a_large_vocabulary_matches_f64, .timeout = 120)
{
    const int64_t n = 600, c = 16, vocab = 9000;
    mas_device *d = test_open(test_top_isa(), 2);
    const uint16_t *x = narrow(d, n * c, 1, 1.0), *weight = narrow(d, vocab * c, 2, 0.5);
    uint16_t *d_x = narrow(d, n * c, 3, 1.0);
    float *const losses = test_zeros(d, n), *const d_weight = test_normal(d, vocab * c, 4, 1e-4);
    int32_t *const targets = test_ids(d, n, 5, (int32_t)vocab);
    for (int64_t i = 2; i < n; i += 3)
        targets[i] = -1;
    void *workspace = test_zeros(
        d,
        (int64_t)(d->ops->cross_entropy_workspace_bytes(d, n, c, vocab, MAS_DTYPE_BF16) / 4) + 1);
    double *xw = wide(x, n * c), *ww = wide(weight, vocab * c),
           *dw = test_wide(d_weight, vocab * c);
    double *dx = calloc((size_t)(n * c), sizeof *dx),
           *logits = calloc((size_t)vocab, sizeof *logits);
    double *want = calloc((size_t)n, sizeof *want);
    mas_ops_reference_cross_entropy(n, c, vocab, MAS_DTYPE_F32, xw, ww, targets, 0.01f, want, NULL,
                                    dx, dw, logits);
    mas_error err = {0};
    cr_assert_eq(d->ops->cross_entropy(d, n, c, vocab, MAS_DTYPE_BF16, x, weight, 1, targets, 0.01f,
                                       losses, NULL, d_x, d_weight, workspace, &err),
                 MAS_OK, "%s", err.text);
    test_close_to("loss", n, losses, want, 2e-6);
    const double u = mas_dtype_roundoff(MAS_DTYPE_BF16);
    cr_expect_leq(relative_l2(n * c, dx, MAS_DTYPE_BF16, d_x), 1.5 * u);
    cr_expect_leq(relative_l2(vocab * c, dw, MAS_DTYPE_F32, d_weight), u);
    free(xw);
    free(ww);
    free(dw);
    free(dx);
    free(logits);
    free(want);
    test_close(d);
}

/* ---- threads ---- */

#define N 3000
#define C 72
#define F 200
#define V 9000

static uint64_t hash(uint64_t h, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static uint64_t products(mas_device *d, uint64_t h)
{
    static const struct {
        int64_t m, n, k;
        bool trans_a, trans_b;
        mas_dtype c_type;
    } cases[] = {
        {8192, 192, 64, false, true, MAS_DTYPE_BF16}, {3000, 64, 192, false, false, MAS_DTYPE_BF16},
        {192, 64, 8192, true, false, MAS_DTYPE_F32},  {64, 48, 5000, true, false, MAS_DTYPE_F32},
        {300, 777, 300, false, true, MAS_DTYPE_F32},  {200, 64, 9000, false, false, MAS_DTYPE_BF16},
        {600, 600, 2100, true, false, MAS_DTYPE_F32}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t m = cases[i].m, n = cases[i].n, k = cases[i].k;
        float *c = test_zeros(d, m * n);
        const mas_matmul g = {.m = m,
                              .n = n,
                              .k = k,
                              .type = MAS_DTYPE_BF16,
                              .c_type = cases[i].c_type,
                              .a = narrow(d, m * k, 1, 1.0),
                              .b = narrow(d, k * n, 2, 1.0),
                              .c = c,
                              .lda = cases[i].trans_a ? m : k,
                              .ldb = cases[i].trans_b ? k : n,
                              .ldc = n,
                              .trans_a = cases[i].trans_a,
                              .trans_b = cases[i].trans_b};
        mas_error err = {0};
        cr_assert_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
        h = hash(h, c, (size_t)(m * n) * sizeof *c);
    }
    return h;
}

static uint64_t rows(mas_device *d, uint64_t h)
{
    const mas_dtype type = MAS_DTYPE_BF16;
    const uint16_t *y = narrow(d, N * C, 1, 1.0), *d_out = narrow(d, N * C, 3, 1.0);
    const float *weight = test_normal(d, C, 2, 1.0);
    uint16_t *out = narrow(d, N * C, 4, 1.0), *copy = narrow(d, N * C, 5, 1.0);
    float *const x = test_normal(d, N * C, 6, 1.0), *const rstd = test_zeros(d, N),
                 *const d_x = test_zeros(d, N * C), *const d_w = test_zeros(d, C);
    d->ops->norm(d, MAS_NORM_RMSNORM, N, C, 1e-5f, x, y, x, weight, NULL, type, out, NULL, rstd);
    d->ops->norm_backward(d, MAS_NORM_RMSNORM, N, C, x, weight, NULL, rstd, type, d_out, d_x, copy,
                          d_w, NULL);
    d->ops->add_bias(d, N, C, weight, type, out);
    d->ops->bias_backward(d, N, C, type, out, d_w);
    d->ops->rope(d, N, 3, C / 3, C, 10000.0f, false, test_ids(d, N, 7, 1000), type, out);
    h = hash(h, x, N * C * sizeof *x);
    h = hash(h, out, N * C * sizeof *out);
    h = hash(h, copy, N * C * sizeof *copy);
    h = hash(h, d_x, N * C * sizeof *d_x);
    h = hash(h, d_w, C * sizeof *d_w);
    const uint16_t *in = narrow(d, N * 2 * F, 8, 1.0), *d_act = narrow(d, N * F, 9, 1.0);
    uint16_t *act = narrow(d, N * F, 10, 1.0), *d_in = narrow(d, N * 2 * F, 11, 1.0);
    d->ops->activation(d, MAS_ACTIVATION_SWIGLU, N, F, type, in, act);
    d->ops->activation_backward(d, MAS_ACTIVATION_SWIGLU, N, F, type, in, d_act, d_in);
    h = hash(h, act, N * F * sizeof *act);
    return hash(h, d_in, N * 2 * F * sizeof *d_in);
}

static uint64_t loss_and_step(mas_device *d, uint64_t h)
{
    const mas_dtype type = MAS_DTYPE_BF16;
    const uint16_t *x = narrow(d, N * C, 1, 1.0), *weight = narrow(d, (int64_t)V * C, 2, 0.3);
    uint16_t *d_x = narrow(d, N * C, 3, 1.0), *copy = narrow(d, (int64_t)V * C, 4, 1.0);
    float *const losses = test_zeros(d, N), *const d_weight = test_zeros(d, (int64_t)V * C);
    float *const master = test_normal(d, (int64_t)V * C, 5, 1.0),
                 *const m = test_zeros(d, (int64_t)V * C), *const v = test_zeros(d, (int64_t)V * C);
    const size_t bytes = d->ops->cross_entropy_workspace_bytes(d, N, C, V, type);
    cr_assert_lt(bytes, (size_t)N * V * sizeof(float) / 4, "logits are never whole");
    void *workspace = test_zeros(d, (int64_t)(bytes / sizeof(float)) + 1);
    mas_error err = {0};
    cr_assert_eq(d->ops->cross_entropy(d, N, C, V, type, x, weight, 1, test_ids(d, N, 6, V), 1e-3f,
                                       losses, NULL, d_x, d_weight, workspace, &err),
                 MAS_OK, "%s", err.text);
    const mas_adamw step = {.learning_rate = 1e-3f,
                            .beta1 = 0.9f,
                            .beta2 = 0.99f,
                            .epsilon = 1e-8f,
                            .gradient_scale = 1.0f,
                            .step = 1};
    d->ops->adamw(d, (int64_t)V * C, &step, d_weight, master, m, v, copy);
    for (int64_t i = 0; i < (int64_t)V * C; i++)
        cr_assert_eq(copy[i], mas_f32_to_bf16(master[i]));
    h = hash(h, losses, N * sizeof *losses);
    h = hash(h, d_x, N * C * sizeof *d_x);
    return hash(h, d_weight, (size_t)V * C * sizeof *d_weight);
}

static void same_for_all_threads(uint64_t (*run)(mas_device *d, uint64_t h), mas_isa isa)
{
    static const int threads[] = {1, 2, 3, 7};
    uint64_t first = 0;
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        mas_device *d = test_open(isa, threads[t]);
        const uint64_t h = run(d, 0xcbf29ce484222325u);
        first = t == 0 ? h : first;
        cr_expect_eq(h, first, "%s, %d threads", mas_isa_name(isa), threads[t]);
        test_close(d);
    }
}

Test(device_bf16, any_number_of_threads_gives_the_same_bits, .timeout = 300)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa += top > MAS_ISA_SCALAR ? top : 1) {
        same_for_all_threads(products, isa);
        same_for_all_threads(rows, isa);
    }
    same_for_all_threads(loss_and_step, top);
}

Test(device_bf16, refuses_types_that_it_does_not_multiply)
{
    mas_device *d = test_open(MAS_ISA_SCALAR, 1);
    mas_error err = {0};
    float x[16] = {0};
    mas_matmul g = {.m = 2, .n = 2, .k = 2, .a = x, .b = x, .c = x, .lda = 2, .ldb = 2, .ldc = 2};
    g.type = MAS_DTYPE_F16;
    cr_expect_eq(d->ops->matmul(d, &g, &err), MAS_E_DTYPE);
    g.type = MAS_DTYPE_F32;
    g.c_type = MAS_DTYPE_BF16;
    cr_expect_eq(d->ops->matmul(d, &g, &err), MAS_E_DTYPE);
    g.type = MAS_DTYPE_BF16;
    cr_expect_eq(d->ops->matmul(d, &g, &err), MAS_OK, "%s", err.text);
    g.accumulate = true;
    cr_expect_eq(d->ops->matmul(d, &g, &err), MAS_E_DTYPE);
    cr_expect(strstr(err.text, "bf16 into bf16, accumulating"), "%s", err.text);
    test_close(d);
}
