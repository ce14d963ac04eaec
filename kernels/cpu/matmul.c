/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products. oneDNN's sgemm (or the plain one) computes each piece on one thread; this file
 * cuts the product into pieces, by its shape alone (those of bf16, matmul_bf16.c, too):
 *
 *   many rows       whole rows, about 16 pieces of 256 to 1024 rows. With oneDNN 2.6.3 on Zen 4,
 *                   8192 rows and widths 64 to 512, such pieces reach the rate of one call.
 *   few rows        tiles of rows and columns, halved until there are 16 or a piece is too little
 *                   work to wake a thread for.
 *   long inner sum  (weight gradients: k is the number of tokens, m and n are widths) the sum is
 *                   cut too. Partial products go to the device's scratch and are added in order.
 *                   Pieces of 1024 terms cost nothing (97 to 101 % of the rate of one call,
 *                   measured as above); cutting a small output into as many tiles instead costs
 *                   5 to 40 %.
 *
 * Promised of C = A B^T, the forward pass of every layer: the bits of a row of C do not depend on
 * how many rows stand beside it, so that a model evaluates to the same numbers at every batch
 * size. oneDNN 2.6.3 with AVX-512 keeps this only for pieces of 16 rows or more (with fewer it takes
 * other code) and up to 768 terms (past that its own cut of the sum depends on the rows). Hence for
 * these products
 *   - columns are cut by their number alone, and the sum only in chains of SUM_CHAIN terms inside a
 *     piece;
 *   - a short last piece joins the one before it;
 *   - fewer than ROWS_ALONE rows are padded with rows of zeros, unless 16 (n + k) floats are more
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

#define PIECES_WANTED 16
#define PIECE_FLOPS_MIN (INT64_C(1) << 21) /* below, a thread is not worth waking */
#define ROWS_MIN 256
#define ROWS_MAX 1024
#define COLUMNS_MAX 1024
#define TILE_ALIGN 32
#define TILE_ALIGN_BF16 96 /* whole register tiles of gemm_bf16.c at every level */
#define SUM_MIN 1024
#define SUM_CHAIN 512
#define ROWS_ALONE 16

static int64_t round_up(int64_t a, int64_t to)
{
    return mas_cpu_pieces(a, to) * to;
}

static bool is_forward(const mas_matmul *g)
{
    return !g->trans_a && g->trans_b;
}

/* Pieces of that many rows; the last takes a short rest too. */
static int64_t row_pieces(int64_t m, int64_t rows)
{
    return m / rows + (m % rows >= ROWS_ALONE || m < rows);
}

mas_cpu_cut mas_cpu_cut_product(const mas_matmul *g)
{
    const bool forward = is_forward(g);
    const int64_t align = g->type == MAS_DTYPE_F32 ? TILE_ALIGN : TILE_ALIGN_BF16;
    mas_cpu_cut c = {.terms = g->k, .k = 1};
    c.rows = mas_cpu_larger(round_up(mas_cpu_pieces(g->m, PIECES_WANTED), align),
                            round_up(ROWS_MIN, align));
    c.rows = mas_cpu_smaller(mas_cpu_smaller(c.rows, ROWS_MAX / align * align), g->m);
    c.columns = mas_cpu_smaller(COLUMNS_MAX / align * align, g->n);
    c.m = row_pieces(g->m, c.rows);
    c.n = mas_cpu_pieces(g->n, c.columns);
    const int64_t missing = mas_cpu_pieces(PIECES_WANTED, c.m * c.n);
    if (!forward && missing > 1 && g->k >= 2 * SUM_MIN) {
        const int64_t fit = MAS_CPU_SCRATCH / g->m / g->n;
        c.k = mas_cpu_smaller(mas_cpu_smaller(missing, g->k / SUM_MIN), mas_cpu_larger(fit, 1));
        c.terms = round_up(mas_cpu_pieces(g->k, c.k), align);
        c.k = mas_cpu_pieces(g->k, c.terms);
    }
    while (c.m * c.n * c.k < PIECES_WANTED && c.rows * c.columns >= PIECE_FLOPS_MIN / c.terms) {
        int64_t *const side = forward || c.rows >= c.columns ? &c.rows : &c.columns;
        if (*side <= align)
            break;
        *side = round_up(mas_cpu_pieces(*side, 2), align);
        c.m = row_pieces(g->m, c.rows);
        c.n = mas_cpu_pieces(g->n, c.columns);
    }
    return c;
}

/* Piece number p; the output is the k-th partial product when the sum is cut. */
mas_matmul mas_cpu_piece(const mas_matmul *g, const mas_cpu_cut *c, int64_t p, float *partial)
{
    const int64_t ik = p % c->k, in = p / c->k % c->n, im = p / c->k / c->n;
    const int64_t m0 = im * c->rows, n0 = in * c->columns, k0 = ik * c->terms;
    mas_matmul piece = *g;
    piece.m = im + 1 < c->m ? c->rows : g->m - m0;
    piece.n = mas_cpu_smaller(c->columns, g->n - n0);
    piece.k = mas_cpu_smaller(c->terms, g->k - k0);
    piece.a = mas_cpu_from(g->type, g->a, g->trans_a ? k0 * g->lda + m0 : m0 * g->lda + k0);
    piece.b = mas_cpu_from(g->type, g->b, g->trans_b ? n0 * g->ldb + k0 : k0 * g->ldb + n0);
    if (c->k > 1) {
        piece.c = partial + ik * g->m * g->n + m0 * g->n + n0;
        piece.c_type = MAS_DTYPE_F32;
        piece.ldc = g->n;
        piece.accumulate = false;
    } else {
        piece.c = mas_cpu_at(g->c_type, g->c, m0 * g->ldc + n0);
    }
    return piece;
}

/* The first partial product is used up. */
void mas_cpu_sum_partials(const mas_cpu_device *d, const mas_matmul *g, int64_t count, int64_t row)
{
    float *const sum = d->scratch + row * g->n;
    void *const c = mas_cpu_at(g->c_type, g->c, row * g->ldc);
    for (int64_t k = 1; k < count; k++)
        d->rows->add(g->n, sum + k * g->m * g->n, sum);
    if (g->accumulate)
        d->rows->add(g->n, sum, c);
    else
        d->rows->convert(g->n, sum, g->c_type, c);
}

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
    if (!is_forward(piece))
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
    return is_forward(g) && g->m < ROWS_ALONE && !d->plain_matmul &&
           g->n + g->k <= MAS_CPU_SCRATCH / ROWS_ALONE;
}

/* The same product with ROWS_ALONE rows, in the device's scratch. */
static mas_matmul padded(const mas_cpu_device *d, const mas_matmul *g)
{
    float *const a = d->scratch, *const c = a + ROWS_ALONE * g->k;
    memset(a, 0, (size_t)(ROWS_ALONE * (g->k + g->n)) * sizeof *a);
    for (int64_t i = 0; i < g->m; i++) {
        memcpy(a + i * g->k, (const float *)g->a + i * g->lda, (size_t)g->k * sizeof *a);
        if (g->accumulate)
            memcpy(c + i * g->n, (const float *)g->c + i * g->ldc, (size_t)g->n * sizeof *c);
    }
    mas_matmul more = *g;
    more.m = ROWS_ALONE;
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
