/* SPDX-License-Identifier: Apache-2.0 */
/* Masks are opaque; what cuDNN has in their place is recognised by what it shows. */
#include "kernels/cuda/cudnn_attention.h"

#include <stdlib.h>

/* The keys that query i of n sees under a band. */
static mas_run seen(const mas_cudnn_band *band, int64_t i, int64_t n)
{
    if (!band->causal)
        return (mas_run){0, n};
    return (mas_run){band->window > 0 && i >= band->window ? i - band->window + 1 : 0, i + 1};
}

static bool shows(const mas_mask *mask, const mas_cudnn_band *band, int64_t i, int64_t n,
                  mas_run *runs)
{
    const mas_run want = seen(band, i, n);
    return mask->runs(mask, i, n, runs) == 1 && runs[0].begin == want.begin &&
           runs[0].end == want.end;
}

mas_status mas_cudnn_band_of(const mas_attn_problem *p, mas_cudnn_band *out, mas_error *why)
{
    const int64_t n = p->q_len;
    if (p->kv_len != n)
        return mas_fail(why, MAS_E_UNSUPPORTED, "serves as many queries as keys, not %lld and %lld",
                        (long long)n, (long long)p->kv_len);
    mas_run *runs = calloc(p->mask->max_runs(p->mask, n) + 1, sizeof *runs);
    if (!runs)
        return mas_fail(why, MAS_E_MEMORY, "no memory to look at a mask");
    const mas_cudnn_band none = {false, 0};
    mas_cudnn_band band = {true, 0};
    if (shows(p->mask, &none, 0, n, runs))
        band = none;
    else if (p->mask->runs(p->mask, n - 1, n, runs) == 1 && runs[0].begin > 0)
        band.window = n - runs[0].begin;
    bool same = true;
    for (int64_t i = 0; same && i < n; i++)
        same = shows(p->mask, &band, i, n, runs);
    free(runs);
    *out = band;
    return same ? MAS_OK
                : mas_fail(why, MAS_E_UNSUPPORTED,
                           "has masks that are causal, causal with a window, or none; no "
                           "block-sparse attention on this GPU");
}
