/* SPDX-License-Identifier: Apache-2.0 */
/* Is a kernel right at the size that is timed? Too large for all of it, so rows are sampled: f64 sums over the keys
 * that the mask's definition shows, and, on the same rows, the error of naive kernels of the same dtype as the measure
 * of what is allowed (harness/check has the whole of small problems). */
#include "harness/bench/rows.h"
#include "harness/check/judge.h"

#include "masbench/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALL_ROWS 64 /* problems up to this length are checked whole */
#define ROWS_MAX 32 /* rows drawn from a longer one, besides the special ones */
#define SAMPLE_SEED 1
#define ROWS_MIN 8
#define SAMPLE_WORK 0x1p24 /* products a tensor's samples may take, in multiples of ROWS_MIN rows */
#define NEIGHBOURS 8       /* rows judged together: alike in their number of keys */

/* ---- samples ---- */

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* All of a short tensor; of a longer one the first, the last, both sides of two tile edges, and one row
 * drawn from each of equal stretches: places inside the tiles are met evenly, whatever the length. */
static int64_t sample_rows(int64_t length, int32_t edge, double work_of_row, int64_t rows[ALL_ROWS])
{
    int64_t count = 0, distinct = 0;
    if (length <= ALL_ROWS) {
        for (; count < length; count++)
            rows[count] = count;
        return count;
    }
    const double fits = SAMPLE_WORK / work_of_row;
    const int64_t wanted = fits < ROWS_MIN ? ROWS_MIN : fits > ROWS_MAX ? ROWS_MAX : (int64_t)fits;
    const int64_t middle = length / 2 / edge * edge, last = (length - 1) / edge * edge;
    const int64_t special[] = {0, length - 1, middle - 1, middle, last - 1, last};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (special[i] >= 0 && special[i] < length)
            rows[count++] = special[i];
    mas_rng rng = mas_rng_seed(SAMPLE_SEED, (uint64_t)length);
    for (int64_t i = 0; i < wanted; i++) {
        const int64_t begin = length * i / wanted, end = length * (i + 1) / wanted;
        rows[count++] = begin + (int64_t)mas_rng_below(&rng, (uint64_t)(end - begin));
    }
    for (int64_t i = 0; i < count; i++)
        rows[i] = rows[i] < length ? rows[i] : length - 1;
    qsort(rows, (size_t)count, sizeof *rows, ascending);
    for (int64_t i = 0; i < count; i++)
        if (distinct == 0 || rows[i] != rows[distinct - 1])
            rows[distinct++] = rows[i];
    return distinct;
}

/* ---- the verdict ---- */

/* What should be, what naive kernels give and what was found, row after row. */
typedef struct table {
    int64_t width;
    double *want, *got, *twins[MAS_BENCH_TWINS];
} table;

static bool open_table(table *t, int64_t width)
{
    const int64_t size = ALL_ROWS * width;
    *t = (table){.width = width,
                 .want = malloc((size_t)size * (2 + MAS_BENCH_TWINS) * sizeof(double))};
    if (!t->want)
        return false;
    t->got = t->want + size;
    for (int n = 0; n < MAS_BENCH_TWINS; n++)
        t->twins[n] = t->got + (n + 1) * size;
    return true;
}

static void take_row(const mas_bench_rig *rig, int tensor, int64_t b, int64_t row, int64_t h,
                     table *t, int64_t at)
{
    const mas_bench_tensor *x = &rig->tensors[tensor];
    for (int64_t c = 0; c < t->width; c++)
        t->got[at * t->width + c] = mas_dtype_load(
            rig->shape.dtype, x->host, ((b * x->rows + row) * x->heads + h) * t->width + c);
}

static mas_status judge(const table *t, const char *name, mas_dtype dtype, int64_t b, int64_t h,
                        const int64_t *rows, int64_t count, mas_bench_check *check, mas_error *err)
{
    for (int64_t first = 0; first < count; first += NEIGHBOURS) {
        const int64_t some = count - first < NEIGHBOURS ? count - first : NEIGHBOURS;
        const int64_t offset = first * t->width;
        const double *twins[MAS_BENCH_TWINS];
        for (int n = 0; n < MAS_BENCH_TWINS; n++)
            twins[n] = t->twins[n] + offset;
        const mas_check_verdict v = mas_check_judge(some * t->width, t->want + offset, twins,
                                                    MAS_BENCH_TWINS, 0, t->got + offset, dtype);
        check->worst_ratio = fmax(check->worst_ratio, v.ratio);
        check->wrong = !v.ok;
        if (check->wrong)
            return mas_fail(
                err, MAS_E_DEVICE,
                "%s is wrong, %.3g of the allowed error: batch %lld, row %lld, head %lld, element "
                "%lld is %.9g and should be %.9g",
                name, v.ratio, (long long)b, (long long)rows[first + v.worst / t->width],
                (long long)h, (long long)(v.worst % t->width), t->got[offset + v.worst],
                t->want[offset + v.worst]);
    }
    check->rows += count;
    return MAS_OK;
}

static mas_status out_of_memory(mas_error *err)
{
    return mas_fail(err, MAS_E_MEMORY, "no memory to check a kernel's results");
}

static mas_status forward_head(const mas_bench_rig *rig, mas_bench_head *x, int32_t edge,
                               mas_bench_check *check, mas_error *err)
{
    const mas_attn_problem *p = &rig->shape;
    int64_t rows[ALL_ROWS];
    const int64_t count = sample_rows(p->q_len, edge, (double)p->kv_len * (double)p->d_qk, rows);
    table o, lse;
    bool ready = open_table(&o, p->d_v);
    ready = open_table(&lse, 1) && ready;
    for (int64_t i = 0; ready && i < count; i++) {
        const int64_t keys = mas_bench_keys_of(x, rows[i]);
        mas_bench_forward_row(x, rows[i], keys, o.want + i * p->d_v, lse.want + i);
        for (int n = 0; n < MAS_BENCH_TWINS; n++)
            mas_bench_naive_forward_row(x, n, rows[i], keys, o.twins[n] + i * p->d_v,
                                        lse.twins[n] + i);
        take_row(rig, MAS_BENCH_O, x->b, rows[i], x->h, &o, i);
        lse.got[i] = (double)x->lse[rows[i]];
    }
    mas_status status =
        ready ? judge(&o, "o", p->dtype, x->b, x->h, rows, count, check, err) : out_of_memory(err);
    if (status == MAS_OK)
        status = judge(&lse, "lse", MAS_DTYPE_F32, x->b, x->h, rows, count, check, err);
    free(o.want);
    free(lse.want);
    return status;
}

static mas_status backward_rows(const mas_bench_rig *rig, mas_bench_head *x, int32_t edge,
                                mas_bench_check *check, mas_error *err)
{
    const mas_attn_problem *p = &rig->shape;
    int64_t rows[ALL_ROWS];
    const int64_t count =
        sample_rows(p->q_len, edge, 2.0 * (double)p->kv_len * (double)p->d_qk, rows);
    table t;
    if (!open_table(&t, p->d_qk))
        return out_of_memory(err);
    for (int64_t i = 0; i < count; i++) {
        const int64_t keys = mas_bench_keys_of(x, rows[i]);
        mas_bench_backward_row(x, -1, rows[i], keys, t.want + i * p->d_qk);
        for (int n = 0; n < MAS_BENCH_TWINS; n++)
            mas_bench_backward_row(x, n, rows[i], keys, t.twins[n] + i * p->d_qk);
        take_row(rig, MAS_BENCH_D_Q, x->b, rows[i], x->h, &t, i);
    }
    const mas_status status = judge(&t, "d_q", p->dtype, x->b, x->h, rows, count, check, err);
    free(t.want);
    return status;
}

static mas_status backward_keys(const mas_bench_rig *rig, mas_bench_head *group, int64_t heads,
                                int32_t edge, mas_bench_check *check, mas_error *err)
{
    const mas_attn_problem *p = &rig->shape;
    const int64_t b = group->b, kv = group->h / heads;
    int64_t keys[ALL_ROWS];
    const int64_t count = sample_rows(
        p->kv_len, edge, 2.0 * (double)heads * (double)p->q_len * (double)p->d_qk, keys);
    table k, v;
    bool ready = open_table(&k, p->d_qk);
    ready = open_table(&v, p->d_v) && ready;
    for (int64_t i = 0; ready && i < count; i++) {
        const int64_t at = i * p->d_qk;
        mas_bench_backward_key(group, heads, -1, keys[i], k.want + at, v.want + at);
        for (int n = 0; n < MAS_BENCH_TWINS; n++)
            mas_bench_backward_key(group, heads, n, keys[i], k.twins[n] + at, v.twins[n] + at);
        take_row(rig, MAS_BENCH_D_K, b, keys[i], kv, &k, i);
        take_row(rig, MAS_BENCH_D_V, b, keys[i], kv, &v, i);
    }
    mas_status status =
        ready ? judge(&k, "d_k", p->dtype, b, kv, keys, count, check, err) : out_of_memory(err);
    if (status == MAS_OK)
        status = judge(&v, "d_v", p->dtype, b, kv, keys, count, check, err);
    free(k.want);
    free(v.want);
    return status;
}

mas_status mas_bench_check_forward(const mas_bench_rig *rig, const mas_mask *mask, int32_t edge,
                                   mas_bench_check *check, mas_error *err)
{
    const mas_attn_problem *p = &rig->shape;
    mas_status status = MAS_OK;
    for (int last = 0; status == MAS_OK && last < (p->batch * p->q_heads > 1 ? 2 : 1); last++) {
        mas_bench_head x;
        if (!mas_bench_head_open(rig, mask, false, last ? p->batch - 1 : 0,
                                 last ? p->q_heads - 1 : 0, &x))
            return out_of_memory(err);
        status = forward_head(rig, &x, edge, check, err);
        mas_bench_head_close(&x);
    }
    return status;
}

/* The group of query heads that share the first, or the last, key head. */
static mas_status backward_group(const mas_bench_rig *rig, const mas_mask *mask, int32_t edge,
                                 bool last, mas_bench_check *check, mas_error *err)
{
    const mas_attn_problem *p = &rig->shape;
    const int64_t heads = p->q_heads / p->kv_heads;
    mas_bench_head *group = calloc((size_t)heads, sizeof *group);
    mas_status status = MAS_OK;
    int64_t open = 0;
    for (; group && open < heads; open++)
        if (!mas_bench_head_open(rig, mask, true, last ? p->batch - 1 : 0,
                                 (last ? p->q_heads - heads : 0) + open, &group[open]))
            break;
    if (open < heads)
        status = out_of_memory(err);
    if (status == MAS_OK)
        status = backward_rows(rig, &group[last ? heads - 1 : 0], edge, check, err);
    if (status == MAS_OK)
        status = backward_keys(rig, group, heads, edge, check, err);
    while (open > 0)
        mas_bench_head_close(&group[--open]);
    free(group);
    return status;
}

mas_status mas_bench_check_backward(const mas_bench_rig *rig, const mas_mask *mask, int32_t edge,
                                    mas_bench_check *check, mas_error *err)
{
    mas_status status = backward_group(rig, mask, edge, false, check, err);
    if (status == MAS_OK && rig->shape.batch * rig->shape.kv_heads > 1)
        status = backward_group(rig, mask, edge, true, check, err);
    return status;
}
