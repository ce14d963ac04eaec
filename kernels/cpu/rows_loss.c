/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax, loss and its gradient, row by row. Compiled once per instruction level. */
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/rows_level.h"

#include <math.h>

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

/* Terms of a row times `scale`, that of the target less grad_scale, rounded in place: a narrower
 * row never reaches terms that are still to be read. */
LANE_INLINE void gradient_row(mas_dtype type, int64_t vocab, float scale, int32_t target,
                              float grad_scale, float *terms)
{
    const vf s = vf_set(scale), own = vf_set(terms[target] * scale - grad_scale);
    int64_t j = 0;
    for (; j + LANES <= vocab; j += LANES)
        vt_store(type, terms, j, vf_load(terms + j) * s, LANES);
    if (j < vocab)
        vt_store(type, terms, j, vf_load_n(terms + j, vocab - j) * s, vocab - j);
    vt_store(type, terms, target, own, 1);
}

void LEVEL_NAME(softmax_loss)(int64_t rows, int64_t vocab, bool gradient, float grad_scale,
                              const int32_t *targets, mas_dtype type, float *logits, float *losses,
                              uint8_t *correct)
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
        if (gradient)
            BY_TYPE(type, gradient_row, vocab, (float)((double)grad_scale / sum), target,
                    grad_scale, logits);
    }
}
