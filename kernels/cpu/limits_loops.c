/* SPDX-License-Identifier: Apache-2.0 */
/* The fastest loops of their kind that a level has. Compiled once per instruction level. */
#include "kernels/cpu/level_name.h"
#include "kernels/cpu/limits.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif
#if defined(__AMX_BF16__) || defined(__AMXBF16__) /* gcc's name, and clang's until 16 */
#include "kernels/x86/tiles.h"
#define HAVE_TILES
#endif

/* Latency 4, two instructions a cycle: 8 sums suffice, more cover a late start. They and two
 * operands must fit the registers, 16 or 32 (AVX-512). */
#if defined(__AVX512F__)
enum { SUMS = 16, LANES = 16 };
typedef __m512 vec;
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#elif defined(__AVX2__)
enum { SUMS = 12, LANES = 8 };
typedef __m256 vec;
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#else
enum { SUMS = 12, LANES = 4 };
typedef float vec __attribute__((vector_size(16)));
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

typedef uint64_t words __attribute__((vector_size(LANES * 4), may_alias));
/* Only when their loops are unrolled completely do arrays of vectors live in registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

enum { STEP_WORDS = MAS_CPU_LIMIT_STEP / (LANES * 4), IN_FLIGHT = 8 };

/* Results go here, so that no loop is without effect. */
static volatile float result;
static volatile uint64_t result_word;

static double f32(int64_t rounds)
{
    volatile float unknown = 0.5f; /* not a constant to the compiler */
    const vec factor = (vec){0} + unknown, term = (vec){0} + unknown;
    vec sum[SUMS];
    UNROLL
    for (int i = 0; i < SUMS; i++)
        sum[i] = (vec){0} + unknown;
    for (int64_t r = 0; r < rounds; r++) {
        UNROLL
        for (int i = 0; i < SUMS; i++)
            sum[i] = MULTIPLY_ADD(sum[i], factor, term);
    }
    UNROLL
    for (int i = 1; i < SUMS; i++)
        sum[0] += sum[i];
    result = sum[0][0];
    return 2.0 * SUMS * LANES * (double)rounds;
}

#if defined(HAVE_TILES)
static double bf16(int64_t rounds)
{
    /* Numbers of all signs and sizes. */
    uint16_t terms[TILE_ROWS][TILE_TERMS];
    for (uint32_t i = 0; i < TILE_ROWS * TILE_TERMS; i++)
        terms[i / TILE_TERMS][i % TILE_TERMS] =
            (uint16_t)(0x3c00u + ((i * UINT32_C(2654435761)) >> 7 & 0x83ffu));
    tiles_begin();
    tile_load(4, terms, sizeof *terms);
    tile_load(5, terms, sizeof *terms);
    tile_load(6, terms, sizeof *terms);
    tile_load(7, terms, sizeof *terms);
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    for (int64_t r = 0; r < rounds;
         r += TILE_TERMS) { /* a step takes so much longer than one of vectors */
        tile_dot(0, 4, 6);
        tile_dot(1, 4, 7);
        tile_dot(2, 5, 6);
        tile_dot(3, 5, 7);
    }
    float sums[TILE_ROWS][16];
    tile_store(0, sums, sizeof *sums);
    tiles_end();
    result = sums[0][0];
    return 2.0 * 4 * TILE_ROWS * 16 * TILE_TERMS * (double)((rounds + TILE_TERMS - 1) / TILE_TERMS);
}
#elif defined(__AVX512BF16__)
static double bf16(int64_t rounds)
{
    volatile float unknown = 0.5f;
    const vec wide = (vec){0} + unknown;
    const __m512bh a = _mm512_cvtne2ps_pbh(wide, wide), b = a;
    vec sum[SUMS];
    UNROLL
    for (int i = 0; i < SUMS; i++)
        sum[i] = (vec){0} + unknown;
    for (int64_t r = 0; r < rounds; r++) {
        UNROLL
        for (int i = 0; i < SUMS; i++)
            sum[i] = _mm512_dpbf16_ps(sum[i], a, b);
    }
    UNROLL
    for (int i = 1; i < SUMS; i++)
        sum[0] += sum[i];
    result = sum[0][0];
    return 4.0 * SUMS * LANES * (double)rounds;
}
#endif

static void read_all(const void *from, size_t bytes)
{
    const words *p = from;
    words seen[IN_FLIGHT] = {{0}};
    for (size_t step = 0; step < bytes / MAS_CPU_LIMIT_STEP; step++, p += STEP_WORDS) {
        UNROLL
        for (int i = 0; i < STEP_WORDS; i++)
            seen[i % IN_FLIGHT] |= p[i];
    }
    for (int i = 1; i < IN_FLIGHT; i++)
        seen[0] |= seen[i];
    uint64_t all = 0;
    for (int i = 0; i < LANES / 2; i++)
        all |= seen[0][i];
    result_word = all;
}

static void copy_all(void *to, const void *from, size_t bytes)
{
    const words *p = from;
    words *q = to;
    for (size_t step = 0; step < bytes / MAS_CPU_LIMIT_STEP; step++) {
        UNROLL
        for (int i = 0; i < STEP_WORDS; i++)
            q[i] = p[i];
        p += STEP_WORDS;
        q += STEP_WORDS;
        /* Or the loop becomes a call of memcpy, whose stores may go around the caches. */
        __asm__ volatile("" ::: "memory");
    }
}

/* A step is eight or more independent loads and 2 * SUMS multiply-adds; what is loaded is only looked at. */
static void mixed(const void *from, size_t bytes, int64_t passes)
{
    volatile float unknown = 0.5f;
    const vec factor = (vec){0} + unknown, term = (vec){0} + unknown;
    words seen[IN_FLIGHT] = {{0}};
    vec sum[SUMS];
    UNROLL
    for (int i = 0; i < SUMS; i++)
        sum[i] = (vec){0} + unknown;
    for (int64_t pass = 0; pass < passes; pass++) {
        const words *p = from;
        for (size_t step = 0; step < bytes / MAS_CPU_LIMIT_STEP; step++, p += STEP_WORDS) {
            UNROLL
            for (int i = 0; i < STEP_WORDS; i++)
                seen[i % IN_FLIGHT] |= p[i];
            UNROLL
            for (int i = 0; i < 2 * SUMS; i++)
                sum[i % SUMS] = MULTIPLY_ADD(sum[i % SUMS], factor, term);
        }
    }
    UNROLL
    for (int i = 1; i < SUMS; i++)
        sum[0] += sum[i];
    for (int i = 1; i < IN_FLIGHT; i++)
        seen[0] |= seen[i];
    result = sum[0][0];
    result_word = seen[0][0];
}

const mas_cpu_limits LEVEL_NAME(limits) = {
    .f32 = f32,
#if defined(__AVX512BF16__)
    .bf16 = bf16,
#endif
    .read = read_all,
    .copy = copy_all,
    .mixed = mixed,
};
