/* SPDX-License-Identifier: Apache-2.0 */
/* The case list: families of problems that vary one thing, a table of special ones, and random
 * problems. Sizes are small: faults live at edges, and there are many edges. */
#include "harness/check/internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Multiply-adds of a random problem with its twins: of every eighth, and of the others, so that many fit a minute. */
#define RANDOM_WORK_MAX 2000000
#define RANDOM_WORK_USUAL 200000
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static const mas_check_case plain = {
    .problem =
        {.batch = 1, .q_heads = 2, .kv_heads = 2, .q_len = 70, .kv_len = 70, .d_qk = 24, .d_v = 24},
    .mask = {.kind = MAS_CHECK_CAUSAL},
};

/* Append a case under a formatted name; false without memory. */
static bool add(mas_check_cases *list, mas_check_case c, const char *format, ...) MAS_PRINTF(3, 4);
static bool add(mas_check_cases *list, mas_check_case c, const char *format, ...)
{
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 256;
        mas_check_case *grown = realloc(list->items, room * sizeof *grown);
        if (!grown)
            return false;
        list->items = grown;
        list->room = room;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(c.name, sizeof c.name, format, args);
    va_end(args);
    list->items[list->count++] = c;
    return true;
}

static bool add_lengths(mas_check_cases *list)
{
    static const int64_t lengths[][2] = {
        {1, 1},    {1, 2},   {2, 1},     {1, 37},   {37, 1},    {1, 257},  {3, 130}, {7, 7},
        {13, 17},  {17, 13}, {31, 31},   {32, 32},  {33, 33},   {63, 63},  {64, 64}, {65, 65},
        {64, 128}, {61, 67}, {127, 129}, {129, 65}, {100, 200}, {200, 100}};
    bool ok = true;
    for (size_t i = 0; i < LENGTH(lengths); i++)
        for (int a = 0; a < MAS_ALIGNMENT_COUNT; a++) {
            mas_check_case c = plain;
            c.problem.q_len = lengths[i][0];
            c.problem.kv_len = lengths[i][1];
            c.problem.alignment = (mas_alignment)a;
            c.plant = true;
            ok = ok && add(list, c, "lengths/%lldx%lld/%s", (long long)lengths[i][0],
                           (long long)lengths[i][1],
                           a == MAS_ALIGN_TOP_LEFT ? "top_left" : "bottom_right");
        }
    /* more tiles than any ring of buffers has places */
    mas_check_case longer = plain;
    longer.problem.q_len = 200;
    longer.problem.kv_len = 700;
    longer.problem.alignment = MAS_ALIGN_BOTTOM_RIGHT;
    ok = ok && add(list, longer, "lengths/200x700/bottom_right");
    for (size_t i = 0; i < LENGTH(lengths); i += 2) {
        mas_check_case c = plain;
        c.problem.q_len = lengths[i][0];
        c.problem.kv_len = lengths[i][1];
        c.mask.kind = MAS_CHECK_ALL;
        ok = ok && add(list, c, "lengths/%lldx%lld/all", (long long)lengths[i][0],
                       (long long)lengths[i][1]);
    }
    return ok;
}

static bool add_head_sizes(mas_check_cases *list)
{
    static const int32_t sizes[][2] = {
        {1, 1},     {2, 2},     {3, 5},     {7, 8},     {8, 7},     {15, 16},  {16, 16},
        {17, 15},   {31, 33},   {32, 32},   {33, 31},   {40, 40},   {48, 24},  {63, 65},
        {64, 64},   {65, 63},   {80, 80},   {96, 96},   {100, 36},  {127, 1},  {1, 127},
        {128, 128}, {129, 130}, {192, 128}, {200, 200}, {255, 256}, {256, 256}};
    bool ok = true;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        mas_check_case c = plain;
        c.problem.q_len = c.problem.kv_len = 37;
        c.problem.d_qk = sizes[i][0];
        c.problem.d_v = sizes[i][1];
        c.layout = (mas_check_layout)(i % MAS_CHECK_LAYOUT_COUNT);
        ok = ok && add(list, c, "head/%dx%d", (int)sizes[i][0], (int)sizes[i][1]);
    }
    return ok;
}

static bool add_windows(mas_check_cases *list)
{
    static const int64_t windows[] = {1, 2, 3, 7, 16, 31, 32, 33, 64, 65, 129, 130, 131, INT64_MAX};
    bool ok = true;
    for (size_t i = 0; i < LENGTH(windows); i++) {
        mas_check_case c = plain;
        c.problem.q_len = c.problem.kv_len = 130;
        c.mask = (mas_check_mask){.kind = MAS_CHECK_WINDOW, .a = windows[i]};
        ok = ok && add(list, c, "window/%lld", (long long)windows[i]);
    }
    for (size_t i = 1; i < LENGTH(windows); i += 3) {
        mas_check_case c = plain;
        c.problem.q_len = 50;
        c.problem.kv_len = 150;
        c.problem.alignment = i % 2 ? MAS_ALIGN_TOP_LEFT : MAS_ALIGN_BOTTOM_RIGHT;
        c.mask = (mas_check_mask){.kind = MAS_CHECK_WINDOW, .a = windows[i], .b = 4};
        c.plant = true;
        ok = ok && add(list, c, "window/%lld/prefix", (long long)windows[i]);
    }
    return ok;
}

static bool add_masks(mas_check_cases *list)
{
    static const struct {
        const char *name;
        mas_check_mask mask;
    } masks[] = {
        {"nothing", {.kind = MAS_CHECK_NONE}},
        {"all", {.kind = MAS_CHECK_ALL}},
        {"band", {.kind = MAS_CHECK_BAND, .a = 9}},
        {"own-8", {.kind = MAS_CHECK_LOCAL, .a = 8, .b = 1}},
        {"own-16", {.kind = MAS_CHECK_LOCAL, .a = 16, .b = 1}},
        {"own-33", {.kind = MAS_CHECK_LOCAL, .a = 33, .b = 1}},
        {"own-64", {.kind = MAS_CHECK_LOCAL, .a = 64, .b = 1}},
        {"local-16-3", {.kind = MAS_CHECK_LOCAL, .a = 16, .b = 3}},
        {"local-64-2", {.kind = MAS_CHECK_LOCAL, .a = 64, .b = 2}},
        /* a vector of rows shares keys from an odd one to an even end, or the reverse */
        {"local-33-2", {.kind = MAS_CHECK_LOCAL, .a = 33, .b = 2}},
        {"strided-2", {.kind = MAS_CHECK_STRIDED, .a = 2}},
        {"strided-7", {.kind = MAS_CHECK_STRIDED, .a = 7}},
        {"strided-50", {.kind = MAS_CHECK_STRIDED, .a = 50}},
        {"blocks-4", {.kind = MAS_CHECK_BLOCKS, .a = 4, .b = 40, .seed = 1}},
        {"blocks-16", {.kind = MAS_CHECK_BLOCKS, .a = 16, .b = 30, .seed = 2}},
        {"blocks-33", {.kind = MAS_CHECK_BLOCKS, .a = 33, .b = 50, .seed = 8}},
        {"blocks-64", {.kind = MAS_CHECK_BLOCKS, .a = 64, .b = 60, .seed = 3}},
        {"pairs-5", {.kind = MAS_CHECK_PAIRS, .b = 5, .seed = 4}},
        {"pairs-60", {.kind = MAS_CHECK_PAIRS, .b = 60, .seed = 5}},
        {"holes-3", {.kind = MAS_CHECK_HOLES, .a = 3}},
        {"rowless-32", {.kind = MAS_CHECK_ROWLESS, .a = 32, .b = 1}},
        {"keys-middle", {.kind = MAS_CHECK_ALL, .key_begin = 40, .key_end = 90}},
    };
    bool ok = true;
    for (size_t i = 0; i < LENGTH(masks); i++)
        for (int sinks = 0; sinks < 2; sinks++) {
            mas_check_case c = plain;
            c.problem.q_len = sinks ? 90 : 131;
            c.problem.kv_len = 131;
            c.problem.q_heads = 3;
            c.problem.kv_heads = 1;
            c.problem.sinks = sinks;
            c.mask = masks[i].mask;
            c.plant = true;
            ok = ok && add(list, c, "mask/%s%s", masks[i].name, sinks ? "/sinks" : "");
        }
    return ok;
}

/* Masks of which a tile holds several blocks, over several of the largest tiles: what a tile shows differs between
 * its parts, and some parts show nothing. */
static bool add_long(mas_check_cases *list)
{
    static const struct {
        const char *name;
        int32_t head_dim;
        mas_check_mask mask;
    } masks[] = {
        {"blocks-64", 24, {.kind = MAS_CHECK_BLOCKS, .a = 64, .b = 30, .seed = 6}},
        {"blocks-100", 72, {.kind = MAS_CHECK_BLOCKS, .a = 100, .b = 30, .seed = 7}},
        {"own-620", 72, {.kind = MAS_CHECK_LOCAL, .a = 620, .b = 1}},
        {"own-64", 72, {.kind = MAS_CHECK_LOCAL, .a = 64, .b = 1}},
        {"window-300", 24, {.kind = MAS_CHECK_WINDOW, .a = 300}},
    };
    bool ok = true;
    for (size_t i = 0; i < LENGTH(masks); i++) {
        mas_check_case c = plain;
        c.problem.q_len = 400;
        c.problem.kv_len = 700;
        c.problem.d_qk = c.problem.d_v = masks[i].head_dim;
        c.problem.kv_heads = 1;
        c.problem.alignment = MAS_ALIGN_BOTTOM_RIGHT;
        c.mask = masks[i].mask;
        c.plant = true;
        ok = ok && add(list, c, "long/%s", masks[i].name);
    }
    return ok;
}

static bool add_options(mas_check_cases *list)
{
    static const int64_t heads[][3] = {
        {1, 1, 1}, {1, 4, 2},  {2, 6, 2}, {3, 5, 1},
        {2, 3, 3}, {1, 16, 2}, {1, 64, 1}}; /* enough heads on one for the forward to gather keys */
    static const float caps[] = {0.5f, 5.0f, 50.0f, 1000.0f, 1e6f};
    static const char *const layouts[] = {"dense", "padded", "head_major", "fused"};
    bool ok = true;
    for (size_t i = 0; i < LENGTH(heads); i++) {
        mas_check_case c = plain;
        c.problem.batch = heads[i][0];
        c.problem.q_heads = heads[i][1];
        c.problem.kv_heads = heads[i][2];
        c.problem.q_len = c.problem.kv_len = 41;
        ok = ok && add(list, c, "groups/%lldx%lldx%lld", (long long)heads[i][0],
                       (long long)heads[i][1], (long long)heads[i][2]);
    }
    mas_check_case many = plain; /* more than two for every multiprocessor of a large GPU */
    many.problem.q_heads = 300;
    many.problem.kv_heads = 100;
    many.problem.q_len = many.problem.kv_len = 20;
    ok = ok && add(list, many, "groups/1x300x100");
    for (size_t i = 0; i < LENGTH(caps); i++)
        for (int sinks = 0; sinks < 2; sinks++) {
            mas_check_case c = plain;
            c.problem.softcap = caps[i];
            c.problem.sinks = sinks;
            c.problem.scale = 1.0f;
            ok = ok && add(list, c, "softcap/%g%s", (double)caps[i], sinks ? "/sinks" : "");
        }
    for (int layout = 0; layout < MAS_CHECK_LAYOUT_COUNT; layout++) {
        mas_check_case c = plain;
        c.problem.batch = 2;
        c.problem.q_heads = 4;
        c.problem.d_v = 40;
        c.problem.sinks = true;
        c.layout = (mas_check_layout)layout;
        ok = ok && add(list, c, "layout/%s", layouts[layout]);
    }
    mas_check_case c = plain;
    c.problem.scale = -0.3f;
    ok = ok && add(list, c, "scale/negative");
    return ok;
}

static bool add_inputs(mas_check_cases *list)
{
    static const char *const names[MAS_CHECK_INPUTS_COUNT] = {"normal", "uniform",  "huge",
                                                              "equal",  "denormal", "dominating"};
    bool ok = true;
    for (int kind = 0; kind < MAS_CHECK_INPUTS_COUNT; kind++) {
        mas_check_case c = plain;
        c.inputs = (mas_check_inputs)kind;
        c.problem.q_len = c.problem.kv_len = 150;
        c.problem.d_qk = c.problem.d_v = 64;
        ok = ok && add(list, c, "inputs/%s", names[kind]);
        c.mask = (mas_check_mask){.kind = MAS_CHECK_WINDOW, .a = 20};
        c.problem.softcap = 30;
        c.problem.sinks = true;
        ok = ok && add(list, c, "inputs/%s/cap", names[kind]);
    }
    return ok;
}

/* The masks of the variants themselves, for all queries of a sequence and for its last ones. */
static bool add_variants(mas_check_cases *list)
{
    bool ok = true;
    for (size_t i = 0; i < list->specs.count; i++) {
        char label[60];
        mas_check_case c = plain;
        c.spec = &list->specs.items[i];
        c.problem.kv_len = 90;
        c.problem.q_len = i % 2 ? 50 : 90;
        c.problem.kv_heads = 1;
        c.problem.alignment = MAS_ALIGN_BOTTOM_RIGHT;
        c.plant = true;
        mas_attn_spec_label(c.spec, label, sizeof label);
        ok = ok && add(list, c, "variant/%s", label);
    }
    return ok;
}

/* log-uniform in 1 .. most */
static int64_t draw_size(mas_rng *rng, int64_t most)
{
    return (int64_t)exp2(mas_rng_uniform(rng) * log2((double)most + 1));
}

static mas_check_mask draw_mask(mas_rng *rng)
{
    return (mas_check_mask){.kind = (mas_check_mask_kind)mas_rng_below(rng, MAS_CHECK_MASK_COUNT),
                            .a = draw_size(rng, 100),
                            .b = draw_size(rng, 60),
                            .seed = mas_rng_u64(rng)};
}

static mas_check_case draw_case(uint64_t seed, int64_t number)
{
    mas_rng rng = mas_rng_seed(seed, 1000000 + (uint64_t)number);
    mas_check_case c = {.mask = draw_mask(&rng)};
    mas_attn_problem *p = &c.problem;
    p->batch = 1 + (int64_t)mas_rng_below(&rng, 2);
    p->kv_heads = 1 + (int64_t)mas_rng_below(&rng, 3);
    p->q_heads = p->kv_heads * (1 + (int64_t)mas_rng_below(&rng, 4));
    p->kv_len = draw_size(&rng, 300);
    p->q_len = mas_rng_below(&rng, 2) ? p->kv_len : draw_size(&rng, 200);
    p->d_qk = (int32_t)draw_size(&rng, MAS_HEAD_DIM_MAX - 1);
    p->d_v = mas_rng_below(&rng, 2) ? p->d_qk : (int32_t)draw_size(&rng, MAS_HEAD_DIM_MAX - 1);
    const int64_t most = number % 8 ? RANDOM_WORK_USUAL : RANDOM_WORK_MAX;
    while (p->batch * p->q_heads * p->q_len * p->kv_len * (p->d_qk + p->d_v) > most) {
        p->batch = 1;
        p->q_heads = p->kv_heads = 1;
        p->q_len = p->q_len / 2 + 1;
        p->kv_len = p->kv_len / 2 + 1;
    }
    p->dtype = (mas_dtype)mas_rng_below(&rng, MAS_DTYPE_COUNT);
    p->alignment = (mas_alignment)mas_rng_below(&rng, MAS_ALIGNMENT_COUNT);
    p->softcap = mas_rng_below(&rng, 4) == 0 ? (float)draw_size(&rng, 50) : 0;
    p->sinks = mas_rng_below(&rng, 4) == 0;
    c.layout = (mas_check_layout)mas_rng_below(&rng, MAS_CHECK_LAYOUT_COUNT);
    c.inputs = mas_rng_below(&rng, 2)
                   ? MAS_CHECK_NORMAL
                   : (mas_check_inputs)mas_rng_below(&rng, MAS_CHECK_INPUTS_COUNT);
    c.plant = mas_rng_below(&rng, 2);
    return c;
}

/* Every case of the list so far is in f32; once more in bf16 or f16, in turn. */
static bool add_dtypes(mas_check_cases *list)
{
    const size_t count = list->count;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const mas_check_case base = list->items[i]; /* adding may move the list */
        mas_check_case c = base;
        c.problem.dtype = i % 2 ? MAS_DTYPE_F16 : MAS_DTYPE_BF16;
        ok = add(list, c, "%.60s/%s", base.name, mas_dtype_name(c.problem.dtype));
        snprintf(list->items[i].name, sizeof base.name, "%.60s/f32", base.name);
    }
    return ok;
}

void mas_check_cases_free(mas_check_cases *cases)
{
    free(cases->items);
    free(cases->specs.items);
    *cases = (mas_check_cases){.items = NULL};
}

mas_status mas_check_cases_make(const mas_check_options *options, mas_check_cases *out,
                                mas_error *err)
{
    *out = (mas_check_cases){.items = NULL};
    const mas_status status =
        mas_check_specs_make(options->variants, options->seed, &out->specs, err);
    if (status != MAS_OK)
        return status;
    bool ok = add_lengths(out) && add_head_sizes(out) && add_windows(out) && add_masks(out) &&
              add_long(out) && add_options(out) && add_inputs(out) && add_variants(out) &&
              add_dtypes(out);
    for (int64_t i = 0; ok && i < options->count; i++)
        ok = add(out, draw_case(options->seed, i), "random/%lld", (long long)i);
    if (!ok) {
        mas_check_cases_free(out);
        return mas_fail(err, MAS_E_MEMORY, "no memory for the list of cases");
    }
    for (size_t i = 0; i < out->count; i++) {
        mas_attn_problem *p = &out->items[i].problem;
        if (p->scale == 0)
            p->scale = mas_attn_default_scale(p->d_qk);
    }
    return MAS_OK;
}
