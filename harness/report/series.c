/* SPDX-License-Identifier: Apache-2.0 */
/* Colours, symbols and the choice of lines. */
#include "harness/report/series.h"

#include <math.h>
#include <stdlib.h>

/* Okabe and Ito's colours, told apart with any colour vision, but black, which is full attention's, and yellow, which
 * vanishes on white; then four more for charts with many lines. */
static const unsigned palette[] = {0xd55e00, 0x0072b2, 0x009e73, 0xcc79a7, 0xe69f00,
                                   0x56b4e9, 0x8b5a00, 0x6a3d9a, 0x66a61e, 0xa6761d};
static const int symbols[] = {7, 5, 9, 11, 13, 15, 6, 4, 8, 10, 12, 14};
#define PALETTE_COUNT (sizeof palette / sizeof *palette)
#define SYMBOL_COUNT (sizeof symbols / sizeof *symbols)
#define LIGHTEST 0.6 /* what is more white than this is hard to see */

/* Towards white by `share`. */
static unsigned lighten(unsigned colour, double share)
{
    unsigned result = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        const double part = (double)((colour >> shift) & 0xffu);
        result = result << 8 | (unsigned)(part + (255 - part) * share + 0.5);
    }
    return result;
}

mas_style mas_style_of(const bool *full, size_t count, size_t index)
{
    size_t alike = 0, before = 0; /* those that are full as this one is, or are not either */
    for (size_t i = 0; i < count; i++)
        if (full[i] == full[index]) {
            alike++;
            before += i < index;
        }
    if (!full[index])
        return (mas_style){palette[before % PALETTE_COUNT], symbols[(before + 1) % SYMBOL_COUNT]};
    const double share = alike > 1 ? LIGHTEST * (double)before / (double)(alike - 1) : 0;
    return (mas_style){lighten(0x000000, share), symbols[before % SYMBOL_COUNT]};
}

mas_style mas_family_style(const mas_report *report, size_t family_index)
{
    bool *full = calloc(report->family_count + 1, sizeof *full);
    if (!full)
        return (mas_style){palette[0], symbols[0]};
    for (size_t i = 0; i < report->family_count; i++)
        full[i] = true;
    for (size_t i = 0; i < report->group_count; i++)
        if (!mas_group_is_full(&report->groups[i]))
            full[report->groups[i].family_index] = false;
    const mas_style style = mas_style_of(full, report->family_count, family_index);
    free(full);
    return style;
}

/* The front first, then by quality; equals as the experiment has them. */
static int by_worth(const void *a, const void *b)
{
    const mas_report_group *x = *(const mas_report_group *const *)a,
                           *y = *(const mas_report_group *const *)b;
    if (x->on_front != y->on_front)
        return x->on_front ? -1 : 1;
    if (x->quality < y->quality || x->quality > y->quality)
        return x->quality < y->quality ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b)
{
    const mas_report_group *x = *(const mas_report_group *const *)a,
                           *y = *(const mas_report_group *const *)b;
    return x < y ? -1 : x > y;
}

/* Those to draw, in the order of the experiment; returns how many.
 * best: [family_count], chosen: [group_count] */
static size_t choose(const mas_report *report, double *best, const mas_report_group **chosen)
{
    size_t count = 0;
    const bool all = report->group_count <= MAS_SERIES_MAX;
    for (size_t f = 0; f < report->family_count; f++)
        best[f] = (double)INFINITY;
    for (size_t i = 0; i < report->group_count; i++) {
        const mas_report_group *g = &report->groups[i];
        best[g->family_index] = fmin(best[g->family_index], g->quality);
    }
    for (size_t i = 0; i < report->group_count; i++) {
        const mas_report_group *g = &report->groups[i];
        if (all || g->on_front || g->quality <= best[g->family_index])
            chosen[count++] = g;
    }
    qsort(chosen, count, sizeof *chosen, by_worth);
    count = count < MAS_SERIES_MAX ? count : MAS_SERIES_MAX;
    qsort(chosen, count, sizeof *chosen, by_place);
    return count;
}

static mas_series_line line_of(const mas_report *report, const mas_report_group *g)
{
    size_t members = 0, more = 0; /* of the family; those with more full layers */
    for (size_t j = 0; j < report->group_count; j++)
        if (report->groups[j].family_index == g->family_index) {
            members++;
            more += report->groups[j].full_layers > g->full_layers;
        }
    const double share = members > 1 ? LIGHTEST * (double)more / (double)(members - 1) : 0;
    const mas_style style = mas_family_style(report, g->family_index);
    return (mas_series_line){(size_t)(g - report->groups), lighten(style.colour, share),
                             style.symbol, (int)more % 5 + 1};
}

mas_series mas_report_series(const mas_report *report)
{
    mas_series series = {.count = 0};
    double *best = malloc((report->family_count + 1) * sizeof *best);
    const mas_report_group **chosen = malloc((report->group_count + 1) * sizeof *chosen);
    if (best && chosen && report->group_count > 0)
        series.count = choose(report, best, chosen);
    for (size_t i = 0; i < series.count; i++)
        series.line[i] = line_of(report, chosen[i]);
    free(best);
    free(chosen);
    return series;
}
