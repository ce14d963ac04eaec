/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Is the difference of two trained models real? Both were trained from the same seeds and scored on the same tokens,
 * cut into the same segments; what is judged is the difference seed by seed and segment by segment, so that what both
 * share (hard text, a lucky seed) drops out.
 *
 * The standard error comes from a bootstrap on two levels, seeds and segments, both drawn with replacement; deviations
 * of seeds are widened by sqrt(n / (n - 1)), which a bootstrap of few seeds would lack. Interval and p use Student's t
 * with seeds - 1 degrees of freedom: percentiles of a bootstrap of three seeds know nothing about tails.
 */
#ifndef MASBENCH_PAIRED_H
#define MASBENCH_PAIRED_H

#include "masbench/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mas_paired {
    size_t seeds, segments;
    double difference;    /* per token; below 0: the first is better when losses are compared */
    double low, high;     /* 95 % interval, not corrected; NAN with one seed */
    double p;             /* two-sided, not corrected; NAN with one seed */
    double seed_error;    /* standard error from seeds alone, and */
    double segment_error; /* from segments alone; 0 with one segment */
} mas_paired;

/** @param differences  [seeds, segments] sums over each segment's tokens, first minus second
 *  @param tokens  [segments] tokens of each, > 0
 *  Deterministic. @return MAS_OK, MAS_E_ARGUMENT (no seed or no segment), MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_paired_compare(const double *differences, const double *tokens,
                                           size_t seeds, size_t segments, mas_paired *out,
                                           mas_error *err);

/** Seeds with which this difference, if it stays as it is, would reach p <= level; 0: not even 1,000 would (the
 *  evaluation is too short, or there is no difference). Needs two seeds, else 0. */
int mas_paired_seeds_needed(const mas_paired *paired, double level);

/** Two-sided tail probability of Student's t; degrees >= 1. */
double mas_student_p(double t, int degrees);
/** The t with that two-sided tail probability. */
double mas_student_t(double p, int degrees);

/** Holm's correction in place. NANs are left alone and not counted. */
MAS_MUST_USE mas_status mas_holm(double *p, size_t count, mas_error *err);

#endif
