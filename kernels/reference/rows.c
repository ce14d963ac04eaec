/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/reference/rows.h"

#include <math.h>

void mas_ref_load(mas_dtype dtype, const mas_view *v, int64_t b, int64_t t, int64_t h, int32_t dim,
                  double *out)
{
    const ptrdiff_t first = mas_ref_offset(v, b, t, h);
    for (int32_t c = 0; c < dim; c++)
        out[c] = mas_dtype_load(dtype, v->data, first + c);
}

void mas_ref_store(mas_dtype dtype, const mas_view *v, int64_t b, int64_t t, int64_t h, int32_t dim,
                   const double *in)
{
    const ptrdiff_t first = mas_ref_offset(v, b, t, h);
    for (int32_t c = 0; c < dim; c++)
        mas_dtype_store(dtype, v->data, first + c, in[c]);
}

static size_t doubles(const mas_attn_problem *p)
{
    return 2 * ((size_t)p->d_qk + (size_t)p->d_v) + (size_t)p->kv_len;
}

size_t mas_ref_scratch_bytes(const mas_attn_problem *p, int32_t q_tile)
{
    const size_t bytes = doubles(p) * sizeof(double) + (size_t)q_tile * (size_t)p->kv_len;
    return (bytes + 63) / 64 * 64;
}

mas_ref_scratch mas_ref_scratch_cut(const mas_attn_problem *p, void *block)
{
    double *at = block;
    mas_ref_scratch r;
    r.q = at;
    r.k = r.q + p->d_qk;
    r.v = r.k + p->d_qk;
    r.o = r.v + p->d_v;
    r.s = r.o + p->d_v;
    r.seen = (uint8_t *)(at + doubles(p));
    return r;
}

double mas_ref_row(const mas_attn_problem *p, const mas_attn_args *args, int64_t b, int64_t h,
                   int64_t i, const mas_ref_scratch *scratch, uint8_t *seen)
{
    const int64_t g = h / (p->q_heads / p->kv_heads);
    const int64_t position = mas_position(i, p->q_len, p->kv_len, p->alignment);
    const double cap = (double)p->softcap;
    const double sink = p->sinks ? (double)args->sinks[h] : -HUGE_VAL;
    double most = sink;
    mas_ref_load(p->dtype, &args->q, b, i, h, p->d_qk, scratch->q);
    for (int64_t j = 0; j < p->kv_len; j++) {
        seen[j] = p->mask->sees(p->mask, position, j);
        if (!seen[j])
            continue;
        mas_ref_load(p->dtype, &args->k, b, j, g, p->d_qk, scratch->k);
        double dot = 0;
        for (int32_t c = 0; c < p->d_qk; c++)
            dot += scratch->q[c] * scratch->k[c];
        double s = (double)p->scale * dot;
        if (cap > 0)
            s = cap * tanh(s / cap);
        scratch->s[j] = s;
        most = fmax(most, s);
    }
    if (most == -HUGE_VAL)
        return -HUGE_VAL;
    double sum = exp(sink - most);
    for (int64_t j = 0; j < p->kv_len; j++)
        if (seen[j])
            sum += exp(scratch->s[j] - most);
    return most + log(sum);
}

/* Keys of row r that one visit of the tile at key k0 lists: the whole tile, or the row's part of
 * the pattern. */
static mas_run listed_keys(const mas_schedule *s, const mas_span *span, int64_t r, int64_t k0)
{
    if (span->pattern == MAS_SPAN_WHOLE)
        return (mas_run){k0, k0 + s->k_tile};
    const mas_row_span row = mas_schedule_pattern(s, span->pattern)[r];
    return (mas_run){k0 + row.lo, k0 + row.hi};
}

int64_t mas_ref_visits(const mas_schedule *s, int32_t t, uint8_t *seen)
{
    const int64_t first_row = (int64_t)t * s->q_tile;
    const int64_t rows = s->q_len - first_row < s->q_tile ? s->q_len - first_row : s->q_tile;
    int64_t visits = 0;
    for (size_t i = s->q_start[t]; i < s->q_start[t + 1]; i++)
        for (int32_t n = 0; n < s->q_spans[i].count; n++) {
            bool touched = false;
            for (int64_t r = 0; r < rows; r++) {
                const mas_run keys = listed_keys(s, &s->q_spans[i], r,
                                                 ((int64_t)s->q_spans[i].first + n) * s->k_tile);
                for (int64_t j = keys.begin; j < keys.end; j++) {
                    if (j >= s->kv_len || !seen[r * s->kv_len + j])
                        return -1;
                    seen[r * s->kv_len + j] = 0;
                    touched = true;
                }
            }
            visits += touched;
        }
    for (int64_t n = 0; n < rows * s->kv_len; n++)
        if (seen[n])
            return -1;
    return visits;
}

mas_status mas_ref_schedule_error(const char *name, mas_error *err)
{
    return mas_fail(err, MAS_E_SCHEDULE,
                    "%s: the schedule does not list exactly the pairs that the mask shows; check "
                    "`runs` of the mask "
                    "against its `sees`",
                    name);
}

mas_status mas_ref_supports(const mas_attn_problem *p, mas_error *why)
{
    (void)p, (void)why;
    return MAS_OK;
}

void mas_ref_tile(const mas_attn_problem *p, int32_t *q_tile, int32_t *k_tile)
{
    (void)p;
    *q_tile = 16;
    *k_tile = 16;
}
