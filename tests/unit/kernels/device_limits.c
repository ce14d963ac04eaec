/* SPDX-License-Identifier: Apache-2.0 */
/* The measured limits of the CPU device. */
#include "device_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#define SECONDS 0.1

Test(device_limits, positive_at_every_level, .timeout = 300)
{
    const mas_isa top = test_top_isa();
    for (mas_isa isa = MAS_ISA_SCALAR; isa <= top; isa++) {
        mas_device *d = test_open(isa, 2);
        for (mas_limit limit = 0; limit < MAS_LIMIT_COUNT; limit++)
            cr_assert_gt(d->ops->limit(d, limit, SECONDS), 0.0, "%s at level %s",
                         mas_limit_name(limit), mas_isa_name(isa));
        test_close(d);
    }
}

/* The rate of bf16 by that of f32: the best of each of a few rounds, in turn, since others use the machine, too. */
static double bf16_to_f32(mas_device *d)
{
    double bf16 = 0, f32 = 0;
    for (int round = 0; round < 5; round++) {
        bf16 = fmax(bf16, d->ops->limit(d, MAS_LIMIT_BF16, SECONDS));
        f32 = fmax(f32, d->ops->limit(d, MAS_LIMIT_F32, SECONDS));
    }
    return bf16 / f32;
}

/* Zen 4 does twice as many bf16 terms as f32 terms a second, some Xeons half as many. */
Test(device_limits, rates_of_bf16_and_f32_are_of_one_order, .timeout = 60)
{
    if (test_top_isa() < MAS_ISA_AVX512BF16)
        cr_skip_test("this processor has no bf16 dot products");
    mas_device *d = test_open(MAS_ISA_AVX512BF16, 1);
    const double ratio = bf16_to_f32(d);
    cr_assert(ratio > 0.25 && ratio < 4, "bf16 at %g times the rate of f32", ratio);
    test_close(d);
}

/* A level whose bf16 is slower than f32 must be asked for. */
Test(device_limits, the_level_in_use_does_not_lose_by_bf16, .timeout = 60)
{
    mas_error err;
    mas_device *d = NULL;
    cr_assert_eq(mas_device_open_cpu(1, 0, &d, &err), MAS_OK, "%s", err.text);
    const double ratio = bf16_to_f32(d);
    cr_assert_gt(ratio, 0.8, "at %s bf16 does %g times the FLOPs of f32",
                 mas_isa_name(mas_cpu_isa()), ratio);
    test_close(d);
}

Test(device_limits, follow_the_level, .timeout = 60)
{
    if (test_top_isa() < MAS_ISA_AVX2)
        cr_skip_test("this processor has one level only");
    double rate[2];
    for (int level = 0; level < 2; level++) {
        mas_device *d = test_open(level ? MAS_ISA_SCALAR : MAS_ISA_AVX2, 1);
        rate[level] = d->ops->limit(d, MAS_LIMIT_F32, SECONDS);
        test_close(d);
    }
    cr_assert_gt(rate[0], 1.5 * rate[1], "avx2 %g, scalar %g FLOP/s", rate[0], rate[1]);
}

Test(device_limits, unknown_is_zero)
{
    mas_device *d = test_open(test_top_isa(), 1);
    cr_assert_eq(d->ops->limit(d, MAS_LIMIT_COUNT, SECONDS), 0.0);
    cr_assert_str_eq(mas_limit_name(MAS_LIMIT_COUNT), "unknown");
    cr_assert_str_eq(mas_limit_name(MAS_LIMIT_COPY), "copy_bytes");
    test_close(d);
}

/* Memory of this process that pages of its own hold; 0 where the system does not say. */
static size_t resident_bytes(void)
{
    size_t kib = 0;
    char line[256];
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "Rss: %zu kB", &kib) != 1)
        ;
    if (file)
        fclose(file);
    return kib << 10;
}

/* Pages that were never written are one page of zeros, which no kernel's data are. */
Test(device_limits, the_yardstick_reads_pages_of_its_own)
{
    const size_t before = resident_bytes();
    if (!before)
        cr_skip_test("the system does not say what memory is resident");
    mas_device *d = test_open(test_top_isa(), 1);
    d->ops->yardstick(d);
    const size_t scratch = (size_t)MAS_CPU_SCRATCH * sizeof(float), after = resident_bytes();
    cr_assert_geq(after, before + scratch, "%zu KiB more, %zu were to be written",
                  (after - before) >> 10, scratch >> 10);
    test_close(d);
}

static int64_t pages_touched_first(void)
{
    struct rusage use;
    cr_assert_eq(getrusage(RUSAGE_SELF, &use), 0);
    return (int64_t)use.ru_minflt;
}

/* The time that was asked for goes into runs, not into getting memory. */
Test(device_limits, memory_is_got_once, .timeout = 60)
{
    mas_device *d = test_open(test_top_isa(), 1);
    cr_assert_gt(d->ops->limit(d, MAS_LIMIT_READ, 0), 0.0);
    const int64_t before = pages_touched_first();
    cr_assert_gt(d->ops->limit(d, MAS_LIMIT_COPY, 0), 0.0);
    cr_assert_lt(pages_touched_first() - before, 100);
    test_close(d);
}
