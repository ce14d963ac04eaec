/* SPDX-License-Identifier: Apache-2.0 */
#include "masbench/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

TestSuite(rng, .timeout = 30);

/* Outputs of the public reference implementations, as other libraries test them. */
Test(rng, xoshiro_reference)
{
    static const uint64_t want[] = {11520u,
                                    0u,
                                    1509978240u,
                                    1215971899390074240u,
                                    1216172134540287360u,
                                    607988272756665600u,
                                    16172922978634559625u,
                                    8476171486693032832u,
                                    10595114339597558777u,
                                    2904607092377533576u};
    mas_rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        cr_assert_eq(mas_rng_u64(&rng), want[i], "output %zu", i);
}

Test(rng, splitmix_reference)
{
    static const uint64_t want[] = {6457827717110365317u, 3203168211198807973u,
                                    9817491932198370423u, 4593380528125082431u,
                                    16408922859458223821u};
    for (uint64_t i = 0; i < 5; i++)
        cr_assert_eq(mas_mix64(1234567u + i * 0x9e3779b97f4a7c15u), want[i], "output %d", (int)i);
}

Test(rng, same_seed_same_numbers)
{
    mas_rng a = mas_rng_seed(7, 3), b = mas_rng_seed(7, 3);
    mas_rng other_seed = mas_rng_seed(8, 3), other_stream = mas_rng_seed(7, 4);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        const uint64_t x = mas_rng_u64(&a);
        cr_assert_eq(x, mas_rng_u64(&b));
        same += x == mas_rng_u64(&other_seed);
        same += x == mas_rng_u64(&other_stream);
    }
    cr_assert_eq(same, 0);
}

/* A copy of the state goes on alike and apart. */
Test(rng, fork)
{
    mas_rng a = mas_rng_seed(1, 0);
    (void)mas_rng_normal(&a);
    mas_rng b = a;
    uint64_t ahead[16];
    for (int i = 0; i < 16; i++)
        ahead[i] = mas_rng_u64(&a);
    for (int i = 0; i < 16; i++)
        cr_assert_eq(mas_rng_u64(&b), ahead[i]);
    cr_assert_eq(memcmp(&a, &b, sizeof a), 0);
}

Test(rng, below)
{
    static const uint64_t bounds[] = {1,         2, 3, 7, 10, 64, 1000, (UINT64_C(1) << 63) + 1,
                                      UINT64_MAX};
    mas_rng rng = mas_rng_seed(2, 0);
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++)
        for (int i = 0; i < 2000; i++)
            cr_assert_lt(mas_rng_below(&rng, bounds[b]), bounds[b]);
    int count[6] = {0};
    for (int i = 0; i < 60000; i++)
        count[mas_rng_below(&rng, 6)]++;
    for (int i = 0; i < 6; i++)
        cr_assert(abs(count[i] - 10000) < 500, "%d of 60000 draws gave %d", count[i], i);
}

/* Values that cannot be shared out evenly are drawn again: nearly half of them here. */
Test(rng, below_draws_again)
{
    const uint64_t bound = (UINT64_C(1) << 63) + 1;
    mas_rng rng = mas_rng_seed(3, 0), raw = rng;
    for (int i = 0; i < 200; i++) {
        uint64_t x = mas_rng_u64(&raw);
        while (x < (UINT64_C(1) << 63) - 1)
            x = mas_rng_u64(&raw);
        cr_assert_eq(mas_rng_below(&rng, bound), x % bound);
    }
}

Test(rng, uniform_and_normal)
{
    mas_rng rng = mas_rng_seed(4, 0);
    double sum = 0, squares = 0, mean = 0;
    const int n = 200000;
    for (int i = 0; i < n; i++) {
        const double u = mas_rng_uniform(&rng), z = mas_rng_normal(&rng);
        cr_assert(u >= 0 && u < 1);
        cr_assert(isfinite(z));
        mean += u / n;
        sum += z / n;
        squares += z * z / n;
    }
    cr_assert_float_eq(mean, 0.5, 0.005);
    cr_assert_float_eq(sum, 0, 0.01);
    cr_assert_float_eq(squares, 1, 0.02);
}
