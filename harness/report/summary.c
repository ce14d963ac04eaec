/* SPDX-License-Identifier: Apache-2.0 */
/* Results to rows and groups. */
#include "harness/report/report.h"
#include "harness/results/json_build.h"

#include <stdlib.h>
#include <string.h>

static mas_report_row read_row(const json_t *result)
{
    const bool ok = strcmp(mas_json_text_at(result, "status"), "ok") == 0;
    return (mas_report_row){
        .result = result,
        .title = mas_json_text_at(result, "title"),
        .status = mas_json_text_at(result, "status"),
        .ok = ok,
        .seed = json_integer_value(json_object_get(result, "seed")),
        .attention_cost = mas_json_number_at(result, "cost.attention.relative"),
        .model_cost = mas_json_number_at(result, "cost.model.relative"),
        .memory_mib =
            ok ? mas_json_number_at(result, "memory.total_bytes") / (1024.0 * 1024.0) : (double)NAN,
        .loss = mas_json_number_at(result, "quality.loss"),
        .perplexity = mas_json_number_at(result, "quality.perplexity"),
        .bits_per_byte = mas_json_number_at(result, "quality.bits_per_byte"),
        .seconds = mas_json_number_at(result, "time.seconds"),
        .group = SIZE_MAX,
    };
}

static char *group_key(const json_t *result)
{
    json_t *point = json_copy((json_t *)json_object_get(result, "point"));
    if (!point)
        return strdup(mas_json_text_at(result, "id"));
    (void)json_object_del(point, "seed");
    (void)json_object_set_new(point, "corpus_hash",
                              json_string(mas_json_text_at(result, "corpus.hash")));
    char *key = json_dumps(point, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(point);
    return key;
}

static bool begins_with_one_of(const char *part, const char *const *words)
{
    for (; *words; words++) {
        const size_t length = strlen(*words);
        if (strncmp(part, *words, length) == 0 && (part[length] == ' ' || part[length] == '\0'))
            return true;
    }
    return false;
}

/* Characters of the plan's label that a title begins with; 0 where it does not. */
static size_t label_length(const json_t *result, const char *title)
{
    const char *label = mas_json_text_at(result, "plan.label");
    return strncmp(title, label, strlen(label)) == 0 ? strlen(label) : 0;
}

/* Up to the next ", " that is not inside a list "[1, 2]". */
static size_t part_length(const char *title)
{
    int depth = 0;
    const char *end = title;
    for (; *end && (depth > 0 || strncmp(end, ", ", 2) != 0); end++)
        depth += (*end == '[') - (*end == ']');
    return (size_t)(end - title);
}

void mas_report_title_without(const json_t *result, const char *title, const char *const *words,
                              char *text, size_t size)
{
    const size_t label = label_length(result, title);
    snprintf(text, size, "%.*s", (int)label, title);
    title += label;
    title += strncmp(title, ", ", 2) == 0 ? 2 : 0;
    while (*title) {
        const size_t length = part_length(title), used = strlen(text);
        if (!begins_with_one_of(title, words))
            snprintf(text + used, size - used, "%s%.*s", used ? ", " : "", (int)length, title);
        title += length;
        title += *title ? 2 : 0;
    }
}

/* The recorded family, and what else the title names beside the plan. */
static void family_of(const json_t *result, const char *title, char *text, size_t size)
{
    const char *family = mas_json_text_at(result, "plan.family");
    const size_t length = label_length(result, title);
    snprintf(text, size, "%s%s", family[0] ? family : title, length > 0 ? title + length : "");
}

static double quality_of(const mas_report *report, const mas_report_row *row)
{
    return report->vocabularies_differ ? row->bits_per_byte : row->perplexity;
}

static bool add_to_group(mas_report *report, mas_report_row *row)
{
    char *key = group_key(row->result);
    if (!key)
        return false;
    size_t i = 0;
    while (i < report->group_count && strcmp(report->groups[i].key, key) != 0)
        i++;
    mas_report_group *group = &report->groups[i];
    const double quality = quality_of(report, row);
    row->group = i;
    if (i == report->group_count) {
        report->group_count++;
        *group = (mas_report_group){.key = key,
                                    .attention_cost = row->attention_cost,
                                    .quality_low = quality,
                                    .quality_high = quality};
        static const char *const seed[] = {"seed", NULL};
        mas_report_title_without(row->result, row->title, seed, group->title, sizeof group->title);
        family_of(row->result, group->title, group->family, sizeof group->family);
        group->full_layers = (int32_t)mas_json_number_at(row->result, "plan.full_layers");
        group->layers = (int32_t)mas_json_number_at(row->result, "plan.layers");
        size_t j = 0;
        while (j < i && strcmp(report->groups[j].family, group->family) != 0)
            j++;
        group->family_index = j < i ? report->groups[j].family_index : report->family_count++;
    } else {
        free(key);
    }
    group->quality = (group->quality * (double)group->seeds + quality) / (double)(group->seeds + 1);
    group->seeds++;
    group->quality_low = quality < group->quality_low ? quality : group->quality_low;
    group->quality_high = quality > group->quality_high ? quality : group->quality_high;
    return true;
}

static void mark_front(mas_report *report)
{
    for (size_t i = 0; i < report->group_count; i++) {
        mas_report_group *a = &report->groups[i];
        a->on_front = true;
        for (size_t j = 0; j < report->group_count; j++) {
            const mas_report_group *b = &report->groups[j];
            if (b->attention_cost <= a->attention_cost && b->quality <= a->quality &&
                (b->attention_cost < a->attention_cost || b->quality < a->quality))
                a->on_front = false;
        }
    }
}

static bool same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a <= b && a >= b);
}

/* One floor for each value and length: a stack that sees enough has that of full reach, and equal reaches may have
 * different ones (a window sees that far from every position, a block from its last). The first mask names it. Of too
 * many the number alone is kept. */
static void add_floor(mas_report *report, mas_report_floor floor)
{
    if (!isfinite(floor.nats))
        return;
    for (size_t i = 0; i < report->floor_count && i < MAS_FLOORS_MAX; i++) {
        const mas_report_floor *other = &report->floors[i];
        if (fabs(other->nats - floor.nats) <= 1e-9 * floor.nats && /* rounding */
            same_number(other->length, floor.length))
            return;
    }
    if (report->floor_count < MAS_FLOORS_MAX)
        report->floors[report->floor_count] = floor;
    report->floor_count++;
}

static const char *sparse_label(const json_t *result)
{
    size_t i;
    const json_t *layer;
    json_array_foreach(mas_json_value_at(result, "plan.layer"), i, layer)
    {
        if (json_is_false(json_object_get(layer, "full")))
            return mas_json_text_at(layer, "label");
    }
    return "";
}

static void read_floors(mas_report *report, const json_t *result)
{
    mas_report_floor floor = {.nats = mas_json_number_at(result, "floors.full_reach"),
                              .reach = (double)NAN,
                              .length = mas_json_number_at(result, "floors.length")};
    snprintf(floor.text, sizeof floor.text, "entropy floor, full reach");
    add_floor(report, floor);
    floor.nats = mas_json_number_at(result, "floors.sparse_reach");
    floor.reach = mas_json_number_at(result, "floors.sparse_reach_tokens");
    snprintf(floor.text, sizeof floor.text, "entropy floor, %s", sparse_label(result));
    add_floor(report, floor);
}

static void name_length(mas_report_floor *floor)
{
    const size_t used = strlen(floor->text);
    snprintf(floor->text + used, sizeof floor->text - used, ", length %.0f", floor->length);
}

/* A line across a chart holds for all its points, or says for which. Where that cannot be said by mask and length, as of
 * several corpora, or where there are more than can be read, there is none. */
static void name_floors(mas_report *report)
{
    if (report->floor_count > MAS_FLOORS_MAX)
        report->floor_count = 0;
    for (size_t i = 1; i < report->floor_count; i++)
        report->floor_lengths_differ =
            report->floor_lengths_differ ||
            !same_number(report->floors[i].length, report->floors[0].length);
    for (size_t i = 0; i < report->floor_count; i++) {
        if (report->floor_lengths_differ)
            name_length(&report->floors[i]);
        for (size_t j = 0; j < i; j++)
            if (strcmp(report->floors[i].text, report->floors[j].text) == 0) {
                report->floor_count = 0;
                return;
            }
    }
}

mas_status mas_report_make(const mas_result_set *set, mas_report **out, mas_error *err)
{
    mas_report *report = calloc(1, sizeof *report);
    if (report) {
        report->rows = calloc(set->count ? set->count : 1, sizeof *report->rows);
        report->groups = calloc(set->count ? set->count : 1, sizeof *report->groups);
    }
    if (!report || !report->rows || !report->groups) {
        mas_report_free(report);
        return mas_fail(err, MAS_E_MEMORY, "no memory for the report of %s", set->folder);
    }
    report->set = set;
    const char *tokenizer = NULL, *learned = "";
    double vocab = 0;
    for (size_t i = 0; i < set->count; i++) {
        mas_report_row *row = &report->rows[report->count++];
        *row = read_row(set->results[i]);
        const bool timed = strcmp(mas_json_text_at(row->result, "kind"),
                                  mas_experiment_kind_name(MAS_KIND_KERNEL)) == 0;
        report->timed = report->timed || timed;
        report->has_times = report->has_times || (timed && row->ok);
        if (!row->ok || !isfinite(row->loss))
            continue;
        const char *name = mas_json_text_at(row->result, "corpus.tokenizer"),
                   *hash = mas_json_text_at(row->result, "corpus.tokenizer_hash");
        const double size = mas_json_number_at(row->result, "corpus.vocab");
        if (tokenizer && (strcmp(name, tokenizer) != 0 || strcmp(hash, learned) != 0 ||
                          size < vocab || size > vocab))
            report->vocabularies_differ = true;
        tokenizer = name;
        learned = hash;
        vocab = size;
        report->trained = true;
        report->has_bits_per_byte = report->has_bits_per_byte || isfinite(row->bits_per_byte);
        report->has_distances =
            report->has_distances ||
            json_is_object(mas_json_value_at(row->result, "quality.by_distance"));
        read_floors(report, row->result);
    }
    report->vocabularies_differ = report->vocabularies_differ && report->has_bits_per_byte;
    for (size_t i = 0; i < report->count; i++) {
        mas_report_row *row = &report->rows[i];
        if (!row->ok || !isfinite(quality_of(report, row)) || !isfinite(row->attention_cost))
            continue;
        if (!add_to_group(report, row)) {
            mas_report_free(report);
            return mas_fail(err, MAS_E_MEMORY, "no memory for the report of %s", set->folder);
        }
    }
    mark_front(report);
    name_floors(report);
    *out = report;
    return MAS_OK;
}

void mas_report_free(mas_report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->group_count; i++)
        free(report->groups[i].key);
    free(report->groups);
    free(report->rows);
    free(report);
}

bool mas_result_is_full(const json_t *result)
{
    return mas_json_number_at(result, "plan.full_layers") >=
           mas_json_number_at(result, "plan.layers");
}

const json_t *mas_report_first(const mas_report *report, size_t group)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->rows[i].group == group)
            return report->rows[i].result;
    return NULL;
}
