/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on rows: conversion, norm, activation, bias, addition, rotary positions. Rows are cut into
 * pieces that fit a core's cache; sums over rows (parameter gradients) have at most SUM_PIECES
 * partial sums in the device's scratch, added in order. */
#include "kernels/cpu/cpu_device.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ELEMENTS_PER_PIECE 32768
#define SUM_PIECES 32

/* Rows of a piece when each has c elements. */
static int64_t rows_per_piece(int64_t c)
{
    return mas_cpu_larger(ELEMENTS_PER_PIECE / c, 1);
}

/* Rows of a piece of a sum over n rows into `width` numbers: few enough partial sums for the
 * scratch. */
static int64_t rows_per_sum(int64_t n, int64_t c, int64_t width)
{
    const int64_t fit = mas_cpu_larger(MAS_CPU_SCRATCH / width, 1);
    const int64_t even = mas_cpu_pieces(n, mas_cpu_smaller(SUM_PIECES, fit));
    const int64_t worth = mas_cpu_smaller(rows_per_piece(c), n);
    return mas_cpu_larger(even, worth);
}

/* target[c] += the partial sums, `stride` apart, in order. */
static void add_partials(const mas_cpu_device *d, int64_t pieces, int64_t c, const float *partial,
                         int64_t stride, float *target)
{
    for (int64_t p = 0; p < pieces; p++)
        d->rows->add(c, partial + p * stride, target);
}

void mas_cpu_convert(mas_device *d, int64_t count, const float *from, mas_dtype type, void *to)
{
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const int64_t pieces = mas_cpu_pieces(count, ELEMENTS_PER_PIECE);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t i = p * ELEMENTS_PER_PIECE;
        rows->convert(mas_cpu_smaller(ELEMENTS_PER_PIECE, count - i), from + i, type,
                      mas_cpu_at(type, to, i));
    }
}

void mas_cpu_norm(mas_device *d, mas_norm kind, int64_t n, int64_t c, float epsilon, const float *x,
                  const void *y, float *sum, const float *weight, const float *bias, mas_dtype type,
                  void *out, float *mean, float *rstd)
{
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const int64_t chunk = rows_per_piece(c), pieces = mas_cpu_pieces(n, chunk);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t i = p * chunk;
        rows->norm(kind, mas_cpu_smaller(chunk, n - i), c, epsilon, x + i * c,
                   y ? mas_cpu_from(type, y, i * c) : NULL, y ? sum + i * c : NULL, weight, bias,
                   type, mas_cpu_at(type, out, i * c), mean ? mean + i : NULL, rstd + i);
    }
}

void mas_cpu_norm_backward(mas_device *d, mas_norm kind, int64_t n, int64_t c, const float *x,
                           const float *weight, const float *mean, const float *rstd,
                           mas_dtype type, const void *d_out, float *d_x, void *d_x_copy,
                           float *d_weight, float *d_bias)
{
    const mas_cpu_device *cpu = mas_cpu(d);
    const int64_t width = d_bias ? 2 * c : c;
    const int64_t chunk = rows_per_sum(n, c, width), pieces = mas_cpu_pieces(n, chunk);
    if (pieces == 1) {
        cpu->rows->norm_backward(kind, n, c, x, weight, mean, rstd, type, d_out, d_x, d_x_copy,
                                 d_weight, d_bias);
        return;
    }
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t i = p * chunk;
        float *sums = cpu->scratch + p * width;
        memset(sums, 0, (size_t)width * sizeof *sums);
        cpu->rows->norm_backward(
            kind, mas_cpu_smaller(chunk, n - i), c, x + i * c, weight, mean ? mean + i : NULL,
            rstd + i, type, mas_cpu_from(type, d_out, i * c), d_x + i * c,
            d_x_copy ? mas_cpu_at(type, d_x_copy, i * c) : NULL, sums, d_bias ? sums + c : NULL);
    }
    add_partials(cpu, pieces, c, cpu->scratch, width, d_weight);
    if (d_bias)
        add_partials(cpu, pieces, c, cpu->scratch + c, width, d_bias);
}

void mas_cpu_bias_backward(mas_device *d, int64_t n, int64_t c, mas_dtype type, const void *d_out,
                           float *d_bias)
{
    const mas_cpu_device *cpu = mas_cpu(d);
    const int64_t chunk = rows_per_sum(n, c, c), pieces = mas_cpu_pieces(n, chunk);
    if (pieces == 1) {
        cpu->rows->column_sums(n, c, type, d_out, d_bias);
        return;
    }
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        float *sums = cpu->scratch + p * c;
        memset(sums, 0, (size_t)c * sizeof *sums);
        cpu->rows->column_sums(mas_cpu_smaller(chunk, n - p * chunk), c, type,
                               mas_cpu_from(type, d_out, p * chunk * c), sums);
    }
    add_partials(cpu, pieces, c, cpu->scratch, c, d_bias);
}

void mas_cpu_activation(mas_device *d, mas_activation kind, int64_t n, int64_t f, mas_dtype type,
                        const void *in, void *out)
{
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const int64_t width = kind == MAS_ACTIVATION_SWIGLU ? 2 * f : f;
    const int64_t chunk = rows_per_piece(f), pieces = mas_cpu_pieces(n, chunk);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t i = p * chunk;
        rows->activation(kind, mas_cpu_smaller(chunk, n - i), f, type,
                         mas_cpu_from(type, in, i * width), mas_cpu_at(type, out, i * f));
    }
}

void mas_cpu_activation_backward(mas_device *d, mas_activation kind, int64_t n, int64_t f,
                                 mas_dtype type, const void *in, const void *d_out, void *d_in)
{
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const int64_t width = kind == MAS_ACTIVATION_SWIGLU ? 2 * f : f;
    const int64_t chunk = rows_per_piece(f), pieces = mas_cpu_pieces(n, chunk);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t i = p * chunk;
        rows->activation_backward(
            kind, mas_cpu_smaller(chunk, n - i), f, type, mas_cpu_from(type, in, i * width),
            mas_cpu_from(type, d_out, i * f), mas_cpu_at(type, d_in, i * width));
    }
}

void mas_cpu_add_bias(mas_device *d, int64_t n, int64_t c, const float *bias, mas_dtype type,
                      void *x)
{
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const int64_t chunk = rows_per_piece(c), pieces = mas_cpu_pieces(n, chunk);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++)
        rows->add_bias(mas_cpu_smaller(chunk, n - p * chunk), c, bias, type,
                       mas_cpu_at(type, x, p * chunk * c));
}

void mas_cpu_add(mas_device *d, int64_t count, const float *y, float *x)
{
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const int64_t pieces = mas_cpu_pieces(count, ELEMENTS_PER_PIECE);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t i = p * ELEMENTS_PER_PIECE;
        rows->add(mas_cpu_smaller(ELEMENTS_PER_PIECE, count - i), y + i, x + i);
    }
}

void mas_cpu_rope(mas_device *d, int64_t n, int64_t heads, int64_t dim, int64_t row_stride,
                  float theta, bool inverse, const int32_t *positions, mas_dtype type, void *x)
{
    assert(dim % 2 == 0 && dim <= MAS_HEAD_DIM_MAX);
    double frequency[MAS_HEAD_DIM_MAX / 2];
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const float direction = inverse ? -1.0f : 1.0f;
    for (int64_t j = 0; j < dim / 2; j++)
        frequency[j] = pow((double)theta, -2.0 * (double)j / (double)dim);
    const int64_t chunk = rows_per_piece(heads * dim), pieces = mas_cpu_pieces(n, chunk);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t i = p * chunk;
        rows->rope(mas_cpu_smaller(chunk, n - i), heads, dim, row_stride, frequency, direction,
                   positions + i, type, mas_cpu_at(type, x, i * row_stride));
    }
}
