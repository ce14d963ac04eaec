/* SPDX-License-Identifier: Apache-2.0 */
/* Masks made for checking only, so that a fault in a variant cannot hide one in a kernel. `sees` is
 * the definition; `runs` is read off it key by key, which costs time and can hardly be wrong. */
#include "harness/check/internal.h"

static bool chance(const mas_check_mask *m, int64_t x, int64_t y)
{
    const uint64_t h =
        mas_mix64(mas_mix64(m->seed ^ (uint64_t)x * 0x9e3779b97f4a7c15u) ^ (uint64_t)y);
    return (int64_t)(h % 100) < m->b;
}

static bool sees(const mas_mask *mask, int64_t position, int64_t key)
{
    const mas_check_mask *m = mask->self;
    const int64_t p = m->skip_rows && position >= m->skip_from ? position + m->skip_rows : position;
    if (m->key_end && (key < m->key_begin || key >= m->key_end))
        return false;
    switch (m->kind) {
    case MAS_CHECK_ALL: return true;
    case MAS_CHECK_CAUSAL: return key <= p;
    case MAS_CHECK_WINDOW: return key <= p && (p - key < m->a || key < m->b);
    case MAS_CHECK_BAND: return key < p + m->a && key > p - m->a;
    case MAS_CHECK_LOCAL: return key <= p && p / m->a - key / m->a < m->b;
    case MAS_CHECK_STRIDED: return key <= p && (p - key) % m->a == 0;
    case MAS_CHECK_BLOCKS: return key <= p && chance(m, p / m->a, key / m->a);
    case MAS_CHECK_PAIRS: return chance(m, p, key);
    case MAS_CHECK_HOLES: return key <= p && p % m->a != m->a - 1;
    case MAS_CHECK_ROWLESS: return key <= p && p / m->a != m->b;
    default: return false;
    }
}

static size_t runs(const mas_mask *mask, int64_t position, int64_t kv_len, mas_run *out)
{
    size_t count = 0;
    for (int64_t key = 0; key < kv_len; key++) {
        if (!sees(mask, position, key))
            continue;
        if (count > 0 && out[count - 1].end == key)
            out[count - 1].end++;
        else
            out[count++] = (mas_run){key, key + 1};
    }
    return count;
}

static size_t max_runs(const mas_mask *mask, int64_t kv_len)
{
    (void)mask;
    return (size_t)(kv_len + 1) / 2;
}

mas_mask mas_check_mask_make(const mas_check_mask *m)
{
    return (mas_mask){.self = m, .sees = sees, .runs = runs, .max_runs = max_runs};
}
