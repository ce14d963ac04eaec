/* SPDX-License-Identifier: Apache-2.0 */
/* Row work of the CPU device: everything but the matrix products. Compiled once per instruction
 * level with -DMAS_CPU_ROWS=mas_cpu_rows_<level> -DMAS_CPU_GEMM=mas_cpu_gemm_<level>.
 *
 * Sums run in LANES partial sums, one per lane, and are folded in a fixed order, so that they
 * use the vector unit without reordering by the compiler. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/lanes.h"

#include <math.h>

static void add(int64_t count, const float *y, float *x)
{
    for (int64_t i = 0; i < count; i++)
        x[i] += y[i];
}

static void add_bias(int64_t rows, int64_t c, const float *bias, float *x)
{
    for (int64_t i = 0; i < rows; i++)
        add(c, bias, x + i * c);
}

static void column_sums(int64_t rows, int64_t c, const float *x, float *sums)
{
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) { /* four rows at once: a quarter of the traffic to sums */
        const float *x0 = x + i * c, *x1 = x0 + c, *x2 = x1 + c, *x3 = x2 + c;
        for (int64_t j = 0; j < c; j++)
            sums[j] += (x0[j] + x1[j]) + (x2[j] + x3[j]);
    }
    for (; i < rows; i++)
        add(c, x + i * c, sums);
}

static float row_sum(int64_t c, const float *x)
{
    vf s0 = vf_set(0.0f), s1 = s0;
    int64_t j = 0;
    for (; j + 2 * LANES <= c; j += 2 * LANES) {
        s0 += vf_load(x + j);
        s1 += vf_load(x + j + LANES);
    }
    for (; j < c; j += LANES)
        s0 += vf_load_n(x + j, c - j);
    return vf_sum(s0 + s1);
}

/* Sum of (x - mean)^2. */
static float row_squares(int64_t c, const float *x, float mean)
{
    const vf m = vf_set(mean);
    vf s0 = vf_set(0.0f), s1 = s0;
    int64_t j = 0;
    for (; j + 2 * LANES <= c; j += 2 * LANES) {
        const vf a = vf_load(x + j) - m, b = vf_load(x + j + LANES) - m;
        s0 = vf_fma(a, a, s0);
        s1 = vf_fma(b, b, s1);
    }
    for (; j < c; j += LANES) {
        const vf a = vf_keep_n(vf_load_n(x + j, c - j) - m, c - j, 0.0f);
        s0 = vf_fma(a, a, s0);
    }
    return vf_sum(s0 + s1);
}

LANE_INLINE void norm_step(const float *x, const float *weight, const float *bias, vf mean, vf rstd,
                           float *out, int64_t left)
{
    const vf b = bias ? vf_load_n(bias, left) : vf_set(0.0f);
    vf_store_n(out, vf_fma((vf_load_n(x, left) - mean) * rstd, vf_load_n(weight, left), b), left);
}

static void norm(mas_norm kind, int64_t rows, int64_t c, float epsilon, const float *x,
                 const float *weight, const float *bias, float *out, float *mean, float *rstd)
{
    for (int64_t i = 0; i < rows; i++, x += c, out += c) {
        const float mu = kind == MAS_NORM_LAYERNORM ? row_sum(c, x) / (float)c : 0.0f;
        const float scale = 1.0f / sqrtf(row_squares(c, x, mu) / (float)c + epsilon);
        const vf m = vf_set(mu), r = vf_set(scale);
        int64_t j = 0;
        for (; j + LANES <= c; j += LANES)
            norm_step(x + j, weight + j, bias ? bias + j : NULL, m, r, out + j, LANES);
        if (j < c)
            norm_step(x + j, weight + j, bias ? bias + j : NULL, m, r, out + j, c - j);
        if (kind == MAS_NORM_LAYERNORM)
            mean[i] = mu;
        rstd[i] = scale;
    }
}

/* With h = (x - mean) * rstd and g = d_out * weight:
 * d_x += rstd * (g - average(g) - h * average(g h)), the first average only for layernorm. */
LANE_INLINE void norm_sums_step(const float *x, const float *weight, vf mean, vf rstd,
                                const float *d_out, float *d_weight, float *d_bias, vf *g_sum,
                                vf *gh_sum, int64_t left)
{
    const vf d = vf_load_n(d_out, left), h = (vf_load_n(x, left) - mean) * rstd;
    const vf g = d * vf_load_n(weight, left);
    *g_sum += g;
    *gh_sum = vf_fma(g, h, *gh_sum);
    vf_store_n(d_weight, vf_fma(d, h, vf_load_n(d_weight, left)), left);
    if (d_bias)
        vf_store_n(d_bias, d + vf_load_n(d_bias, left), left);
}

LANE_INLINE void norm_input_step(const float *x, const float *weight, vf mean, vf rstd, vf g_mean,
                                 vf gh_mean, const float *d_out, float *d_x, int64_t left)
{
    const vf h = (vf_load_n(x, left) - mean) * rstd;
    const vf g = vf_load_n(d_out, left) * vf_load_n(weight, left);
    const vf inner = vf_fma(-h, gh_mean, g - g_mean);
    vf_store_n(d_x, vf_fma(rstd, inner, vf_load_n(d_x, left)), left);
}

static void norm_backward(mas_norm kind, int64_t rows, int64_t c, const float *x,
                          const float *weight, const float *mean, const float *rstd,
                          const float *d_out, float *d_x, float *d_weight, float *d_bias)
{
    const bool centred = kind == MAS_NORM_LAYERNORM;
    for (int64_t i = 0; i < rows; i++, x += c, d_out += c, d_x += c) {
        const vf m = vf_set(centred ? mean[i] : 0.0f), r = vf_set(rstd[i]);
        vf g_sum = vf_set(0.0f), gh_sum = g_sum;
        int64_t j = 0;
        for (; j + LANES <= c; j += LANES)
            norm_sums_step(x + j, weight + j, m, r, d_out + j, d_weight + j,
                           d_bias ? d_bias + j : NULL, &g_sum, &gh_sum, LANES);
        if (j < c)
            norm_sums_step(x + j, weight + j, m, r, d_out + j, d_weight + j,
                           d_bias ? d_bias + j : NULL, &g_sum, &gh_sum, c - j);
        const vf g_mean = vf_set(centred ? vf_sum(g_sum) / (float)c : 0.0f);
        const vf gh_mean = vf_set(vf_sum(gh_sum) / (float)c);
        for (j = 0; j + LANES <= c; j += LANES)
            norm_input_step(x + j, weight + j, m, r, g_mean, gh_mean, d_out + j, d_x + j, LANES);
        if (j < c)
            norm_input_step(x + j, weight + j, m, r, g_mean, gh_mean, d_out + j, d_x + j, c - j);
    }
}

/* 1 / (1 + exp(-x)). */
LANE_INLINE vf sigmoid(vf x)
{
    return vf_set(1.0f) / (vf_set(1.0f) + vf_exp(-x));
}

/* The same; *rest is 1 - sigmoid(x) without the cancellation of that subtraction. */
LANE_INLINE vf sigmoid_rest(vf x, vf *rest)
{
    const vf e = vf_exp(-x), s = vf_set(1.0f) / (vf_set(1.0f) + e);
    *rest = e * s;
    return s;
}

/* gelu(x) = x/2 (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3); since (1 + tanh u)/2 =
 * sigmoid(2u), one exponential serves and small results keep their relative accuracy. */
#define GELU_LINEAR 1.5957691216057308f /* 2 sqrt(2/pi) */
#define GELU_CUBIC 0.07135481627613502f /* 0.044715 times that */

LANE_INLINE void gelu_step(const float *in, float *out, int64_t left)
{
    const vf x = vf_load_n(in, left);
    const vf argument = x * vf_fma(vf_set(GELU_CUBIC), x * x, vf_set(GELU_LINEAR));
    vf_store_n(out, x * sigmoid(argument), left);
}

static void gelu(int64_t count, const float *in, float *out)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        gelu_step(in + i, out + i, LANES);
    if (i < count)
        gelu_step(in + i, out + i, count - i);
}

LANE_INLINE void gelu_backward_step(const float *in, const float *d_out, float *d_in, int64_t left)
{
    /* Past +-30 the derivative is 0 or 1 in f32; the clamp keeps its factors finite. */
    const vf x = vf_min(vf_set(30.0f), vf_max(vf_set(-30.0f), vf_load_n(in, left)));
    const vf x2 = x * x;
    vf rest;
    const vf s = sigmoid_rest(x * vf_fma(vf_set(GELU_CUBIC), x2, vf_set(GELU_LINEAR)), &rest);
    const vf slope = vf_fma(vf_set(3.0f * GELU_CUBIC), x2, vf_set(GELU_LINEAR));
    const vf d = vf_fma(x * s * rest, slope, s);
    vf_store_n(d_in, vf_load_n(d_out, left) * d, left);
}

static void gelu_backward(int64_t count, const float *in, const float *d_out, float *d_in)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        gelu_backward_step(in + i, d_out + i, d_in + i, LANES);
    if (i < count)
        gelu_backward_step(in + i, d_out + i, d_in + i, count - i);
}

LANE_INLINE void swiglu_step(const float *in, int64_t f, float *out, int64_t left)
{
    const vf gate = vf_load_n(in, left), up = vf_load_n(in + f, left);
    vf_store_n(out, gate * sigmoid(gate) * up, left);
}

static void swiglu(int64_t rows, int64_t f, const float *in, float *out)
{
    for (int64_t i = 0; i < rows; i++, in += 2 * f, out += f) {
        int64_t j = 0;
        for (; j + LANES <= f; j += LANES)
            swiglu_step(in + j, f, out + j, LANES);
        if (j < f)
            swiglu_step(in + j, f, out + j, f - j);
    }
}

LANE_INLINE void swiglu_backward_step(const float *in, int64_t f, const float *d_out, float *d_in,
                                      int64_t left)
{
    const vf gate = vf_load_n(in, left), up = vf_load_n(in + f, left), d = vf_load_n(d_out, left);
    vf rest;
    const vf s = sigmoid_rest(gate, &rest), silu = gate * s;
    const vf slope = vf_fma(silu, rest, s); /* of silu */
    vf_store_n(d_in, d * up * slope, left);
    vf_store_n(d_in + f, d * silu, left);
}

static void swiglu_backward(int64_t rows, int64_t f, const float *in, const float *d_out,
                            float *d_in)
{
    for (int64_t i = 0; i < rows; i++, in += 2 * f, d_in += 2 * f, d_out += f) {
        int64_t j = 0;
        for (; j + LANES <= f; j += LANES)
            swiglu_backward_step(in + j, f, d_out + j, d_in + j, LANES);
        if (j < f)
            swiglu_backward_step(in + j, f, d_out + j, d_in + j, f - j);
    }
}

static void activation(mas_activation kind, int64_t rows, int64_t f, const float *in, float *out)
{
    if (kind == MAS_ACTIVATION_GELU)
        gelu(rows * f, in, out);
    else
        swiglu(rows, f, in, out);
}

static void activation_backward(mas_activation kind, int64_t rows, int64_t f, const float *in,
                                const float *d_out, float *d_in)
{
    if (kind == MAS_ACTIVATION_GELU)
        gelu_backward(rows * f, in, d_out, d_in);
    else
        swiglu_backward(rows, f, in, d_out, d_in);
}

#define ROPE_BLOCK (MAS_HEAD_DIM_MAX / 2)

/* Cosine and sine of position * frequency[j]. The angle is taken modulo pi/2 in f64 (exact to
 * 1e-9 up to 2^31), the rest by the polynomials of Cephes cosf and sinf on [-pi/4, pi/4]. Two
 * loops, so that each has one width of number and vectorises. */
static void rotations(int64_t count, double position, const double *frequency, float direction,
                      float *restrict cosine, float *restrict sine)
{
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
    float rest[ROPE_BLOCK];
    int32_t quarters[ROPE_BLOCK];
    for (int64_t j = 0; j < count; j++) {
        const double angle = position * frequency[j];
        const double quarter = (angle * 0.63661977236758134 + magic) - magic;
        rest[j] = (float)((angle - quarter * 1.5707963267341256) - quarter * 6.077100506506192e-11);
        quarters[j] = (int32_t)quarter;
    }
    for (int64_t j = 0; j < count; j++) {
        const float r = rest[j], r2 = r * r;
        const int32_t q = quarters[j];
        const float s =
            r + r * r2 * (-1.6666654611e-1f + r2 * (8.3321608736e-3f - r2 * 1.9515295891e-4f));
        const float c = 1.0f - 0.5f * r2 +
                        r2 * r2 *
                            (4.166664568298827e-2f +
                             r2 * (-1.388731625493765e-3f + r2 * 2.443315711809948e-5f));
        const float c_now = (q & 1) ? s : c, s_now = (q & 1) ? c : s;
        cosine[j] = ((q + 1) & 2) ? -c_now : c_now;
        sine[j] = (q & 2) ? -direction * s_now : direction * s_now;
    }
}

static void rotate(int64_t half, const float *restrict cosine, const float *restrict sine,
                   float *restrict first, float *restrict second)
{
    for (int64_t j = 0; j < half; j++) {
        const float a = first[j], b = second[j];
        first[j] = a * cosine[j] - b * sine[j];
        second[j] = a * sine[j] + b * cosine[j];
    }
}

static void rope(int64_t rows, int64_t heads, int64_t dim, int64_t row_stride,
                 const double *frequency, float direction, const int32_t *positions, float *x)
{
    float cosine[ROPE_BLOCK], sine[ROPE_BLOCK];
    const int64_t half = dim / 2;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j0 = 0; j0 < half; j0 += ROPE_BLOCK) {
            const int64_t count = half - j0 < ROPE_BLOCK ? half - j0 : ROPE_BLOCK;
            rotations(count, (double)positions[i], frequency + j0, direction, cosine, sine);
            for (int64_t h = 0; h < heads; h++) {
                float *first = x + i * row_stride + h * dim + j0;
                rotate(count, cosine, sine, first, first + half);
            }
        }
}

static float row_largest(int64_t n, const float *x)
{
    vf m0 = vf_set(-INFINITY), m1 = m0;
    int64_t j = 0;
    for (; j + 2 * LANES <= n; j += 2 * LANES) {
        m0 = vf_max(vf_load(x + j), m0);
        m1 = vf_max(vf_load(x + j + LANES), m1);
    }
    for (; j < n; j += LANES)
        m0 = vf_max(vf_keep_n(vf_load_n(x + j, n - j), n - j, -INFINITY), m0);
    return vf_largest(vf_max(m0, m1));
}

#define SUM_BLOCK 1024

/* x becomes exp(x - largest); returns the terms. */
LANE_INLINE vf exp_step(vf largest, bool keep, float *x, int64_t left)
{
    const vf e = vf_keep_n(vf_exp(vf_load_n(x, left) - largest), left, 0.0f);
    if (keep)
        vf_store_n(x, e, left);
    return e;
}

/* Sum of exp(x - largest); the terms replace x when `keep` is set. Blocks are added in f64 so
 * that the error does not grow with the vocabulary. */
LANE_INLINE double row_exp(int64_t n, float largest, bool keep, float *x)
{
    const vf m = vf_set(largest);
    double total = 0.0;
    for (int64_t j = 0; j < n;) {
        const int64_t end = n - j < SUM_BLOCK ? n : j + SUM_BLOCK;
        vf s0 = vf_set(0.0f), s1 = s0;
        for (; j + 2 * LANES <= end; j += 2 * LANES) {
            s0 += exp_step(m, keep, x + j, LANES);
            s1 += exp_step(m, keep, x + j + LANES, LANES);
        }
        for (; j < end; j += LANES)
            s0 += exp_step(m, keep, x + j, end - j);
        j = end;
        total += (double)vf_sum(s0 + s1);
    }
    return total;
}

static void softmax_loss(int64_t rows, int64_t vocab, bool gradient, float grad_scale,
                         const int32_t *targets, float *logits, float *losses, uint8_t *correct)
{
    for (int64_t i = 0; i < rows; i++, logits += vocab) {
        const int32_t target = targets[i];
        if (target < 0) {
            losses[i] = 0.0f;
            if (correct)
                correct[i] = 0;
            if (gradient)
                memset(logits, 0, (size_t)vocab * sizeof *logits);
            continue;
        }
        const float largest = row_largest(vocab, logits), own = logits[target];
        if (correct)
            correct[i] = own >= largest && (target == 0 || row_largest(target, logits) < own);
        const double sum = gradient ? row_exp(vocab, largest, true, logits)
                                    : row_exp(vocab, largest, false, logits);
        losses[i] = (float)(log(sum) + ((double)largest - (double)own));
        if (gradient) {
            const float scale = (float)((double)grad_scale / sum);
            for (int64_t j = 0; j < vocab; j++)
                logits[j] *= scale;
            logits[target] -= grad_scale;
        }
    }
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
                            float *v, int64_t left)
{
    const vf g = vf_set(h->gradient_scale) * vf_load_n(gradient, left);
    const vf m_now = vf_fma(vf_set(h->beta1), vf_load_n(m, left), vf_set(h->one_minus_beta1) * g);
    const vf v_now =
        vf_fma(vf_set(h->beta2), vf_load_n(v, left), vf_set(h->one_minus_beta2) * g * g);
    vf_store_n(m, m_now, left);
    vf_store_n(v, v_now, left);
    const vf change = vf_set(h->step_size) * m_now /
                      vf_fma(vf_sqrt(v_now), vf_set(h->inverse_correct), vf_set(h->epsilon));
    vf_store_n(weight, vf_fma(vf_set(h->keep), vf_load_n(weight, left), -change), left);
}

static void adamw(int64_t count, const mas_cpu_adamw *hyper, const float *gradient, float *weight,
                  float *m, float *v)
{
    const mas_cpu_adamw h = *hyper; /* a copy that the stores below cannot reach */
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        adamw_step(&h, gradient + i, weight + i, m + i, v + i, LANES);
    if (i < count)
        adamw_step(&h, gradient + i, weight + i, m + i, v + i, count - i);
}

static void exponential(int64_t count, const float *x, float *out)
{
    for (int64_t i = 0; i < count; i += LANES)
        vf_store_n(out + i, vf_exp(vf_load_n(x + i, count - i)), count - i);
}

const mas_cpu_rows MAS_CPU_ROWS = {
    .add = add,
    .add_bias = add_bias,
    .column_sums = column_sums,
    .norm = norm,
    .norm_backward = norm_backward,
    .activation = activation,
    .activation_backward = activation_backward,
    .rope = rope,
    .softmax_loss = softmax_loss,
    .sum_squares = sum_squares,
    .adamw = adamw,
    .gemm = MAS_CPU_GEMM,
    .exponential = exponential,
};
