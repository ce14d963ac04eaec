/* SPDX-License-Identifier: Apache-2.0 */
/* What of cuDNN's attention can be tried without a GPU: masks are recognised for what they are, and
 * the library takes every graph as a whole. That it has a kernel for it only a GPU can say. */
#include "kernels/cuda/cudnn_attention.h"

#include <criterion/criterion.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static mas_attn_problem problem_of(const mas_mask *mask, int64_t length)
{
    return (mas_attn_problem){.batch = 2,
                              .q_heads = 4,
                              .kv_heads = 2,
                              .q_len = length,
                              .kv_len = length,
                              .d_qk = 64,
                              .d_v = 64,
                              .dtype = MAS_DTYPE_BF16,
                              .scale = 0.125f,
                              .mask = mask};
}

/* ---- masks: keys first(i) .. i, except that one query of `odd` sees one key less ---- */

typedef struct band_mask {
    int64_t window, odd;
} band_mask;

static mas_run run_of(const band_mask *b, int64_t i)
{
    mas_run run = {b->window && i >= b->window ? i - b->window + 1 : 0, i + 1};
    run.begin += i == b->odd;
    return run;
}

static bool band_sees(const mas_mask *mask, int64_t position, int64_t key)
{
    const mas_run run = run_of(mask->self, position);
    return key >= run.begin && key < run.end;
}

static size_t band_runs(const mas_mask *mask, int64_t position, int64_t kv_len, mas_run *runs)
{
    (void)kv_len;
    runs[0] = run_of(mask->self, position);
    return runs[0].begin < runs[0].end;
}

static size_t band_max(const mas_mask *mask, int64_t kv_len)
{
    (void)mask, (void)kv_len;
    return 1;
}

static mas_status recognise(int64_t window, int64_t odd, int64_t length, mas_cudnn_band *band)
{
    const band_mask self = {window, odd};
    const mas_mask mask = {&self, band_sees, band_runs, band_max};
    const mas_attn_problem p = problem_of(&mask, length);
    return mas_cudnn_band_of(&p, band, NULL);
}

Test(cudnn, masks_are_recognised)
{
    mas_cudnn_band band;
    const mas_attn_problem all = problem_of(&mas_mask_all, 100);
    cr_assert_eq(mas_cudnn_band_of(&all, &band, NULL), MAS_OK);
    cr_expect(!band.causal && band.window == 0);
    const mas_attn_problem causal = problem_of(&mas_mask_causal, 100);
    cr_assert_eq(mas_cudnn_band_of(&causal, &band, NULL), MAS_OK);
    cr_expect(band.causal && band.window == 0);
    for (int64_t window = 1; window <= 101; window++) {
        cr_assert_eq(recognise(window, -1, 100, &band), MAS_OK, "window %d", (int)window);
        cr_expect(band.causal);
        cr_expect_eq(band.window, window < 100 ? window : 0, "window %d: %d", (int)window,
                     (int)band.window);
    }
}

Test(cudnn, one_key_less_is_another_mask)
{
    mas_cudnn_band band;
    for (int64_t odd = 0; odd < 100; odd++) {
        cr_expect_eq(recognise(30, odd, 100, &band), MAS_E_UNSUPPORTED, "query %d", (int)odd);
        if (odd < 99) /* the last query without the first key is a window of 99 */
            cr_expect_eq(recognise(0, odd, 100, &band), MAS_E_UNSUPPORTED, "query %d", (int)odd);
    }
}

Test(cudnn, refusals_say_why)
{
    mas_error why;
    mas_cudnn_band band;
    mas_attn_problem p = problem_of(&mas_mask_causal, 100);
    p.kv_len = 101;
    cr_expect_eq(mas_cudnn_band_of(&p, &band, &why), MAS_E_UNSUPPORTED);
    cr_expect_not_null(strstr(why.text, "100 and 101"), "%s", why.text);
    p = problem_of(&mas_mask_causal, 100);
    p.dtype = MAS_DTYPE_F32;
    cr_expect_eq(mas_cudnn_supports(&p, MAS_ATTN_FORWARD, &why), MAS_E_DTYPE);
    p = problem_of(&mas_mask_causal, 100);
    p.d_v = 68;
    cr_expect_eq(mas_cudnn_supports(&p, MAS_ATTN_FORWARD, &why), MAS_E_SHAPE);
    cr_expect_not_null(strstr(why.text, "64 and 68"), "%s", why.text);
    p = problem_of(&mas_mask_causal, 100);
    p.softcap = 30;
    cr_expect_eq(mas_cudnn_supports(&p, MAS_ATTN_FORWARD, &why), MAS_E_UNSUPPORTED);
    cr_expect_not_null(strstr(why.text, "softcap"), "%s", why.text);
}

Test(cudnn, its_version_is_known)
{
    mas_error why;
    const mas_attn_problem p = problem_of(&mas_mask_causal, 128);
    if (mas_cudnn_supports(&p, MAS_ATTN_FORWARD, &why) != MAS_OK) {
        cr_expect_eq(mas_cudnn_version(), 0);
        cr_skip_test("%s", why.text);
    }
    cr_expect_geq(mas_cudnn_version(), 91000);
}

Test(cudnn, rows_off_their_boundary_are_refused)
{
    mas_error why;
    mas_cudnn_shape shape;
    static float lse;
    _Alignas(16) static char memory[32];
    const mas_cudnn_band causal = {true, 0};
    const mas_attn_problem p = problem_of(NULL, 100); /* a run does not look at the mask again */
    mas_attn_args args = {.q = mas_view_dense(memory, 100, 4, 64),
                          .k = mas_view_dense(memory, 100, 2, 64),
                          .v = mas_view_dense(memory, 100, 2, 64),
                          .o = mas_view_dense(memory, 100, 4, 64),
                          .lse = &lse};
    cr_assert_eq(mas_cudnn_shape_of(&p, &causal, MAS_ATTN_FORWARD, &args, &shape, &why), MAS_OK);
    mas_cudnn_shape dense;
    cr_assert_eq(mas_cudnn_shape_of(&p, &causal, MAS_ATTN_FORWARD, NULL, &dense, &why), MAS_OK);
    cr_expect_eq(memcmp(&shape, &dense, sizeof shape), 0, "dense arguments are the dense shape");
    args.k.row += 8;
    cr_assert_eq(mas_cudnn_shape_of(&p, &causal, MAS_ATTN_FORWARD, &args, &shape, &why), MAS_OK);
    cr_expect_neq(memcmp(&shape, &dense, sizeof shape), 0);
    args.k.row += 1;
    cr_expect_eq(mas_cudnn_shape_of(&p, &causal, MAS_ATTN_FORWARD, &args, &shape, &why),
                 MAS_E_UNSUPPORTED);
    args.k.row += 7;
    args.o.data = memory + 2;
    cr_expect_eq(mas_cudnn_shape_of(&p, &causal, MAS_ATTN_FORWARD, &args, &shape, &why),
                 MAS_E_UNSUPPORTED);
}

/* ---- graphs ---- */

/* An H100 as cuDNN describes it. cuDNN suggests kernels for it without one, as long as it can load a
 * libcuda; the toolkit's stub is enough, and meson.build puts it in the way. */
static const char h100[] =
    "{\"deviceName\":\"NVIDIA H100 80GB HBM3\",\"deviceVer\":900,\"driverVer\":13000,"
    "\"cudaDeviceId\":0,\"pciDeviceId\":0,\"isTccDriver\":0,\"supportCoopLaunch\":1,"
    "\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],"
    "\"regsPerBlock\":65536,\"maxRegistersPerSM\":65536,\"multiProcessorCount\":132,"
    "\"warpSize\":32,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,\"maxCtasPerSM\":32,"
    "\"maxSharedMemoryPerBlock\":49152,\"maxSharedMemoryPerBlockOptin\":232448,"
    "\"reservedSharedMemoryPerBlock\":1024,\"smClockRateKHz\":1980000,"
    "\"memClockRateKHz\":2619000,\"l2CacheSize\":52428800,\"totalGlobalMem\":85017755648}";

/* cuDNN loads the compiler for every question and unloads it, and each time the compiler leaves behind
 * what its start allocated. Held here, it starts once. */
static bool have_libcuda(void)
{
    char compiler[32];
    snprintf(compiler, sizeof compiler, "libnvrtc.so.%d", CUDART_VERSION / 1000);
    (void)dlopen(compiler, RTLD_NOW | RTLD_LOCAL);
    return dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) != NULL; /* kept for cuDNN */
}

static void try_graph(const mas_attn_problem *p, mas_attn_op op, const char *properties)
{
    mas_error err;
    mas_cudnn_band band;
    mas_cudnn_shape shape;
    cr_assert_eq(mas_cudnn_supports(p, op, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_cudnn_band_of(p, &band, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_cudnn_shape_of(p, &band, op, NULL, &shape, &err), MAS_OK, "%s", err.text);
    for (int stats = op == MAS_ATTN_BACKWARD; stats < 2; stats++) {
        shape.stats = stats;
        const mas_status status = mas_cudnn_try(&shape, properties, &err);
        cr_expect_eq(status, MAS_OK, "%s, %s, %d key heads, %d keys, sizes %d and %d: %s",
                     mas_attn_op_name(op), mas_dtype_name(p->dtype), (int)p->kv_heads,
                     (int)p->kv_len, p->d_qk, p->d_v, err.text);
    }
}

static void try_graphs(mas_attn_op op, const char *properties)
{
    static const int32_t sizes[][2] = {{64, 64}, {128, 128}, {128, 64}, {40, 24}};
    static const int64_t lengths[] = {1, 100, 257, 2048};
    const band_mask window = {64, -1};
    const mas_mask windowed = {&window, band_sees, band_runs, band_max};
    const mas_mask *const masks[] = {&mas_mask_causal, &mas_mask_all, &windowed};
    mas_error err;
    mas_attn_problem p = problem_of(&mas_mask_causal, 2048);
    if (mas_cudnn_supports(&p, op, &err) != MAS_OK)
        cr_skip_test("%s", err.text);
    for (size_t mask = 0; mask < 3; mask++)
        for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                p = problem_of(masks[mask], lengths[n]);
                p.d_qk = sizes[i][0];
                p.d_v = sizes[i][1];
                p.kv_heads = i % 2 ? 2 : 4;
                p.dtype = n % 2 ? MAS_DTYPE_BF16 : MAS_DTYPE_F16;
                try_graph(&p, op, properties);
            }
}

Test(cudnn, forward_graphs_are_taken)
{
    try_graphs(MAS_ATTN_FORWARD, NULL);
}

Test(cudnn, backward_graphs_are_taken)
{
    try_graphs(MAS_ATTN_BACKWARD, NULL);
}

Test(cudnn, forward_graphs_have_kernels_for_an_h100, .timeout = 120)
{
    if (!have_libcuda())
        cr_skip_test("%s", dlerror());
    try_graphs(MAS_ATTN_FORWARD, h100);
}

Test(cudnn, backward_graphs_have_kernels_for_an_h100, .timeout = 120)
{
    if (!have_libcuda())
        cr_skip_test("%s", dlerror());
    try_graphs(MAS_ATTN_BACKWARD, h100);
}

/* The library does look: a graph of nonsense is refused. */
Test(cudnn, a_wrong_graph_is_refused)
{
    mas_error err;
    mas_cudnn_shape shape;
    const mas_cudnn_band causal = {true, 0};
    const mas_attn_problem p = problem_of(&mas_mask_causal, 128);
    if (mas_cudnn_supports(&p, MAS_ATTN_FORWARD, &err) != MAS_OK)
        cr_skip_test("%s", err.text);
    cr_assert_eq(mas_cudnn_shape_of(&p, &causal, MAS_ATTN_FORWARD, NULL, &shape, &err), MAS_OK);
    shape.kv_heads = 3; /* of 4 query heads */
    cr_expect_neq(mas_cudnn_try(&shape, NULL, &err), MAS_OK);
    cr_expect_not_null(strstr(err.text, "cuDNN says"), "%s", err.text);
}
