/* SPDX-License-Identifier: Apache-2.0 */
/* What a lane of the CUDA kernels works out by itself: tanh, the bits of a mask, places in rows. */
#include "kernels/cuda/attention_softmax.h"
#include "kernels/cuda/typed.h"

#include <cmath>
#include <criterion/criterion.h>
#include <vector>

enum { COLUMNS = 128 };

Test(lanes, tanh_is_as_good_as_it_says)
{
    double worst = 0;
    for (float x = 1e-30f; x < 1e30f; x *= 1.0001f) {
        const double error = std::fabs((double)tanh_of(x) / std::tanh((double)x) - 1);
        worst = error > worst ? error : worst;
        cr_assert_eq(tanh_of(-x), -tanh_of(x));
    }
    cr_expect_leq(worst, 5e-7, "relative error %g", worst);
    cr_expect_eq(tanh_of(0.0f), 0.0f);
    cr_expect_eq(tanh_of(INFINITY), 1.0f);
    cr_expect_eq(tanh_of(-INFINITY), -1.0f);
    cr_expect(std::isnan(tanh_of(NAN)), "a score that is not a number stays one");
}

/* seen[lane]: that lane's columns of keys lo .. hi - 1. */
static void see(int lo, int hi, uint32_t *seen)
{
    mas_row_span keys;
    keys.lo = (uint16_t)lo, keys.hi = (uint16_t)hi;
    seen[threadIdx.x] = columns_among(keys);
}

static int column_of(int lane, int bit)
{
    return bit / 2 * 8 + lane % 4 * 2 + bit % 2;
}

Test(lanes, columns_of_every_interval)
{
    for (int lo = 0; lo <= COLUMNS; lo++)
        for (int hi = lo; hi <= COLUMNS; hi++) {
            uint32_t seen[32];
            (void)simt_launch(see, dim3(1), dim3(32), 0, nullptr, lo, hi, seen);
            for (int lane = 0; lane < 32; lane++)
                for (int bit = 0; bit < COLUMNS / 4; bit++) {
                    const int column = column_of(lane, bit);
                    cr_assert_eq(seen[lane] >> bit & 1, column >= lo && column < hi,
                                 "keys %d to %d, lane %d, column %d", lo, hi, lane, column);
                }
        }
}

/* seen[lane][2]: of 64 queries with these spans, those that see the lane's two keys. */
static void be_seen(const mas_row_span *spans, uint32_t *seen)
{
    columns_seeing<COLUMNS / 2>(spans, (int)threadIdx.x / 4, seen + 2 * threadIdx.x);
}

Test(lanes, columns_that_see_a_key)
{
    mas_row_span spans[COLUMNS / 2];
    for (int q = 0; q < COLUMNS / 2; q++) {
        spans[q].lo = (uint16_t)(q % 7);
        spans[q].hi = (uint16_t)(q % 5 == 4 ? q % 7 : q % 7 + q % 12);
    }
    uint32_t seen[32][2];
    (void)simt_launch(be_seen, dim3(1), dim3(32), 0, nullptr, (const mas_row_span *)spans, seen[0]);
    for (int lane = 0; lane < 32; lane++)
        for (int h = 0; h < 2; h++)
            for (int bit = 0; bit < COLUMNS / 8; bit++) {
                const int key = lane / 4 + 8 * h, q = column_of(lane, bit);
                cr_assert_eq(seen[lane][h] >> bit & 1, key >= spans[q].lo && key < spans[q].hi,
                             "key %d, query %d", key, q);
            }
}

Test(lanes, places_in_rows)
{
    const int64_t widths[] = {1, 3, 4096, INT64_C(5000000000)};
    const int64_t starts[] = {
        0, 1, 4095, 12288, INT64_C(4294967295), INT64_C(4294967296), INT64_C(70000000001)};
    for (const int64_t c : widths)
        for (const int64_t start : starts) {
            place p = place_of(start, c);
            for (int64_t i = start; i < start + 5; i++, place_advance(&p, c)) {
                cr_assert_eq(p.row, i / c, "element %lld of rows of %lld", (long long)i,
                             (long long)c);
                cr_assert_eq(p.column, i % c);
            }
        }
}
