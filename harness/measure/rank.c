/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/rank.h"
#include "harness/measure/measure.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define THINNED                                                                                    \
    400 /* 160,000 differences: sorted in milliseconds, a quantile known to a quarter of a percent */

/* P(Z > z) of a standard normal. */
static double normal_tail(double z)
{
    return 0.5 * erfc(z / sqrt(2.0));
}

/* The z with P(|Z| > z) = 1 - confidence. */
static double normal_reach(double confidence)
{
    double low = 0, high = 40;
    for (int i = 0; i < 80; i++) {
        const double middle = (low + high) / 2;
        *(2 * normal_tail(middle) > 1 - confidence ? &low : &high) = middle;
    }
    return high;
}

/* Logarithms of values; NULL without memory or with *bad set. */
static double *logarithms(const double *values, size_t count, bool *bad)
{
    double *logs = malloc((count ? count : 1) * sizeof *logs);
    for (size_t i = 0; logs && i < count; i++) {
        *bad = *bad || !(values[i] > 0) || !isfinite(values[i]);
        logs[i] = log(values[i]);
    }
    return logs;
}

/* Median and interval of sorted estimates: `cut` of them are left out on either side. */
static void estimate(double *values, size_t count, double cut, mas_shift *out)
{
    qsort(values, count, sizeof *values, mas_ascending);
    out->ratio = exp((values[(count - 1) / 2] + values[count / 2]) / 2);
    const double whole = floor(cut);
    if (whole < 1) {
        out->low = 0;
        out->high = HUGE_VAL;
        return;
    }
    const size_t left_out = whole < (double)(count / 2) ? (size_t)whole : count / 2;
    out->low = exp(values[left_out - 1]);
    out->high = exp(values[count - left_out]);
}

/* ---- null distributions ---- */

/* Shares of the outcomes below and at `statistic` and above and at it. counts[0 .. most] are numbers of equally
 * likely outcomes. */
static void tails(const double *counts, size_t most, size_t statistic, mas_shift *out)
{
    double all = 0, below = 0, above = 0;
    for (size_t i = 0; i <= most; i++) {
        all += counts[i];
        below += i <= statistic ? counts[i] : 0;
        above += i >= statistic ? counts[i] : 0;
    }
    out->p_larger = above / all;
    out->p_smaller = below / all;
}

/* Number of arrangements of n and m values in which u pairs have the second larger: the Gaussian binomial
 * coefficient, prod (1 - x^(m+i)) / (1 - x^i). */
static double *rank_sum_counts(size_t n, size_t m)
{
    const size_t most = n * m;
    double *counts = calloc(most + 1, sizeof *counts);
    if (!counts)
        return NULL;
    counts[0] = 1;
    for (size_t i = 1; i <= n; i++) {
        for (size_t u = most; u >= m + i && u <= most; u--)
            counts[u] -= counts[u - m - i];
        for (size_t u = i; u <= most; u++)
            counts[u] += counts[u - i];
    }
    return counts;
}

/* Number of the 2^n choices of signs whose positive ranks sum to w. */
static double *signed_rank_counts(size_t n)
{
    const size_t most = n * (n + 1) / 2;
    double *counts = calloc(most + 1, sizeof *counts);
    if (!counts)
        return NULL;
    counts[0] = 1;
    for (size_t i = 1; i <= n; i++)
        for (size_t w = most; w >= i; w--)
            counts[w] += counts[w - i];
    return counts;
}

static void normal_tails(double statistic, double mean, double variance, mas_shift *out)
{
    const double deviation = sqrt(variance);
    if (!(deviation > 0)) {
        out->p_larger = out->p_smaller = 1; /* all values are equal */
        return;
    }
    out->p_larger = normal_tail((statistic - 0.5 - mean) / deviation);
    out->p_smaller = normal_tail((mean - statistic - 0.5) / deviation);
}

/* ---- ranks ---- */

typedef struct ranked {
    double value;
    bool second; /* or: positive */
} ranked;

static int by_value(const void *a, const void *b)
{
    return mas_ascending(&((const ranked *)a)->value, &((const ranked *)b)->value);
}

/* Sum of the (middle) ranks of the marked values; ties: sum over groups of t^3 - t. */
static double rank_sum(ranked *all, size_t count, double *ties)
{
    double sum = 0;
    *ties = 0;
    qsort(all, count, sizeof *all, by_value);
    for (size_t i = 0, j; i < count; i = j) {
        for (j = i + 1; j < count && !(all[j].value > all[i].value);)
            j++;
        const double size = (double)(j - i);
        *ties += size * size * size - size;
        for (size_t k = i; k < j; k++)
            sum += all[k].second ? (double)(i + j + 1) / 2 : 0;
    }
    return sum;
}

static mas_status no_memory(mas_error *err)
{
    return mas_fail(err, MAS_E_MEMORY, "no memory to compare times");
}

/* ---- two independent sets ---- */

/* At most THINNED quantiles of the values, in place and sorted; their number. */
static size_t thin(double *values, size_t count)
{
    qsort(values, count, sizeof *values, mas_ascending);
    if (count <= THINNED)
        return count;
    for (size_t i = 0; i < THINNED; i++)
        values[i] = values[(2 * i + 1) * count / (2 * THINNED)];
    return THINNED;
}

static bool rank_test(const double *x, size_t n, const double *y, size_t m, mas_shift *out)
{
    ranked *all = malloc((n + m) * sizeof *all);
    if (!all)
        return false;
    for (size_t i = 0; i < n + m; i++)
        all[i] = (ranked){i < n ? x[i] : y[i - n], i >= n};
    double ties;
    const double u = rank_sum(all, n + m, &ties) - (double)m * (double)(m + 1) / 2;
    const double pairs = (double)n * (double)m, size = (double)(n + m);
    free(all);
    if (ties > 0 || n > MAS_RANK_EXACT || m > MAS_RANK_EXACT) {
        normal_tails(u, pairs / 2, pairs / 12 * (size + 1 - ties / (size * (size - 1))), out);
        return true;
    }
    double *counts = rank_sum_counts(n, m);
    if (counts)
        tails(counts, n * m, (size_t)(u + 0.5), out);
    free(counts);
    return counts != NULL;
}

static bool hodges_lehmann(double *x, size_t n, double *y, size_t m, double confidence,
                           mas_shift *out)
{
    /* How many differences the interval leaves out follows from the sizes before thinning. */
    const double pairs = (double)n * (double)m;
    const double share = 0.5 - normal_reach(confidence) * sqrt((double)(n + m + 1) / (12 * pairs));
    n = thin(x, n);
    m = thin(y, m);
    double *differences = malloc(n * m * sizeof *differences);
    if (!differences)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            differences[i * m + j] = y[j] - x[i];
    estimate(differences, n * m, share * (double)(n * m), out);
    free(differences);
    return true;
}

mas_status mas_rank_independent(const double *first, size_t first_count, const double *second,
                                size_t second_count, double confidence, mas_shift *out,
                                mas_error *err)
{
    if (first_count == 0 || second_count == 0)
        return mas_fail(err, MAS_E_ARGUMENT, "%zu and %zu times; expected at least one of each",
                        first_count, second_count);
    bool bad = false;
    double *x = logarithms(first, first_count, &bad), *y = logarithms(second, second_count, &bad);
    mas_status status = MAS_OK;
    if (bad)
        status = mas_fail(err, MAS_E_ARGUMENT, "a time is not above 0");
    else if (!x || !y || !rank_test(x, first_count, y, second_count, out) ||
             !hodges_lehmann(x, first_count, y, second_count, confidence, out))
        status = no_memory(err);
    free(x);
    free(y);
    return status;
}

/* ---- pairs ---- */

static bool signed_rank_test(const double *differences, size_t count, mas_shift *out)
{
    ranked *all = malloc(count * sizeof *all);
    if (!all)
        return false;
    size_t n = 0; /* zero differences say nothing about the direction */
    for (size_t i = 0; i < count; i++)
        if (fabs(differences[i]) > 0)
            all[n++] = (ranked){fabs(differences[i]), differences[i] > 0};
    double ties;
    const double w = rank_sum(all, n, &ties), size = (double)n;
    free(all);
    if (n == 0 || ties > 0 || n > MAS_RANK_EXACT) {
        normal_tails(w, size * (size + 1) / 4, size * (size + 1) * (2 * size + 1) / 24 - ties / 48,
                     out);
        return true;
    }
    double *counts = signed_rank_counts(n);
    if (counts)
        tails(counts, n * (n + 1) / 2, (size_t)(w + 0.5), out);
    free(counts);
    return counts != NULL;
}

static bool walsh_averages(double *differences, size_t count, double confidence, mas_shift *out)
{
    const double share =
        0.5 - normal_reach(confidence) *
                  sqrt((double)(2 * count + 1) / (6 * (double)count * (double)(count + 1)));
    const size_t n = thin(differences, count);
    double *averages = malloc(n * (n + 1) / 2 * sizeof *averages);
    if (!averages)
        return false;
    size_t made = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            averages[made++] = (differences[i] + differences[j]) / 2;
    estimate(averages, made, share * (double)made, out);
    free(averages);
    return true;
}

mas_status mas_rank_pairs(const double *first, const double *second, size_t count,
                          double confidence, mas_shift *out, mas_error *err)
{
    if (count == 0)
        return mas_fail(err, MAS_E_ARGUMENT, "no pair of times to compare");
    bool bad = false;
    double *x = logarithms(first, count, &bad), *y = logarithms(second, count, &bad);
    for (size_t i = 0; x && y && i < count; i++)
        y[i] -= x[i];
    mas_status status = MAS_OK;
    if (bad)
        status = mas_fail(err, MAS_E_ARGUMENT, "a time is not above 0");
    else if (!x || !y || !signed_rank_test(y, count, out) ||
             !walsh_averages(y, count, confidence, out))
        status = no_memory(err);
    free(x);
    free(y);
    return status;
}
