/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix tiles: eight registers of 16 rows of 64 bytes, as AMX has them. A tile of sums holds 16 x 16
 * floats; a left operand 16 rows of 32 bf16 terms; a right operand 16 rows of 16 columns, each a pair of
 * terms that follow each other. Names of tiles are constants, 0 to 7.
 *
 * A thread calls tiles_begin before it uses them and tiles_end when it is done: their state slows
 * every change of threads down.
 *
 * With MAS_TILES_EMULATED the same vocabulary is said in plain C, for the tests of processors
 * that have no tiles: same order of sums, except that the hardware counts denormal numbers as 0. */
#ifndef MASBENCH_X86_TILES_H
#define MASBENCH_X86_TILES_H

#include <stddef.h>
#include <stdint.h>

enum {
    TILE_ROWS = 16,  /* of any tile, and columns of a right operand and of sums */
    TILE_TERMS = 32, /* bf16 terms of a row of a left operand */
    TILE_ROW_BYTES = 64
};

#if defined(MAS_TILES_EMULATED)

#define TILES_NAME "amx_emulated"
#define TILES_SYMBOL(name) name##_amx_emulated
#define TILES_ISA MAS_ISA_AVX512BF16

#include <math.h>
#include <string.h>

typedef union tile_state {
    float sums[TILE_ROWS][16];
    uint32_t pairs[TILE_ROWS][TILE_TERMS / 2];
} tile_state;

static _Thread_local tile_state tile_states[8];

static inline void tiles_begin(void)
{
}

static inline void tiles_end(void)
{
}

static inline void tile_load_at(int t, const void *from, ptrdiff_t stride)
{
    for (int i = 0; i < TILE_ROWS; i++)
        memcpy(tile_states[t].pairs[i], (const char *)from + i * stride, TILE_ROW_BYTES);
}

static inline void tile_store_at(int t, void *to, ptrdiff_t stride)
{
    for (int i = 0; i < TILE_ROWS; i++)
        memcpy((char *)to + i * stride, tile_states[t].pairs[i], TILE_ROW_BYTES);
}

static inline void tile_zero_at(int t)
{
    memset(&tile_states[t], 0, sizeof tile_states[t]);
}

/* The two terms of a pair. */
static inline float pair_first(uint32_t pair)
{
    const uint32_t bits = pair << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float pair_second(uint32_t pair)
{
    return pair_first(pair >> 16);
}

/* What the instruction does, with tiles alone: nothing for sanitizers, which took half of a check's time here. */
__attribute__((no_sanitize("address", "undefined"))) static inline void tile_dot_at(int c, int a,
                                                                                    int b)
{
    for (int i = 0; i < TILE_ROWS; i++) {
        float first[16] = {0}, second[16] = {0};
        for (int k = 0; k < TILE_TERMS / 2; k++) {
            const uint32_t x = tile_states[a].pairs[i][k], *y = tile_states[b].pairs[k];
            for (int j = 0; j < 16; j++) {
                first[j] = fmaf(pair_first(x), pair_first(y[j]), first[j]);
                second[j] = fmaf(pair_second(x), pair_second(y[j]), second[j]);
            }
        }
        for (int j = 0; j < 16; j++)
            tile_states[c].sums[i][j] += first[j] + second[j];
    }
}

#define tile_load(t, from, stride) tile_load_at(t, from, stride)
#define tile_stream(t, from, stride) tile_load_at(t, from, stride)
#define tile_store(t, to, stride) tile_store_at(t, to, stride)
#define tile_zero(t) tile_zero_at(t)
#define tile_dot(c, a, b) tile_dot_at(c, a, b)

#else

#define TILES_NAME "amx"
#define TILES_SYMBOL(name) name##_amx
#define TILES_ISA MAS_ISA_AMX

#include <immintrin.h>

/* The memory operand of LDTILECFG: which of its layouts, and the size of each tile. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

static inline void tiles_begin(void)
{
    static const tile_config all = {.palette = 1,
                                    .row_bytes = {TILE_ROW_BYTES, TILE_ROW_BYTES, TILE_ROW_BYTES,
                                                  TILE_ROW_BYTES, TILE_ROW_BYTES, TILE_ROW_BYTES,
                                                  TILE_ROW_BYTES, TILE_ROW_BYTES},
                                    .rows = {TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS,
                                             TILE_ROWS, TILE_ROWS, TILE_ROWS}};
    _tile_loadconfig(&all);
}

static inline void tiles_end(void)
{
    _tile_release();
}

/* Macros, because the instructions want numbers of tiles that are constants in every build. Rows are `stride`
 * bytes apart. tile_stream is a load of what need not stay in the first cache. tile_dot: sums c += a b.
 *
 * The intrinsics of gcc 12 do not say that a load reads memory, so that stores before it may be moved
 * past it; these do. */
#define TILE_FROM_MEMORY(instruction, t, from, stride)                                             \
    __asm__ volatile(instruction " (%0,%1,1), %%tmm" #t ::"r"((const void *)(from)),               \
                     "r"((ptrdiff_t)(stride))                                                      \
                     : "memory")
#define tile_load(t, from, stride) TILE_FROM_MEMORY("tileloadd", t, from, stride)
#define tile_stream(t, from, stride) TILE_FROM_MEMORY("tileloaddt1", t, from, stride)
#define tile_store(t, to, stride)                                                                  \
    __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" ::"r"((void *)(to)),                      \
                     "r"((ptrdiff_t)(stride))                                                      \
                     : "memory")
#define tile_zero(t) _tile_zero(t)
#define tile_dot(c, a, b) _tile_dpbf16ps(c, a, b)

#endif

#endif
