/* SPDX-License-Identifier: Apache-2.0 */
/* Sum of squares (for clipping) and AdamW. */
#include "kernels/cpu/cpu_device.h"

#include <math.h>

#define ELEMENTS_PER_PIECE 32768
#define SUM_PIECES 4096

double mas_cpu_sum_squares(mas_device *d, int64_t count, const float *x)
{
    const mas_cpu_device *cpu = mas_cpu(d);
    double *const partial = (double *)(void *)cpu->scratch;
    const int64_t chunk = mas_cpu_larger(mas_cpu_pieces(count, SUM_PIECES), ELEMENTS_PER_PIECE);
    const int64_t pieces = mas_cpu_pieces(count, chunk);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++)
        partial[p] =
            cpu->rows->sum_squares(mas_cpu_smaller(chunk, count - p * chunk), x + p * chunk);
    double total = 0.0;
    for (int64_t p = 0; p < pieces; p++)
        total += partial[p];
    return total;
}

void mas_cpu_adamw_step(mas_device *d, int64_t count, const mas_adamw *hyper, const float *gradient,
                        float *weight, float *m, float *v, uint16_t *copy)
{
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const double beta1 = (double)hyper->beta1, beta2 = (double)hyper->beta2;
    const double rate = (double)hyper->learning_rate, step = (double)hyper->step;
    const mas_cpu_adamw h = {
        .gradient_scale = hyper->gradient_scale,
        .beta1 = hyper->beta1,
        .one_minus_beta1 = (float)(1.0 - beta1),
        .beta2 = hyper->beta2,
        .one_minus_beta2 = (float)(1.0 - beta2),
        .step_size = (float)(rate / (1.0 - pow(beta1, step))),
        .inverse_correct = (float)(1.0 / sqrt(1.0 - pow(beta2, step))),
        .epsilon = hyper->epsilon,
        .keep = (float)(1.0 - rate * (double)hyper->weight_decay),
    };
    const int64_t pieces = mas_cpu_pieces(count, ELEMENTS_PER_PIECE);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t i = p * ELEMENTS_PER_PIECE;
        rows->adamw(mas_cpu_smaller(ELEMENTS_PER_PIECE, count - i), &h, gradient + i, weight + i,
                    m + i, v + i, copy ? copy + i : NULL);
    }
}
