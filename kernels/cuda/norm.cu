/* SPDX-License-Identifier: Apache-2.0 */
/* Norms fused with the residual sum, and column sums. Rows: one warp a row, which reads it from the
 * caches after the first time. Columns: SLICES slices of rows are summed side by side, then the
 * slices in order, so that the result does not depend on timing. */
#include "kernels/cuda/device.h"
#include "kernels/cuda/typed.h"

#include <math.h>

enum { WARPS = 4, THREADS = 32 * WARPS, SLICES = 128, COLUMNS = 32 };

__global__ void __launch_bounds__(THREADS)
    norm_rows(mas_norm kind, int64_t n, int64_t c, float epsilon, const float *x, const void *y,
              float *sum, const float *weight, const float *bias, mas_dtype type, void *out,
              float *mean, float *rstd)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + (threadIdx.x >> 5);
    const int lane = (int)threadIdx.x & 31;
    const bool there = row < n, centred = kind == MAS_NORM_LAYERNORM;
    const int64_t width = there ? c : 0, begin = row * c;
    float total = 0.0f, squares = 0.0f;
    for (int64_t j = lane * 4; j < width; j += 128) {
        four a = load4(MAS_DTYPE_F32, x, begin + j, width - j);
        if (y) {
            const four b = load4(type, y, begin + j, width - j);
            for (int e = 0; e < 4; e++)
                a.x[e] += b.x[e];
            store4(MAS_DTYPE_F32, sum, begin + j, width - j, a);
        }
        for (int e = 0; e < 4; e++)
            total += a.x[e];
    }
    const float *from = y ? sum : x; /* a lane reads what it wrote itself */
    const float m = centred ? warp_sum(total) / (float)c : 0.0f;
    for (int64_t j = lane * 4; j < width; j += 128) {
        const four a = load4(MAS_DTYPE_F32, from, begin + j, width - j);
        for (int e = 0; e < 4; e++)
            if (j + e < width)
                squares += (a.x[e] - m) * (a.x[e] - m);
    }
    const float r = 1.0f / sqrtf(warp_sum(squares) / (float)c + epsilon);
    for (int64_t j = lane * 4; j < width; j += 128) {
        four a = load4(MAS_DTYPE_F32, from, begin + j, width - j);
        for (int e = 0; e < 4 && j + e < width; e++)
            a.x[e] = (a.x[e] - m) * r * weight[j + e] + (centred ? bias[j + e] : 0.0f);
        store4(type, out, begin + j, width - j, a);
    }
    if (there && lane == 0) {
        rstd[row] = r;
        if (centred)
            mean[row] = m;
    }
}

/* d_x. */
__global__ void __launch_bounds__(THREADS)
    norm_rows_backward(mas_norm kind, int64_t n, int64_t c, const float *x, const float *weight,
                       const float *mean, const float *rstd, mas_dtype type, const void *d_out,
                       float *d_x, void *d_x_copy)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + (threadIdx.x >> 5);
    const int lane = (int)threadIdx.x & 31;
    const bool there = row < n, centred = kind == MAS_NORM_LAYERNORM;
    const int64_t width = there ? c : 0, begin = row * c;
    const float m = there && centred ? mean[row] : 0.0f, r = there ? rstd[row] : 0.0f;
    float sum_g = 0.0f, sum_gx = 0.0f;
    for (int64_t j = lane * 4; j < width; j += 128) {
        const four a = load4(MAS_DTYPE_F32, x, begin + j, width - j),
                   d = load4(type, d_out, begin + j, width - j);
        for (int e = 0; e < 4 && j + e < width; e++) {
            const float g = weight[j + e] * d.x[e];
            sum_g += g;
            sum_gx += g * ((a.x[e] - m) * r);
        }
    }
    const float mean_gx = warp_sum(sum_gx) / (float)c, all_g = warp_sum(sum_g) / (float)c,
                mean_g = centred ? all_g : 0.0f;
    for (int64_t j = lane * 4; j < width; j += 128) {
        const four a = load4(MAS_DTYPE_F32, x, begin + j, width - j),
                   d = load4(type, d_out, begin + j, width - j);
        four g = load4(MAS_DTYPE_F32, d_x, begin + j, width - j);
        for (int e = 0; e < 4 && j + e < width; e++)
            g.x[e] += r * (weight[j + e] * d.x[e] - mean_g - (a.x[e] - m) * r * mean_gx);
        store4(MAS_DTYPE_F32, d_x, begin + j, width - j, g);
        if (d_x_copy)
            store4(type, d_x_copy, begin + j, width - j, g);
    }
}

/* Column sums of a slice of rows: of d (times xhat, where x is given) into `first`, of d alone into
 * `second`. [SLICES][c] each; `second` may be NULL. One thread a column. */
__global__ void __launch_bounds__(COLUMNS)
    column_slices(int64_t n, int64_t c, const float *x, const float *mean, const float *rstd,
                  mas_dtype type, const void *d_out, float *first, float *second)
{
    const int64_t j = (int64_t)blockIdx.x * COLUMNS + threadIdx.x, slice = blockIdx.y;
    const int64_t begin = n * slice / SLICES, end = n * (slice + 1) / SLICES;
    if (j >= c)
        return;
    float sum = 0.0f, plain = 0.0f;
#pragma unroll 4 /* loads under way at once */
    for (int64_t i = begin; i < end; i++) {
        const float d = typed_load(type, d_out, i * c + j);
        sum += x ? d * ((x[i * c + j] - (mean ? mean[i] : 0.0f)) * rstd[i]) : d;
        plain += d;
    }
    first[slice * c + j] = sum;
    if (second)
        second[slice * c + j] = plain;
}

/* to[j] += the slices of column j, in order. */
__global__ void __launch_bounds__(COLUMNS) add_slices(int64_t c, const float *slices, float *to)
{
    const int64_t j = (int64_t)blockIdx.x * COLUMNS + threadIdx.x;
    if (j >= c)
        return;
    float sum = 0.0f;
    for (int64_t s = 0; s < SLICES; s++)
        sum += slices[s * c + j];
    to[j] += sum;
}

/* ---- host ---- */

void mas_cuda_norm(mas_device *d, mas_norm kind, int64_t n, int64_t c, float epsilon,
                   const float *x, const void *y, float *sum, const float *weight,
                   const float *bias, mas_dtype type, void *out, float *mean, float *rstd)
{
    (void)d;
    mas_cuda_note(simt_launch(norm_rows, dim3(mas_cuda_blocks(n, WARPS)), dim3(THREADS), 0,
                              mas_cuda_stream(), kind, n, c, epsilon, x, y, sum, weight, bias, type,
                              out, mean, rstd),
                  "norm");
}

static void columns(mas_device *d, int64_t n, int64_t c, const float *x, const float *mean,
                    const float *rstd, mas_dtype type, const void *d_out, float *with_x,
                    float *plain)
{
    float *slices = (float *)mas_cuda_scratch(d, (size_t)(2 * SLICES * c) * sizeof(float));
    if (!slices)
        return;
    float *second = x && plain ? slices + SLICES * c : NULL;
    const dim3 across(mas_cuda_blocks(c, COLUMNS));
    mas_cuda_note(simt_launch(column_slices, dim3(across.x, SLICES), dim3(COLUMNS), 0,
                              mas_cuda_stream(), n, c, x, mean, rstd, type, d_out, slices, second),
                  "column sums");
    mas_cuda_note(simt_launch(add_slices, across, dim3(COLUMNS), 0, mas_cuda_stream(), c, slices,
                              x ? with_x : plain),
                  "column sums");
    if (second)
        mas_cuda_note(
            simt_launch(add_slices, across, dim3(COLUMNS), 0, mas_cuda_stream(), c, second, plain),
            "column sums");
}

void mas_cuda_norm_backward(mas_device *d, mas_norm kind, int64_t n, int64_t c, const float *x,
                            const float *weight, const float *mean, const float *rstd,
                            mas_dtype type, const void *d_out, float *d_x, void *d_x_copy,
                            float *d_weight, float *d_bias)
{
    mas_cuda_note(simt_launch(norm_rows_backward, dim3(mas_cuda_blocks(n, WARPS)), dim3(THREADS), 0,
                              mas_cuda_stream(), kind, n, c, x, weight, mean, rstd, type, d_out,
                              d_x, d_x_copy),
                  "norm_backward");
    const bool centred = kind == MAS_NORM_LAYERNORM;
    columns(d, n, c, x, centred ? mean : NULL, rstd, type, d_out, d_weight,
            centred ? d_bias : NULL);
}

void mas_cuda_bias_backward(mas_device *d, int64_t n, int64_t c, mas_dtype type, const void *d_out,
                            float *d_bias)
{
    columns(d, n, c, NULL, NULL, NULL, type, d_out, NULL, d_bias);
}
