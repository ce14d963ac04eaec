/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/measure/paired.h"
#include "masbench/rng.h"

#include <math.h>
#include <stdlib.h>

#define DRAWS 2000 /* the standard error is then known to about 2 % */
#define BOOTSTRAP_SEED 20260101u
#define SEEDS_MAX 1000

/* Abramowitz and Stegun 26.7.3 and 26.7.4: finite sums for whole degrees of freedom. */
double mas_student_p(double t, int degrees)
{
    const double angle = atan(fabs(t) / sqrt((double)degrees)), c = cos(angle), s = sin(angle);
    double sum = 0, term = degrees % 2 ? c : 1;
    for (int k = degrees % 2 ? 3 : 2; k <= degrees; k += 2) {
        sum += term;
        term *= c * c * (k - 1) / k;
    }
    const double inside = degrees % 2 ? 2 / acos(-1.0) * (angle + s * sum) : s * sum;
    return fmax(0, 1 - inside);
}

double mas_student_t(double p, int degrees)
{
    double low = 0, high = 1;
    while (mas_student_p(high, degrees) > p && high < 1e9)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        const double middle = (low + high) / 2;
        *(mas_student_p(middle, degrees) > p ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

typedef enum redrawn { SEEDS = 1, SEGMENTS = 2, BOTH = 3 } redrawn;

/* Standard deviation of the mean over redrawn seeds, segments or both. */
static double bootstrap_error(const double *differences, const double *tokens, size_t seeds,
                              size_t segments, redrawn levels, size_t *drawn)
{
    mas_rng rng = mas_rng_seed(BOOTSTRAP_SEED, (uint64_t)levels);
    double mean = 0, squares = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
        double sum = 0, all = 0;
        for (size_t g = 0; g < segments; g++) {
            drawn[g] = levels & SEGMENTS ? (size_t)mas_rng_below(&rng, segments) : g;
            all += tokens[drawn[g]];
        }
        for (size_t s = 0; s < seeds; s++) {
            const size_t seed = levels & SEEDS ? (size_t)mas_rng_below(&rng, seeds) : s;
            for (size_t g = 0; g < segments; g++)
                sum += differences[seed * segments + drawn[g]];
        }
        const double value = sum / all / (double)seeds, step = value - mean;
        mean += step / (draw + 1);
        squares += step * (value - mean);
    }
    return sqrt(squares / (DRAWS - 1));
}

mas_status mas_paired_compare(const double *differences, const double *tokens, size_t seeds,
                              size_t segments, mas_paired *out, mas_error *err)
{
    if (seeds == 0 || segments == 0)
        return mas_fail(err, MAS_E_ARGUMENT, "%zu seeds and %zu segments; at least one of each",
                        seeds, segments);
    double *wide = malloc(seeds * segments * sizeof *wide);
    size_t *drawn = malloc(segments * sizeof *drawn);
    if (!wide || !drawn) {
        free(wide);
        free(drawn);
        return mas_fail(err, MAS_E_MEMORY, "no memory to compare %zu seeds", seeds);
    }
    const double widen = seeds > 1 ? sqrt((double)seeds / (double)(seeds - 1)) : 1;
    double sum = 0, all = 0;
    for (size_t g = 0; g < segments; g++) {
        double mean = 0;
        for (size_t s = 0; s < seeds; s++)
            mean += differences[s * segments + g] / (double)seeds;
        for (size_t s = 0; s < seeds; s++)
            wide[s * segments + g] = mean + widen * (differences[s * segments + g] - mean);
        sum += mean;
        all += tokens[g];
    }
    *out = (mas_paired){.seeds = seeds,
                        .segments = segments,
                        .difference = sum / all,
                        .low = (double)NAN,
                        .high = (double)NAN,
                        .p = (double)NAN};
    if (seeds > 1)
        out->seed_error = bootstrap_error(wide, tokens, seeds, segments, SEEDS, drawn);
    if (segments > 1)
        out->segment_error = bootstrap_error(wide, tokens, seeds, segments, SEGMENTS, drawn);
    if (seeds > 1) {
        const double error = bootstrap_error(wide, tokens, seeds, segments, BOTH, drawn);
        const int degrees = (int)seeds - 1;
        const double reach = mas_student_t(0.05, degrees) * error;
        out->low = out->difference - reach;
        out->high = out->difference + reach;
        out->p = error > 0                   ? mas_student_p(out->difference / error, degrees)
                 : fabs(out->difference) > 0 ? 0
                                             : 1;
    }
    free(wide);
    free(drawn);
    return MAS_OK;
}

int mas_paired_seeds_needed(const mas_paired *paired, double level)
{
    if (paired->seeds < 2)
        return 0;
    const double one = paired->seed_error * paired->seed_error * (double)paired->seeds;
    const double rest = paired->segment_error * paired->segment_error;
    for (int seeds = 2; seeds <= SEEDS_MAX; seeds++)
        if (mas_student_p(fabs(paired->difference) / sqrt(one / seeds + rest), seeds - 1) <= level)
            return seeds;
    return 0;
}

typedef struct ranked {
    double p;
    size_t index;
} ranked;

static int by_p(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->p < y->p ? -1 : x->p > y->p ? 1 : (x->index > y->index) - (x->index < y->index);
}

mas_status mas_holm(double *p, size_t count, mas_error *err)
{
    ranked *order = malloc((count ? count : 1) * sizeof *order);
    if (!order)
        return mas_fail(err, MAS_E_MEMORY, "no memory to correct %zu comparisons", count);
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(p[i]))
            order[known++] = (ranked){p[i], i};
    qsort(order, known, sizeof *order, by_p);
    double least = 0;
    for (size_t i = 0; i < known; i++) {
        least = fmax(least, fmin(1, order[i].p * (double)(known - i)));
        p[order[i].index] = least;
    }
    free(order);
    return MAS_OK;
}
