/* SPDX-License-Identifier: Apache-2.0 */
#include "device_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define BLOCKS_MAX 4096

static void *blocks[BLOCKS_MAX];
static int block_count;

mas_isa test_top_isa(void)
{
    static mas_isa top = MAS_ISA_COUNT; /* asked once, before a test lowers it */
    if (top == MAS_ISA_COUNT)
        top = mas_cpu_offered();
    return top;
}

mas_device *test_open(mas_isa isa, int threads)
{
    (void)test_top_isa();
    mas_error err = {0};
    mas_device *d = NULL;
    cr_assert_eq(mas_cpu_limit(isa, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_device_open_cpu(threads, 0, &d, &err), MAS_OK, "%s", err.text);
    return d;
}

float *test_zeros(mas_device *d, int64_t count)
{
    mas_error err = {0};
    void *p = NULL;
    cr_assert_lt(block_count, BLOCKS_MAX);
    cr_assert_eq(mas_alloc(d, (size_t)count * sizeof(float), MAS_MEMORY_ACTIVATIONS, &p, &err),
                 MAS_OK, "%s", err.text);
    blocks[block_count++] = p;
    return p;
}

float *test_normal(mas_device *d, int64_t count, uint64_t seed, double scale)
{
    float *x = test_zeros(d, count);
    mas_rng rng = mas_rng_seed(seed, 0);
    for (int64_t i = 0; i < count; i++)
        x[i] = (float)(scale * mas_rng_normal(&rng));
    return x;
}

int32_t *test_ids(mas_device *d, int64_t count, uint64_t seed, int32_t bound)
{
    int32_t *x = (int32_t *)(void *)test_zeros(d, count);
    mas_rng rng = mas_rng_seed(seed, 1);
    for (int64_t i = 0; i < count; i++)
        x[i] = (int32_t)mas_rng_below(&rng, (uint64_t)bound);
    return x;
}

double *test_wide(const float *x, int64_t count)
{
    double *wide = malloc((size_t)count * sizeof *wide);
    cr_assert_not_null(wide);
    for (int64_t i = 0; i < count; i++)
        wide[i] = (double)x[i];
    return wide;
}

void test_close_to(const char *what, int64_t count, const float *got, const double *want,
                   double tolerance)
{
    int64_t worst = 0;
    double excess = -1.0;
    for (int64_t i = 0; i < count; i++) {
        const double error = fabs((double)got[i] - want[i]) / (1.0 + fabs(want[i]));
        if (!(error <= excess)) {
            worst = i;
            excess = error;
        }
    }
    cr_assert(count == 0 || excess <= tolerance,
              "%s (%s): element %lld of %lld is %.9g, expected %.9g; error %.3g, allowed %.3g",
              what, mas_isa_name(mas_cpu_isa()), (long long)worst, (long long)count,
              (double)got[worst], want[worst], excess, tolerance);
}

double test_slope(double (*f)(const double *x, const void *context), const void *context, double *x,
                  int64_t i)
{
    const double at = x[i], h = 1e-5;
    x[i] = at + h;
    const double above = f(x, context);
    x[i] = at - h;
    const double below = f(x, context);
    x[i] = at;
    return (above - below) / (2.0 * h);
}

void test_close(mas_device *d)
{
    while (block_count > 0)
        d->ops->release(d, blocks[--block_count]);
    mas_device_close(d);
}
