/* SPDX-License-Identifier: Apache-2.0 */
/* The two masks that need no parameters. Everything else is defined in variants/. */
#include "masbench/mask.h"

static size_t one_run(const mas_mask *mask, int64_t kv_len)
{
    (void)mask, (void)kv_len;
    return 1;
}

static bool causal_sees(const mas_mask *mask, int64_t position, int64_t key)
{
    (void)mask;
    return key <= position;
}

static size_t causal_runs(const mas_mask *mask, int64_t position, int64_t kv_len, mas_run *runs)
{
    (void)mask;
    if (position < 0)
        return 0;
    runs[0] = (mas_run){0, position < kv_len ? position + 1 : kv_len};
    return 1;
}

static bool all_sees(const mas_mask *mask, int64_t position, int64_t key)
{
    (void)mask, (void)position, (void)key;
    return true;
}

static size_t all_runs(const mas_mask *mask, int64_t position, int64_t kv_len, mas_run *runs)
{
    (void)mask, (void)position;
    runs[0] = (mas_run){0, kv_len};
    return 1;
}

const mas_mask mas_mask_causal = {.sees = causal_sees, .runs = causal_runs, .max_runs = one_run};
const mas_mask mas_mask_all = {.sees = all_sees, .runs = all_runs, .max_runs = one_run};
