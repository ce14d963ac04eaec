/* SPDX-License-Identifier: Apache-2.0 */
/* How a matrix product is cut into pieces that threads share: by its shape alone, so that any number of threads gives
 * the same bits.
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
 * Of C = A B^T columns are cut by their number alone, the sum not at all, and a short last piece of rows joins the one
 * before it: matmul.c says what that is for. */
#include "kernels/cpu/cpu_device.h"

#define PIECES_WANTED 16
#define PIECE_FLOPS_MIN (INT64_C(1) << 21) /* below, a thread is not worth waking */
#define ROWS_MIN 256
#define ROWS_MAX 1024
#define COLUMNS_MAX 1024
#define TILE_ALIGN 32
#define TILE_ALIGN_BF16 96 /* whole register tiles of gemm_bf16.c at every level */
#define SUM_MIN 1024

static int64_t round_up(int64_t a, int64_t to)
{
    return mas_cpu_pieces(a, to) * to;
}

/* Pieces of that many rows; the last takes a short rest too. */
static int64_t row_pieces(int64_t m, int64_t rows)
{
    return m / rows + (m % rows >= MAS_CPU_ROWS_ALONE || m < rows);
}

mas_cpu_cut mas_cpu_cut_product(const mas_matmul *g)
{
    const bool forward = mas_cpu_is_forward(g);
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
