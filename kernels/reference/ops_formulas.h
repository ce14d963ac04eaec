/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The formulas of the device's operations (masbench/device.h has their meaning), in plain order,
 * written once for two precisions. A file that includes this defines `real` (the type of every
 * number) and MAS_OP(name) (the full name of a function) and has the declarations: ops_reference.c
 * makes the f64 oracle, harness/check/ops_twin.c the f32 twin that tolerances are measured with.
 * The type-generic functions of <tgmath.h> follow `real`. No include guard: included once a file.
 */
#include <tgmath.h>

void MAS_OP(matmul)(int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, bool trans_a,
                    const real *b, int64_t ldb, bool trans_b, bool accumulate, real *c, int64_t ldc)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            real sum = accumulate ? c[i * ldc + j] : 0;
            for (int64_t l = 0; l < k; l++)
                sum += (trans_a ? a[l * lda + i] : a[i * lda + l]) *
                       (trans_b ? b[j * ldb + l] : b[l * ldb + j]);
            c[i * ldc + j] = sum;
        }
}

void MAS_OP(embed)(int64_t n, int64_t c, const int32_t *ids, const int32_t *positions,
                   const real *token_table, const real *position_table, real *out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c; j++) {
            out[i * c + j] = token_table[ids[i] * c + j];
            if (position_table)
                out[i * c + j] += position_table[positions[i] * c + j];
        }
}

void MAS_OP(embed_backward)(int64_t n, int64_t c, const int32_t *ids, const int32_t *positions,
                            const real *d_out, real *d_token_table, real *d_position_table)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c; j++) {
            d_token_table[ids[i] * c + j] += d_out[i * c + j];
            if (d_position_table)
                d_position_table[positions[i] * c + j] += d_out[i * c + j];
        }
}

void MAS_OP(norm)(mas_norm kind, int64_t n, int64_t c, float epsilon, const real *x,
                  const real *weight, const real *bias, real *out, real *mean, real *rstd)
{
    const bool centred = kind == MAS_NORM_LAYERNORM;
    for (int64_t i = 0; i < n; i++) {
        const real *row = x + i * c;
        real m = 0, square = 0;
        for (int64_t j = 0; centred && j < c; j++)
            m += row[j];
        m /= (real)c;
        for (int64_t j = 0; j < c; j++)
            square += (row[j] - m) * (row[j] - m);
        rstd[i] = 1 / sqrt(square / (real)c + (real)epsilon);
        if (centred)
            mean[i] = m;
        for (int64_t j = 0; j < c; j++)
            out[i * c + j] = (row[j] - m) * rstd[i] * weight[j] + (centred ? bias[j] : 0);
    }
}

void MAS_OP(norm_backward)(mas_norm kind, int64_t n, int64_t c, const real *x, const real *weight,
                           const real *mean, const real *rstd, const real *d_out, real *d_x,
                           real *d_weight, real *d_bias)
{
    const bool centred = kind == MAS_NORM_LAYERNORM;
    for (int64_t i = 0; i < n; i++) {
        const real *row = x + i * c, *d = d_out + i * c;
        const real m = centred ? mean[i] : 0;
        real mean_g = 0, mean_gx = 0; /* means of g = weight d and of g xhat over the row */
        for (int64_t j = 0; j < c; j++) {
            const real xhat = (row[j] - m) * rstd[i];
            mean_g += weight[j] * d[j];
            mean_gx += weight[j] * d[j] * xhat;
            d_weight[j] += d[j] * xhat;
            if (centred)
                d_bias[j] += d[j];
        }
        mean_g = centred ? mean_g / (real)c : 0;
        mean_gx /= (real)c;
        for (int64_t j = 0; j < c; j++)
            d_x[i * c + j] +=
                rstd[i] * (weight[j] * d[j] - mean_g - (row[j] - m) * rstd[i] * mean_gx);
    }
}

void MAS_OP(activation)(mas_activation kind, int64_t n, int64_t f, const real *in, real *out)
{
    const real root = sqrt((real)(2 / 3.14159265358979323846));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < f; j++) {
            if (kind == MAS_ACTIVATION_GELU) {
                const real x = in[i * f + j];
                out[i * f + j] =
                    (real)0.5 * x * (1 + tanh(root * (x + (real)0.044715 * x * x * x)));
            } else {
                const real gate = in[i * 2 * f + j], up = in[i * 2 * f + f + j];
                out[i * f + j] = gate / (1 + exp(-gate)) * up;
            }
        }
}

void MAS_OP(activation_backward)(mas_activation kind, int64_t n, int64_t f, const real *in,
                                 const real *d_out, real *d_in)
{
    const real root = sqrt((real)(2 / 3.14159265358979323846));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < f; j++) {
            const real d = d_out[i * f + j];
            if (kind == MAS_ACTIVATION_GELU) {
                const real x = in[i * f + j];
                const real t = tanh(root * (x + (real)0.044715 * x * x * x));
                const real inner = root * (1 + 3 * (real)0.044715 * x * x);
                d_in[i * f + j] = d * ((real)0.5 * (1 + t) + (real)0.5 * x * (1 - t * t) * inner);
            } else {
                const real gate = in[i * 2 * f + j], up = in[i * 2 * f + f + j];
                const real sigmoid = 1 / (1 + exp(-gate));
                d_in[i * 2 * f + j] = d * up * sigmoid * (1 + gate * (1 - sigmoid));
                d_in[i * 2 * f + f + j] = d * gate * sigmoid;
            }
        }
}

void MAS_OP(add_bias)(int64_t n, int64_t c, const real *bias, real *x)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c; j++)
            x[i * c + j] += bias[j];
}

void MAS_OP(bias_backward)(int64_t n, int64_t c, const real *d_out, real *d_bias)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < c; j++)
            d_bias[j] += d_out[i * c + j];
}

void MAS_OP(rope)(int64_t n, int64_t heads, int64_t dim, int64_t row_stride, float theta,
                  bool inverse, const int32_t *positions, real *x)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t h = 0; h < heads; h++)
            for (int64_t j = 0; j < dim / 2; j++) {
                const real angle = (real)positions[i] * pow((real)theta, -2 * (real)j / (real)dim);
                const real cosine = cos(angle), sine = inverse ? -sin(angle) : sin(angle);
                real *low = x + i * row_stride + h * dim + j, *high = low + dim / 2;
                const real a = *low, b = *high;
                *low = a * cosine - b * sine;
                *high = a * sine + b * cosine;
            }
}

void MAS_OP(cross_entropy)(int64_t n, int64_t c, int64_t vocab, mas_dtype type, const real *x,
                           const real *weight, const int32_t *targets, float grad_scale,
                           real *losses, uint8_t *correct, real *d_x, real *d_weight, real *logits)
{
    for (int64_t i = 0; i < n; i++) {
        losses[i] = 0;
        if (correct)
            correct[i] = 0;
        for (int64_t j = 0; d_x && j < c; j++)
            d_x[i * c + j] = 0;
        if (targets[i] < 0)
            continue;
        int64_t best = 0;
        for (int64_t v = 0; v < vocab; v++) {
            logits[v] = 0;
            for (int64_t j = 0; j < c; j++)
                logits[v] += x[i * c + j] * weight[v * c + j];
            if (logits[v] > logits[best])
                best = v;
        }
        real sum = 0;
        const real most = logits[best];
        for (int64_t v = 0; v < vocab; v++)
            sum += exp(logits[v] - most);
        losses[i] = most + log(sum) - logits[targets[i]];
        if (correct)
            correct[i] = best == targets[i];
        for (int64_t v = 0; d_x && v < vocab; v++) {
            real d = (real)grad_scale * (exp(logits[v] - most) / sum - (v == targets[i] ? 1 : 0));
            if (type != MAS_DTYPE_F32) {
                float rounded;
                mas_dtype_store(type, &rounded, 0, (double)d);
                d = (real)mas_dtype_load(type, &rounded, 0);
            }
            for (int64_t j = 0; j < c; j++) {
                d_x[i * c + j] += d * weight[v * c + j];
                d_weight[v * c + j] += d * x[i * c + j];
            }
        }
    }
}

void MAS_OP(adamw)(int64_t count, const mas_adamw *hyper, const real *gradient, real *weight,
                   real *m, real *v)
{
    const real beta1 = (real)hyper->beta1, beta2 = (real)hyper->beta2,
               rate = (real)hyper->learning_rate;
    const real correct1 = 1 - pow(beta1, (real)hyper->step),
               correct2 = 1 - pow(beta2, (real)hyper->step);
    for (int64_t i = 0; i < count; i++) {
        const real g = gradient[i] * (real)hyper->gradient_scale;
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        const real step = m[i] / correct1 / (sqrt(v[i] / correct2) + (real)hyper->epsilon);
        weight[i] -= rate * (step + (real)hyper->weight_decay * weight[i]);
    }
}
