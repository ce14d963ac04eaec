/* SPDX-License-Identifier: Apache-2.0 */
/* Row work of the CPU device: everything but the matrix products. Compiled once per instruction
 * level with -DMAS_CPU_ROWS=mas_cpu_rows_<level>
 * -DMAS_CPU_GEMM=mas_cpu_gemm_<level> -DMAS_CPU_TILES=mas_cpu_tiles_<level>.
 *
 * Sums run in LANES partial sums, one per lane, and are folded in a fixed order, so that they
 * use the vector unit without reordering by the compiler. */
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/rows_level.h"

static void convert(int64_t count, const float *from, mas_dtype type, void *to)
{
    int64_t i = 0;
    if (type == MAS_DTYPE_F32) {
        memcpy(to, from, (size_t)count * sizeof *from);
        return;
    }
    for (; i + LANES <= count; i += LANES)
        vt_store(MAS_DTYPE_BF16, to, i, vf_load(from + i), LANES);
    if (i < count)
        vt_store(MAS_DTYPE_BF16, to, i, vf_load_n(from + i, count - i), count - i);
}

static void add(int64_t count, const float *y, float *x)
{
    for (int64_t i = 0; i < count; i++)
        x[i] += y[i];
}

LANE_INLINE void add_bias_of(mas_dtype type, int64_t rows, int64_t c, const float *bias, void *x)
{
    for (int64_t i = 0; i < rows; i++) {
        void *row = vt_at(type, x, i * c);
        int64_t j = 0;
        for (; j + LANES <= c; j += LANES)
            vt_store(type, row, j, vt_load(type, row, j, LANES) + vf_load(bias + j), LANES);
        if (j < c)
            vt_store(type, row, j, vt_load(type, row, j, c - j) + vf_load_n(bias + j, c - j),
                     c - j);
    }
}

static void add_bias(int64_t rows, int64_t c, const float *bias, mas_dtype type, void *x)
{
    BY_TYPE(type, add_bias_of, rows, c, bias, x);
}

/* sums += four rows at once: a quarter of the traffic to sums */
LANE_INLINE void sum_four(mas_dtype type, const void *x, int64_t c, int64_t j, float *sums,
                          int64_t left)
{
    const vf s01 = vt_load(type, x, j, left) + vt_load(type, x, c + j, left);
    const vf s23 = vt_load(type, x, 2 * c + j, left) + vt_load(type, x, 3 * c + j, left);
    vf_store_n(sums + j, vf_load_n(sums + j, left) + (s01 + s23), left);
}

LANE_INLINE void column_sums_of(mas_dtype type, int64_t rows, int64_t c, const void *x, float *sums)
{
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        const void *row = vt_from(type, x, i * c);
        int64_t j = 0;
        for (; j + LANES <= c; j += LANES)
            sum_four(type, row, c, j, sums, LANES);
        if (j < c)
            sum_four(type, row, c, j, sums, c - j);
    }
    for (; i < rows; i++)
        add_typed(type, c, sums, vt_from(type, x, i * c), sums);
}

static void column_sums(int64_t rows, int64_t c, mas_dtype type, const void *x, float *sums)
{
    BY_TYPE(type, column_sums_of, rows, c, x, sums);
}

static double sum_squares(int64_t count, const float *x)
{
    double sum[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int l = 0; l < LANES; l++)
            sum[l] += (double)x[i + l] * (double)x[i + l];
    for (int l = 0; i < count; i++, l++)
        sum[l] += (double)x[i] * (double)x[i];
    double total = 0.0;
    for (int l = 0; l < LANES; l++)
        total += sum[l];
    return total;
}

LANE_INLINE void adamw_step(const mas_cpu_adamw *h, const float *gradient, float *weight, float *m,
                            float *v, uint16_t *copy, int64_t i, int64_t left)
{
    const vf g = vf_set(h->gradient_scale) * vf_load_n(gradient + i, left);
    const vf m_now =
        vf_fma(vf_set(h->beta1), vf_load_n(m + i, left), vf_set(h->one_minus_beta1) * g);
    const vf v_now =
        vf_fma(vf_set(h->beta2), vf_load_n(v + i, left), vf_set(h->one_minus_beta2) * g * g);
    vf_store_n(m + i, m_now, left);
    vf_store_n(v + i, v_now, left);
    const vf change = vf_set(h->step_size) * m_now /
                      vf_fma(vf_sqrt(v_now), vf_set(h->inverse_correct), vf_set(h->epsilon));
    const vf w = vf_fma(vf_set(h->keep), vf_load_n(weight + i, left), -change);
    vf_store_n(weight + i, w, left);
    if (copy)
        vt_store(MAS_DTYPE_BF16, copy, i, w, left);
}

static void adamw(int64_t count, const mas_cpu_adamw *hyper, const float *gradient, float *weight,
                  float *m, float *v, uint16_t *copy)
{
    const mas_cpu_adamw h = *hyper; /* a copy that the stores below cannot reach */
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        adamw_step(&h, gradient, weight, m, v, copy, i, LANES);
    if (i < count)
        adamw_step(&h, gradient, weight, m, v, copy, i, count - i);
}

static void exponential(int64_t count, const float *x, float *out)
{
    for (int64_t i = 0; i < count; i += LANES)
        vf_store_n(out + i, vf_exp(vf_load_n(x + i, count - i)), count - i);
}

const mas_cpu_rows LEVEL_NAME(rows) = {
    .convert = convert,
    .add = add,
    .add_bias = add_bias,
    .column_sums = column_sums,
    .norm = LEVEL_NAME(norm),
    .norm_backward = LEVEL_NAME(norm_backward),
    .activation = LEVEL_NAME(activation),
    .activation_backward = LEVEL_NAME(activation_backward),
    .rope = LEVEL_NAME(rope),
    .softmax_loss = LEVEL_NAME(softmax_loss),
    .sum_squares = sum_squares,
    .adamw = adamw,
    .gemm = LEVEL_NAME(gemm),
    .tiles = &LEVEL_NAME(tiles),
    .exponential = exponential,
};
