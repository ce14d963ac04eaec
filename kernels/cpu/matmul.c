/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products: pieces of product_cut.c, each computed on one thread by oneDNN's sgemm or the plain one.
 *
 * Promised of C = A B^T, the forward pass of every layer: the bits of a row of C do not depend on
 * how many rows stand beside it, so that a model evaluates to the same numbers at every batch
 * size. oneDNN 2.6.3 with AVX-512 keeps this only for pieces of 16 rows or more (with fewer it takes
 * other code) and up to 768 terms (past that its own cut of the sum depends on the rows). Hence for
 * these products
 *   - columns are cut by their number alone, and the sum only in chains of SUM_CHAIN terms inside a
 *     piece;
 *   - a short last piece joins the one before it;
 *   - fewer than MAS_CPU_ROWS_ALONE rows are padded with rows of zeros, unless 16 (n + k) floats are more
 *     than the scratch holds: then, with n + k above 65536, the promise does not reach them.
 * The plain product keeps it by itself. oneDNN's AVX2 code does not keep it: there the rows past the
 * last full block of its own are summed in another way. */
#include "kernels/cpu/cpu_device.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#if defined(MAS_HAVE_ONEDNN) && MAS_HAVE_ONEDNN
#include <dnnl.h>
#endif

#define SUM_CHAIN 512

static bool multiply(const mas_cpu_device *d, const mas_matmul *g)
{
#if defined(MAS_HAVE_ONEDNN) && MAS_HAVE_ONEDNN
    if (!d->plain_matmul)
        return dnnl_sgemm(g->trans_a ? 'T' : 'N', g->trans_b ? 'T' : 'N', g->m, g->n, g->k, 1.0f,
                          g->a, g->lda, g->b, g->ldb, g->accumulate ? 1.0f : 0.0f, g->c,
                          g->ldc) == dnnl_success;
#endif
    d->rows->gemm(g);
    return true;
}

static bool multiply_piece(const mas_cpu_device *d, const mas_matmul *piece)
{
    if (!mas_cpu_is_forward(piece))
        return multiply(d, piece);
    bool ok = true;
    for (int64_t k = 0; k < piece->k; k += SUM_CHAIN) {
        mas_matmul chain = *piece;
        chain.a = (const float *)piece->a + k;
        chain.b = (const float *)piece->b + k;
        chain.k = mas_cpu_smaller(SUM_CHAIN, piece->k - k);
        chain.accumulate = piece->accumulate || k > 0;
        ok = multiply(d, &chain) && ok;
    }
    return ok;
}

static bool needs_padding(const mas_cpu_device *d, const mas_matmul *g)
{
    return mas_cpu_is_forward(g) && g->m < MAS_CPU_ROWS_ALONE && !d->plain_matmul &&
           g->n + g->k <= MAS_CPU_SCRATCH / MAS_CPU_ROWS_ALONE;
}

/* The same product with MAS_CPU_ROWS_ALONE rows, in the device's scratch. */
static mas_matmul padded(const mas_cpu_device *d, const mas_matmul *g)
{
    float *const a = d->scratch, *const c = a + MAS_CPU_ROWS_ALONE * g->k;
    memset(a, 0, (size_t)(MAS_CPU_ROWS_ALONE * (g->k + g->n)) * sizeof *a);
    for (int64_t i = 0; i < g->m; i++) {
        memcpy(a + i * g->k, (const float *)g->a + i * g->lda, (size_t)g->k * sizeof *a);
        if (g->accumulate)
            memcpy(c + i * g->n, (const float *)g->c + i * g->ldc, (size_t)g->n * sizeof *c);
    }
    mas_matmul more = *g;
    more.m = MAS_CPU_ROWS_ALONE;
    more.a = a;
    more.lda = g->k;
    more.c = c;
    more.ldc = g->n;
    return more;
}

static mas_status check(const mas_matmul *g, mas_error *err)
{
    if (g->m < 1 || g->n < 1 || g->k < 1)
        return mas_fail(err, MAS_E_SHAPE, "matmul sizes must be at least 1; m %lld, n %lld, k %lld",
                        (long long)g->m, (long long)g->n, (long long)g->k);
    const int64_t a = g->trans_a ? g->m : g->k, b = g->trans_b ? g->k : g->n;
    if (g->lda < a || g->ldb < b || g->ldc < g->n)
        return mas_fail(err, MAS_E_SHAPE,
                        "matmul leading dimensions must be at least %lld, %lld, %lld; they are "
                        "%lld, %lld, %lld",
                        (long long)a, (long long)b, (long long)g->n, (long long)g->lda,
                        (long long)g->ldb, (long long)g->ldc);
    if ((g->type != MAS_DTYPE_F32 && g->type != MAS_DTYPE_BF16) ||
        (g->c_type != MAS_DTYPE_F32 && (g->c_type != g->type || g->accumulate)))
        return mas_fail(err, MAS_E_DTYPE,
                        "matmul multiplies f32 or bf16 into f32 or, not accumulating, the same "
                        "type; asked were %s into %s%s",
                        mas_dtype_name(g->type), mas_dtype_name(g->c_type),
                        g->accumulate ? ", accumulating" : "");
    return MAS_OK;
}

/* All pieces; false when the library failed. */
static bool multiply_all(mas_device *d, const mas_matmul *m)
{
    const mas_cpu_device *cpu = mas_cpu(d);
    const mas_cpu_cut c = mas_cpu_cut_product(m);
    const int64_t pieces = c.m * c.n * c.k;
    const int team = mas_cpu_team(d, pieces);
    bool ok = true;
#pragma omp parallel num_threads(team) reduction(&& : ok)
    {
        /* The library runs serially inside a parallel region of several threads, but not inside
         * one of a single thread; this setting belongs to the region and ends with it. */
        omp_set_num_threads(1);
#pragma omp for schedule(dynamic, 1)
        for (int64_t p = 0; p < pieces; p++) {
            const mas_matmul piece = mas_cpu_piece(m, &c, p, cpu->scratch);
            ok = multiply_piece(cpu, &piece) && ok;
        }
        if (c.k > 1) {
#pragma omp for schedule(static)
            for (int64_t row = 0; row < m->m; row++)
                mas_cpu_sum_partials(cpu, m, c.k, row);
        }
    }
    return ok;
}

mas_status mas_cpu_matmul(mas_device *d, const mas_matmul *m, mas_error *err)
{
    const mas_status status = check(m, err);
    if (status != MAS_OK)
        return status;
    if (m->type == MAS_DTYPE_BF16)
        return mas_cpu_matmul_bf16(d, m, err);
    bool ok;
    if (needs_padding(mas_cpu(d), m)) {
        const mas_matmul more = padded(mas_cpu(d), m);
        const float *from = more.c;
        ok = multiply_all(d, &more);
        for (int64_t i = 0; i < m->m; i++)
            memcpy((float *)m->c + i * m->ldc, from + i * more.ldc, (size_t)m->n * sizeof *from);
    } else {
        ok = multiply_all(d, m);
    }
    if (!ok)
        return mas_fail(err, MAS_E_MEMORY, "%s could not compute a %lld x %lld x %lld product",
                        d->matmul_library, (long long)m->m, (long long)m->n, (long long)m->k);
    return MAS_OK;
}

void mas_cpu_matmul_library(char *text, size_t size)
{
#if defined(MAS_HAVE_ONEDNN) && MAS_HAVE_ONEDNN
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, size, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
#else
    snprintf(text, size, "plain");
#endif
}
