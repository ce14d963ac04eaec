/* SPDX-License-Identifier: Apache-2.0 */
/* The emulator by itself: what its instructions compute, when their results are there, and what it traps. */
#include "kernels/cuda/simt/hopper.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <vector>

TestSuite(simt, .timeout = 60);

enum { WARPGROUP = 128 };

/* Each test is a process of its own: settings do not leak. */
static void orders(void (*body)(void))
{
    for (int order = 0; order < 3; order++) {
        simt::cfg.order = order;
        body();
    }
}

/* ---- threads and barriers ---- */

static void reverse_through_shared(int *out)
{
    SIMT_DYN_SMEM(int, shared);
    const int t = (int)threadIdx.x, n = (int)blockDim.x;
    shared[t] = t + (int)blockIdx.x * 1000;
    __syncthreads();
    out[(int)blockIdx.x * n + t] = shared[n - 1 - t];
}

Test(simt, blocks_and_barriers_in_every_order)
{
    orders([] {
        int out[2 * 96];
        (void)simt_launch(reverse_through_shared, dim3(2), dim3(96), 96 * sizeof(int), nullptr,
                          out);
        for (int i = 0; i < 2 * 96; i++)
            cr_assert_eq(out[i], i / 96 * 1000 + 95 - i % 96);
    });
}

static void reads_without_barrier(float *out)
{
    SIMT_DYN_SMEM(float, shared);
    shared[threadIdx.x] = 1.0f;
    out[threadIdx.x] = shared[31 - (int)threadIdx.x];
}

Test(simt, memory_that_nobody_wrote_yet_is_nan)
{
    float out[32];
    (void)simt_launch(reads_without_barrier, dim3(1), dim3(32), 32 * sizeof(float), nullptr, out);
    cr_assert(std::isnan(out[0]));
    cr_assert_eq(out[31], 1.0f);
}

/* Meeting within a warp must not keep warps beside each other: on hardware nothing does. */
static void reads_the_other_warp(float *out)
{
    SIMT_DYN_SMEM(float, shared);
    const float one = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
    shared[threadIdx.x] = one;
    const float other = shared[threadIdx.x ^ 32];
    out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, other, 0);
}

Test(simt, a_warp_gets_as_far_ahead_as_barriers_allow)
{
    float out[64];
    for (int order = 0; order < 2; order++) {
        simt::cfg.order = order;
        (void)simt_launch(reads_the_other_warp, dim3(1), dim3(64), 64 * sizeof(float), nullptr,
                          out);
        cr_assert(std::isnan(out[order ? 63 : 0]), "the first warp did not run ahead");
        cr_assert_eq(out[order ? 0 : 63], 1.0f);
    }
}

static void half_at_barrier()
{
    if (threadIdx.x < 16)
        __syncthreads();
}

Test(simt, a_barrier_that_half_the_block_misses_is_a_deadlock, .signal = SIGABRT)
{
    (void)simt_launch(half_at_barrier, dim3(1), dim3(32), 0, nullptr);
}

static void writes_past_the_end()
{
    SIMT_DYN_SMEM(unsigned char, shared);
    shared[64] = 0;
}

#if !defined(__SANITIZE_ADDRESS__) /* which reports it first, in its own way */
Test(simt, writes_past_shared_memory_are_trapped, .signal = SIGABRT)
{
    (void)simt_launch(writes_past_the_end, dim3(1), dim3(1), 64, nullptr);
}
#endif

static void sums_of_a_warp(float *out)
{
    float x = (float)threadIdx.x;
    for (int step = 16; step > 0; step /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, step);
    out[threadIdx.x] = x;
}

Test(simt, shuffles_meet)
{
    orders([] {
        float out[32];
        (void)simt_launch(sums_of_a_warp, dim3(1), dim3(32), 0, nullptr, out);
        for (float x : out)
            cr_assert_eq(x, 31 * 32 / 2);
    });
}

static void not_uniform()
{
    (void)simt_uniform((int)threadIdx.x / 16);
}

Test(simt, uniform_must_be_true, .signal = SIGABRT)
{
    (void)simt_launch(not_uniform, dim3(1), dim3(32), 0, nullptr);
}

/* ---- copies ---- */

static void copies(const uint16_t *from, float *early, float *late)
{
    SIMT_DYN_SMEM(uint16_t, shared);
    cp_async_16(shared, from, 16);
    cp_async_commit();
    *early = bf2f(shared[0]);
    cp_async_wait<0>();
    *late = bf2f(shared[0]);
}

Test(simt, copies_land_when_waited_for_or_at_once)
{
    alignas(16) uint16_t from[8] = {f2bf(3.0f)};
    float early, late;
    (void)simt_launch(copies, dim3(1), dim3(1), 16, nullptr, (const uint16_t *)from, &early, &late);
    cr_assert(std::isnan(early));
    cr_assert_eq(late, 3.0f);
    simt::cfg.eager_cp = true;
    (void)simt_launch(copies, dim3(1), dim3(1), 16, nullptr, (const uint16_t *)from, &early, &late);
    cr_assert_eq(early, 3.0f);
}

/* A box of 8 rows from row `first` on: thread 0 fetches it, all wait. */
static void box(simt_tensor_map map, int first, int offset, uint16_t *out)
{
    SIMT_DYN_SMEM(unsigned char, shared);
    uint64_t *barrier = (uint64_t *)(shared + 4096);
    if (threadIdx.x == 0)
        mbar_init(barrier, 1);
    __syncthreads();
    if (threadIdx.x == 0) {
        mbar_arrive_tx(barrier, 8 * 128);
        tma_load(shared + offset, &map, 0, first, 1, 0, barrier);
    }
    mbar_wait(barrier, 0);
    for (int row = 0; row < 8; row++) /* chunk 0 of a row lies where the swizzle puts it */
        out[row] = *(uint16_t *)(shared + offset + row * 128 + row * 16);
}

static simt_tensor_map map_of(std::vector<uint16_t> &data)
{
    /* 2 heads of 12 rows of 64 */
    data.resize(2 * 12 * 64);
    for (size_t i = 0; i < data.size(); i++)
        data[i] = (uint16_t)(i / 64 + 1);
    const simt_tensor t = {data.data(), 64, 12, 2, 1, 128, 12 * 128, 24 * 128};
    simt_tensor_map map;
    cr_assert_eq(simt_tensor_map_make(&map, &t, 8), cudaSuccess);
    return map;
}

Test(simt, boxes_are_swizzled_and_zero_past_the_tensor)
{
    std::vector<uint16_t> data;
    const simt_tensor_map map = map_of(data);
    for (int eager = 0; eager < 2; eager++) {
        simt::cfg.eager_cp = eager;
        uint16_t out[8];
        (void)simt_launch(box, dim3(1), dim3(32), 4096 + 8, nullptr, map, 8, 1024, out);
        for (int row = 0; row < 8; row++) /* rows 8 to 11 of head 1, then none */
            cr_assert_eq(out[row], row < 4 ? 12 + 8 + row + 1 : 0);
    }
}

Test(simt, boxes_must_land_on_1024_bytes, .signal = SIGABRT)
{
    std::vector<uint16_t> data;
    uint16_t out[8];
    (void)simt_launch(box, dim3(1), dim3(32), 4096 + 8, nullptr, map_of(data), 0, 512, out);
}

Test(simt, maps_refuse_strides_that_bulk_copies_cannot_follow)
{
    uint16_t data[64];
    const simt_tensor t = {data, 20, 1, 1, 1, 40, 40, 40};
    simt_tensor_map map;
    cr_assert_neq(simt_tensor_map_make(&map, &t, 8), cudaSuccess);
}

static void arrives_twice()
{
    SIMT_DYN_SMEM(uint64_t, barrier);
    mbar_init(barrier, 2);
    mbar_arrive_tx(barrier, 16);
    mbar_arrive(barrier);
    mbar_arrive(barrier); /* the phase still waits for bytes: one too many */
}

Test(simt, more_arrivals_than_expected_are_trapped, .signal = SIGABRT)
{
    (void)simt_launch(arrives_twice, dim3(1), dim3(1), 8, nullptr);
}

static void waits_for_nothing()
{
    SIMT_DYN_SMEM(uint64_t, barrier);
    mbar_init(barrier, 1);
    mbar_wait(barrier, 1); /* the phase before the first counts as over */
    mbar_wait(barrier, 0);
}

Test(simt, a_barrier_that_nobody_arrives_at_is_a_deadlock, .signal = SIGABRT)
{
    (void)simt_launch(waits_for_nothing, dim3(1), dim3(1), 8, nullptr);
}

/* ---- products ---- */

/* A value that depends on where it stands and is exact in either type. */
static float value(int row, int column)
{
    return (float)((row * 7 + column * 3) % 17 - 8);
}

/* An element of a [64][ROWS][64]-swizzled part. */
static uint16_t *at(unsigned char *tile, int row, int column)
{
    return (uint16_t *)(tile + simt_swizzled((uint32_t)(row * 128 + column * 2)));
}

/* out[0]: A B^T with B [N][16 of 64 columns] in shared memory; out[1]: A B with A in registers and B [16][N]. */
template <int N> static void products(float *rows, float *columns, float *before)
{
    SIMT_DYN_SMEM(unsigned char, shared);
    unsigned char *a = shared, *b = shared + 8192, *c = b + N * 128;
    const int t = (int)threadIdx.x, row = t / 32 * 16 + t % 32 / 4, column = t % 4 * 2;
    for (int i = t; i < 64 * 16; i += WARPGROUP)
        *at(a, i / 16, i % 16) = f2bf(value(i / 16, i % 16));
    for (int i = t; i < N * 16; i += WARPGROUP) {
        *at(b, i / 16, i % 16) = f2bf(value(i / 16 + 1, i % 16));
        *at(c + i / 16 / 64 * 16 * 128, i % 16, i / 16 % 64) = f2bf(value(i / 16 + 1, i % 16));
    }
    fence_async();
    __syncthreads();
    float s[N / 8][4], o[N / 8][4];
    uint32_t left[4];
    for (int i = 0; i < N / 8; i++)
        for (int e = 0; e < 4; e++)
            s[i][e] = o[i][e] = 0;
    for (int i = 0; i < 4; i++)
        left[i] = pack_bf16x2(value(row + i % 2 * 8, column + i / 2 * 8),
                              value(row + i % 2 * 8, column + i / 2 * 8 + 1));
    const uint32_t base = simt_smem_addr(shared);
    wg_fence();
    wgmma_shared<MAS_DTYPE_BF16, N>(s, wg_descriptor(base, 16, 1024),
                                    wg_descriptor(base + 8192, 16, 1024), false);
    wg_commit();
    wgmma_registers<MAS_DTYPE_BF16, N>(o, left,
                                       wg_descriptor(base + 8192 + N * 128, 16 * 128, 1024));
    wg_commit();
    wg_wait<1>();
    if (t == 0)
        *before = o[0][0]; /* the second group may still be under way */
    wg_wait<0>();
    for (int i = 0; i < N / 8; i++)
        for (int e = 0; e < 4; e++) {
            const int at_row = row + e / 2 * 8, at_column = i * 8 + column + e % 2;
            rows[at_row * N + at_column] = s[i][e];
            columns[at_row * N + at_column] = o[i][e];
        }
}

template <int N> static void check_products()
{
    std::vector<float> rows(64 * N), columns(64 * N);
    float before;
    (void)simt_launch(products<N>, dim3(1), dim3(WARPGROUP), 8192 + 2 * N * 128, nullptr,
                      rows.data(), columns.data(), &before);
    for (int m = 0; m < 64; m++)
        for (int n = 0; n < N; n++) {
            float want = 0;
            for (int k = 0; k < 16; k++)
                want += value(m, k) * value(n + 1, k);
            cr_assert_eq(rows[(size_t)(m * N + n)], want, "A B^T at %d, %d", m, n);
            cr_assert_eq(columns[(size_t)(m * N + n)], want, "A B at %d, %d", m, n);
        }
    cr_assert_eq(before, 0);
}

Test(simt, products_of_a_warpgroup)
{
    orders(check_products<64>);
    orders(check_products<128>);
}

static void disagrees()
{
    float s[8][4] = {};
    wgmma_shared<MAS_DTYPE_BF16, 64>(s, wg_descriptor(threadIdx.x < 64 ? 0 : 1024, 16, 1024),
                                     wg_descriptor(0, 16, 1024), false);
    wg_commit();
    wg_wait<0>();
}

Test(simt, a_warpgroup_must_agree, .signal = SIGABRT)
{
    (void)simt_launch(disagrees, dim3(1), dim3(WARPGROUP), 16384, nullptr);
}

/* ---- launches ---- */

static void nothing()
{
}

static cudaError_t launched(dim3 grid, dim3 block, size_t smem)
{
    return simt_launch(nothing, grid, block, smem, nullptr);
}

Test(simt, launches_that_cuda_refuses_are_refused)
{
    cr_assert_eq(launched(1, 1024, 0), cudaSuccess);
    cr_assert_eq(launched(0, 32, 0), cudaErrorInvalidConfiguration);
    cr_assert_eq(launched(dim3(1, 70000), 32, 0), cudaErrorInvalidConfiguration);
    cr_assert_eq(launched(dim3(1, 1, 70000), 32, 0), cudaErrorInvalidConfiguration);
    cr_assert_eq(launched(1, 0, 0), cudaErrorInvalidConfiguration);
    cr_assert_eq(launched(1, 1025, 0), cudaErrorInvalidConfiguration);
    cr_assert_eq(launched(1, dim3(1, 1, 65), 0), cudaErrorInvalidConfiguration);
    cr_assert_eq(launched(1, 32, 0), cudaSuccess, "a refusal is over");
}

Test(simt, shared_memory_is_as_large_as_the_capability_has)
{
    static const struct {
        int capability;
        size_t kib;
    } known[] = {{80, 163}, {86, 99}, {89, 99}, {90, 227}, {120, 99}};
    for (const auto &k : known) {
        simt::cfg.capability = k.capability;
        cr_assert_eq(launched(1, 32, k.kib << 10), cudaSuccess, "%d", k.capability);
        cr_assert_eq(launched(1, 32, (k.kib << 10) + 1), cudaErrorInvalidValue, "%d", k.capability);
    }
}
