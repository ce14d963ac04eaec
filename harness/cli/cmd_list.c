/* SPDX-License-Identifier: Apache-2.0 */
/* masbench list: what there is, straight from the tables that the program itself uses.
 * Everything is built as JSON; the text form is printed from it, so the two cannot disagree. */
#include "harness/cli/cli.h"
#include "harness/config/experiment.h"
#include "harness/report/report.h"
#include "harness/results/json_build.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void append(json_t *array, json_t *item)
{
    (void)json_array_append_new(array, item);
}

static json_t *variant_options(const mas_variant *variant)
{
    json_t *options = json_array();
    for (size_t i = 0; i < variant->option_count; i++) {
        const mas_option *o = &variant->options[i];
        json_t *option = json_object();
        mas_json_set_text(option, "name", o->name);
        mas_json_set_text(option, "help", o->help);
        mas_json_set_bool(option, "required", o->required);
        if (o->type == MAS_OPTION_INT) {
            mas_json_set_int(option, "min", o->min);
            mas_json_set_int(option, "max", o->max);
            if (!o->required)
                mas_json_set_int(option, "default", o->default_value);
        } else if (o->type == MAS_OPTION_WORD) {
            json_t *words = json_array();
            for (size_t w = 0; o->words[w]; w++)
                append(words, json_string(o->words[w]));
            mas_json_set(option, "words", words);
            if (!o->required)
                mas_json_set_text(option, "default", o->words[o->default_value]);
        }
        append(options, option);
    }
    return options;
}

static json_t *list_variants(int threads)
{
    (void)threads;
    json_t *all = json_array();
    for (size_t i = 0; mas_variants[i]; i++) {
        const mas_variant *v = mas_variants[i];
        json_t *item = json_object();
        mas_json_set_text(item, "name", v->name);
        mas_json_set_text(item, "summary", v->summary);
        mas_json_set_text(item, "source", v->source);
        mas_json_set(item, "options", variant_options(v));
        append(all, item);
    }
    return all;
}

static void append_kernels(json_t *all, const mas_device_kind *device)
{
    const bool here = mas_device_usable(device, NULL) == MAS_OK;
    for (mas_attn_table next = device->attention; *next; next++) {
        const mas_attn_kernel *k = *next;
        json_t *item = json_object();
        char text[96];
        const bool usable = here && k->isa <= mas_cpu_offered();
        const bool used = here && k->isa <= mas_cpu_isa();
        const char *needs = device == &mas_device_cpu ? mas_isa_name(k->isa) : device->name;
        mas_json_set_text(item, "name", k->name);
        mas_json_set_text(item, "operation", mas_attn_op_name(k->op));
        mas_json_set_text(item, "device", device->name);
        mas_json_set_text(item, "needs", needs);
        mas_json_set_bool(item, "usable", usable);
        snprintf(text, sizeof text, "%s, needs %s%s", mas_attn_op_name(k->op), needs,
                 used     ? ""
                 : usable ? " (used here with --cpu only)"
                          : " (not usable here)");
        mas_json_set_text(item, "summary", text);
        append(all, item);
    }
}

static json_t *list_kernels(int threads)
{
    (void)threads;
    json_t *all = json_array();
    for (size_t i = 0; mas_device_kinds[i]; i++)
        append_kernels(all, mas_device_kinds[i]);
    return all;
}

static json_t *list_devices(int threads)
{
    json_t *all = json_array();
    for (size_t i = 0; mas_device_kinds[i]; i++) {
        const mas_device_kind *kind = mas_device_kinds[i];
        json_t *item = json_object();
        mas_device *device = NULL;
        mas_error err;
        char text[MAS_ERROR_TEXT_MAX];
        const bool open = kind->open(threads, 0, &device, &err) == MAS_OK;
        if (open)
            snprintf(text, sizeof text, "%s%s%s, %d thread%s, matmul by %s", device->hardware,
                     device->driver ? ", " : "", device->driver ? device->driver : "", threads,
                     mas_cli_s(threads), device->matmul_library);
        mas_json_set_text(item, "name", kind->name);
        mas_json_set_text(item, "summary", open ? text : err.text);
        if (kind == &mas_device_cpu) {
            mas_json_set_text(item, "model", mas_cpu_model());
            mas_json_set_text(item, "isa", mas_isa_name(mas_cpu_isa()));
        }
        mas_json_set_int(item, "threads", threads);
        mas_json_set_text(item, "matmul_library", open ? device->matmul_library : NULL);
        mas_json_set_bool(item, "available", open);
        mas_device_close(device);
        append(all, item);
    }
    return all;
}

/* What the word means for 2 (or as many as it needs) full layers among 8. */
static void placement_example(mas_placement_kind kind, char *text, size_t size)
{
    mas_attention_config config = {.full_layers = kind == MAS_PLACEMENT_ENDS_AND_MIDDLE ? 3 : 2};
    config.placement = (mas_placement){
        .kind = kind, .every = 4, .offset = 3, .seed = 1, .count = 2, .list = {1, 4}};
    if (kind == MAS_PLACEMENT_PERIODIC || kind == MAS_PLACEMENT_LIST)
        config.full_layers = MAS_FULL_LAYERS_UNSET;
    bool is_full[8];
    text[0] = '\0';
    if (mas_placement_layers(&config.placement, config.full_layers, 8, is_full, NULL) == MAS_OK)
        for (int i = 0; i < 8 && (size_t)i + 1 < size; i++) {
            text[i] = is_full[i] ? 'F' : 'S';
            text[i + 1] = '\0';
        }
}

static json_t *list_placements(int threads)
{
    (void)threads;
    json_t *all = json_array();
    for (int i = 0; i < MAS_PLACEMENT_COUNT; i++) {
        json_t *item = json_object();
        char example[16], text[256];
        placement_example((mas_placement_kind)i, example, sizeof example);
        snprintf(text, sizeof text, "%s  %s", example, mas_placement_help((mas_placement_kind)i));
        mas_json_set_text(item, "name", mas_placement_name((mas_placement_kind)i));
        mas_json_set_text(item, "help", mas_placement_help((mas_placement_kind)i));
        mas_json_set_text(item, "example", example);
        mas_json_set_text(item, "summary", text);
        append(all, item);
    }
    return all;
}

static json_t *describe_experiment(const char *path)
{
    json_t *item = json_object();
    mas_experiment *experiment = NULL;
    mas_diagnostics problems = {0, NULL};
    char text[512];
    mas_json_set_text(item, "name", path);
    if (mas_experiment_load(path, NULL, 0, &experiment, &problems) == MAS_OK) {
        snprintf(text, sizeof text, "%lld point%s: %s", (long long)experiment->count,
                 mas_cli_s(experiment->count), experiment->question ? experiment->question : "");
        mas_json_set_text(item, "experiment", experiment->name);
        mas_json_set_text(item, "question", experiment->question);
        mas_json_set_int(item, "points", experiment->count);
    } else {
        snprintf(text, sizeof text, "not usable: %s",
                 problems.count ? problems.texts[0] : "cannot be read");
        mas_json_set_int(item, "points", 0);
    }
    mas_json_set_text(item, "summary", text);
    mas_experiment_free(experiment);
    mas_diagnostics_free(&problems);
    return item;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of the working folder, or else the ones that came with the program. */
static json_t *list_experiments(int threads)
{
    (void)threads;
    enum { FILES_MAX = 512 };
    json_t *all = json_array();
    char folder[1024] = "experiments";
    if (access(folder, R_OK) != 0)
        snprintf(folder, sizeof folder, "%s/experiments", mas_data_folder());
    char **paths = calloc(FILES_MAX, sizeof *paths);
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (const struct dirent *d = dir && paths ? readdir(dir) : NULL; d && count < FILES_MAX;
         d = readdir(dir)) {
        const size_t length = strlen(d->d_name), room = strlen(folder) + length + 2;
        if (length < 6 || strcmp(d->d_name + length - 5, ".yaml") != 0 ||
            !(paths[count] = malloc(room)))
            continue;
        snprintf(paths[count++], room, "%s/%s", folder, d->d_name);
    }
    if (dir)
        closedir(dir);
    if (count > 0)
        qsort(paths, count, sizeof *paths, by_name);
    for (size_t i = 0; i < count; i++) {
        append(all, describe_experiment(paths[i]));
        free(paths[i]);
    }
    free(paths);
    return all;
}

static void print_text(const json_t *all, FILE *out)
{
    size_t i, j;
    const json_t *item, *option;
    int width = 0;
    json_array_foreach(all, i, item)
    {
        const int length = (int)strlen(mas_json_text_at(item, "name"));
        width = length > width ? length : width;
    }
    json_array_foreach(all, i, item)
    {
        fprintf(out, "%-*s  %s", width, mas_json_text_at(item, "name"),
                mas_json_text_at(item, "summary"));
        if (mas_json_text_at(item, "source")[0])
            fprintf(out, " [%s]", mas_json_text_at(item, "source"));
        fputc('\n', out);
        json_array_foreach(json_object_get(item, "options"), j, option)
        {
            fprintf(out, "%-*s    %s: %s", width, "", mas_json_text_at(option, "name"),
                    mas_json_text_at(option, "help"));
            size_t w;
            const json_t *word;
            json_array_foreach(json_object_get(option, "words"), w, word)
                fprintf(out, "%s%s", w ? ", " : " (", json_string_value(word));
            if (json_object_get(option, "words"))
                fputc(')', out);
            if (json_is_true(json_object_get(option, "required")))
                fputs(" (required)", out);
            else if (json_is_integer(json_object_get(option, "default")))
                fprintf(out, " (default %lld)",
                        (long long)json_integer_value(json_object_get(option, "default")));
            else if (json_is_string(json_object_get(option, "default")))
                fprintf(out, " (default %s)", mas_json_text_at(option, "default"));
            fputc('\n', out);
        }
    }
}

static const char *const subjects[] = {"variants",   "kernels",     "devices",
                                       "placements", "experiments", NULL};
static json_t *(*const makers[])(int threads) = {list_variants, list_kernels, list_devices,
                                                 list_placements, list_experiments};

static int list_main(const mas_cli_command *command, int argc, char **argv)
{
    bool as_json = false;
    const char *subject = NULL;
    const mas_cli_option table[] = {
        {"json", MAS_CLI_FLAG, NULL, "print JSON", &as_json, 0, 0, NULL}};
    mas_cli_parsed parsed;
    const int code = mas_cli_parse(command, table, 1, argc, argv, 1, 1, &parsed);
    if (code >= 0)
        return code;
    subject = parsed.arguments[0];
    if (strcmp(subject, "keys") == 0 && !as_json) {
        mas_experiment_write_schema(stdout);
        return mas_cli_finish(command, MAS_EXIT_OK);
    }
    size_t i = 0;
    while (subjects[i] && strcmp(subjects[i], subject) != 0)
        i++;
    if (!subjects[i])
        return mas_cli_usage_error(
            command,
            "\"%s\" cannot be listed%s; expected variants, kernels, devices, placements, "
            "experiments or keys",
            subject, strcmp(subject, "keys") == 0 ? " as JSON" : "");
    json_t *all = makers[i](parsed.globals.threads);
    if (as_json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_text(all, stdout);
    }
    json_decref(all);
    return mas_cli_finish(command, MAS_EXIT_OK);
}

const mas_cli_command mas_cmd_list = {
    "list",
    "SUBJECT",
    "what there is: variants, kernels, devices, placements, experiments, keys",
    "SUBJECT is variants, kernels, devices, placements, experiments or keys (every key of an\n"
    "experiment file, as Markdown). The column of letters in the list of placements shows 8\n"
    "layers, bottom first: F full, S sparse.",
    list_main,
};
