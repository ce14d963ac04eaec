/* SPDX-License-Identifier: Apache-2.0 */
#include "masbench/rng.h"

#include <math.h>

uint64_t mas_mix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

mas_rng mas_rng_seed(uint64_t seed, uint64_t stream)
{
    mas_rng rng;
    uint64_t x = mas_mix64(seed) ^ mas_mix64(~stream);
    for (int i = 0; i < 4; i++)
        rng.s[i] = x = mas_mix64(x);
    return rng;
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t mas_rng_u64(mas_rng *rng)
{
    uint64_t *s = rng->s;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t mas_rng_below(mas_rng *rng, uint64_t bound)
{
    const uint64_t reject =
        -bound % bound; /* 2^64 mod bound: values under it would be drawn once too often */
    uint64_t x;
    do
        x = mas_rng_u64(rng);
    while (x < reject);
    return x % bound;
}

double mas_rng_uniform(mas_rng *rng)
{
    return (double)(mas_rng_u64(rng) >> 11) * 0x1p-53;
}

double mas_rng_normal(mas_rng *rng)
{
    double u, s;
    do {
        u = 2 * mas_rng_uniform(rng) - 1;
        const double v = 2 * mas_rng_uniform(rng) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * log(s) / s);
}
