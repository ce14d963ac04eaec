/* SPDX-License-Identifier: Apache-2.0 */
/* Unembedding and cross-entropy. Rows are taken in chunks: the logits of one chunk are made in
 * the workspace in f32, turned into losses and gradients of the element type there (row by row, in
 * place), multiplied back into d_x and added to d_weight; then the next chunk uses the same space. Chunks follow each other, so d_weight has a
 * fixed order. */
#include "kernels/cpu/cpu_device.h"

#define ROWS_MIN 256 /* each chunk reads the whole weight twice and its gradient once */
#define ROWS_MAX 4096
#define ROWS_ALIGN 32
#define LOGITS_WANTED (INT64_C(1) << 20) /* 4 MiB, which stays in cache */
#define ELEMENTS_PER_PIECE 16384

static int64_t chunk_rows(int64_t n, int64_t vocab)
{
    const int64_t even = mas_cpu_smaller(mas_cpu_larger(LOGITS_WANTED / vocab, ROWS_MIN), ROWS_MAX);
    return mas_cpu_smaller(even / ROWS_ALIGN * ROWS_ALIGN, n);
}

size_t mas_cpu_cross_entropy_workspace(const mas_device *d, int64_t n, int64_t c, int64_t vocab,
                                       mas_dtype type)
{
    (void)d;
    (void)c;
    (void)type;
    return (size_t)chunk_rows(n, vocab) * (size_t)vocab * sizeof(float);
}

static mas_status check(int64_t n, int64_t vocab, const int32_t *targets, mas_error *err)
{
    for (int64_t i = 0; i < n; i++)
        if (targets[i] < -1 || targets[i] >= vocab)
            return mas_fail(err, MAS_E_ARGUMENT,
                            "target %lld is %d, expected -1 (not scored) to %lld (vocabulary - 1)",
                            (long long)i, (int)targets[i], (long long)vocab - 1);
    return MAS_OK;
}

/* Losses of a chunk; the logits become gradients when d_x is wanted. */
static void losses_of(mas_device *d, int64_t rows, int64_t vocab, bool gradient, float grad_scale,
                      const int32_t *targets, mas_dtype type, float *logits, float *losses,
                      uint8_t *correct)
{
    const mas_cpu_rows *table = mas_cpu(d)->rows;
    const int64_t step = mas_cpu_larger(ELEMENTS_PER_PIECE / vocab, 1);
    const int64_t pieces = mas_cpu_pieces(rows, step);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(dynamic, 1)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t i = p * step;
        table->softmax_loss(mas_cpu_smaller(step, rows - i), vocab, gradient, grad_scale,
                            targets + i, type, logits + i * vocab, losses + i,
                            correct ? correct + i : NULL);
    }
}

mas_status mas_cpu_cross_entropy(mas_device *d, int64_t n, int64_t c, int64_t vocab, mas_dtype type,
                                 const void *x, const void *weight, uint64_t weight_version,
                                 const int32_t *targets, float grad_scale, float *losses,
                                 uint8_t *correct, void *d_x, float *d_weight, void *workspace,
                                 mas_error *err)
{
    mas_status status = check(n, vocab, targets, err);
    const int64_t chunk = chunk_rows(n, vocab);
    /* a row of gradients starts where its logits did */
    const int64_t gradient_stride = vocab * (int64_t)(sizeof(float) / mas_dtype_bytes(type));
    float *const logits = workspace;
    for (int64_t i = 0; i < n && status == MAS_OK; i += chunk) {
        const int64_t rows = mas_cpu_smaller(chunk, n - i);
        const void *const x_rows = mas_cpu_from(type, x, i * c);
        const mas_matmul forward = {.m = rows,
                                    .n = vocab,
                                    .k = c,
                                    .type = type,
                                    .c_type = MAS_DTYPE_F32,
                                    .a = x_rows,
                                    .lda = c,
                                    .b = weight,
                                    .ldb = c,
                                    .trans_b = true,
                                    .b_version = weight_version,
                                    .c = logits,
                                    .ldc = vocab};
        status = mas_cpu_matmul(d, &forward, err);
        if (status != MAS_OK)
            break;
        losses_of(d, rows, vocab, d_x != NULL, grad_scale, targets + i, type, logits, losses + i,
                  correct ? correct + i : NULL);
        if (!d_x)
            continue;
        const mas_matmul to_x = {.m = rows,
                                 .n = c,
                                 .k = vocab,
                                 .type = type,
                                 .c_type = type,
                                 .a = logits,
                                 .lda = gradient_stride,
                                 .b = weight,
                                 .ldb = c,
                                 .b_version = weight_version,
                                 .c = mas_cpu_at(type, d_x, i * c),
                                 .ldc = c};
        const mas_matmul to_weight = {.m = vocab,
                                      .n = c,
                                      .k = rows,
                                      .type = type,
                                      .c_type = MAS_DTYPE_F32,
                                      .a = logits,
                                      .lda = gradient_stride,
                                      .trans_a = true,
                                      .b = x_rows,
                                      .ldb = c,
                                      .c = d_weight,
                                      .ldc = c,
                                      .accumulate = true};
        status = mas_cpu_matmul(d, &to_x, err);
        if (status == MAS_OK)
            status = mas_cpu_matmul(d, &to_weight, err);
    }
    return status;
}
