/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/cli.h"
#include "harness/cli/load.h"
#include "harness/cli/signals.h"
#include "harness/files/replace.h"
#include "harness/report/html.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE, MARKDOWN, CSV, FILES };
static const char *const names[FILES] = {"report.html", "report.md", "report.csv"};

/* A file's content, until all of them are complete. */
typedef struct content {
    char *text;
    size_t size;
} content;

static mas_status open_files(content texts[FILES], FILE *files[FILES], mas_error *err)
{
    for (int i = 0; i < FILES; i++)
        if (!(files[i] = open_memstream(&texts[i].text, &texts[i].size)))
            return mas_fail(err, MAS_E_MEMORY, "no memory for %s", names[i]);
    return MAS_OK;
}

static mas_status close_files(FILE *files[FILES], mas_error *err)
{
    mas_status status = MAS_OK;
    for (int i = 0; i < FILES; i++) {
        const bool bad = files[i] && ferror(files[i]) != 0;
        if (files[i] && (fclose(files[i]) != 0 || bad))
            status = mas_fail(err, MAS_E_MEMORY, "no memory for %s", names[i]);
    }
    return status;
}

static mas_status write_content(void *user, FILE *out, mas_error *err)
{
    const content *c = user;
    (void)err;
    fwrite(c->text, 1, c->size, out);
    return MAS_OK;
}

static mas_status write_files(const char *folder, content texts[FILES], mas_error *err)
{
    mas_status status = mas_make_folders(folder, err);
    for (int i = 0; status == MAS_OK && i < FILES; i++) {
        char *path = mas_file_path(folder, names[i], "");
        status = path ? mas_file_replace(path, write_content, &texts[i], err)
                      : mas_fail(err, MAS_E_MEMORY, "no memory for a path");
        free(path);
    }
    return status;
}

/* Charts are drawn into the folder of the results, or below the folder that --out names. */
static mas_status redirect(mas_result_set *set, const char *folder, int index, mas_error *err)
{
    const size_t room = strlen(folder) + 32;
    char *path = malloc(room);
    if (!path)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a path");
    snprintf(path, room, "%s/charts-%d", folder, index + 1);
    free(set->folder);
    set->folder = path;
    return MAS_OK;
}

/* A page without charts is still one. */
static mas_status write_charts(const mas_report *report, mas_error *err)
{
    const mas_status status = mas_report_write(report, err);
    mas_error drawing;
    if (status == MAS_E_NOT_FOUND)
        mas_cli_warn("no charts drawn: %s", err->text);
    else if (status == MAS_OK && mas_report_has_charts(report) &&
             mas_report_draw(report, &mas_cli_stop, &drawing) != MAS_OK)
        mas_cli_warn("%s", drawing.text);
    return status == MAS_E_NOT_FOUND ? MAS_OK : status;
}

static mas_status add_section(const char *results, const char *folder, int index,
                              FILE *files[FILES], mas_error *err)
{
    mas_result_set *set = NULL;
    mas_report *report = NULL;
    mas_comparisons comparisons = {0, NULL};
    mas_status status = mas_results_load(results, &set, err);
    if (status == MAS_OK && folder)
        status = redirect(set, folder, index, err);
    if (status == MAS_OK)
        status = mas_report_make(set, &report, err);
    if (status == MAS_OK)
        status = mas_report_compare(report, &comparisons, err);
    if (status == MAS_OK)
        status = write_charts(report, err);
    if (status == MAS_OK) {
        mas_html_section(report, &comparisons, files[PAGE]);
        mas_comparisons_markdown(report, &comparisons, files[MARKDOWN]);
        mas_report_markdown_points(report, files[MARKDOWN]);
        mas_comparisons_csv(report, &comparisons, files[CSV]);
    }
    mas_comparisons_free(&comparisons);
    mas_report_free(report);
    mas_results_free(set);
    return status;
}

static int report_main(const mas_cli_command *command, int argc, char **argv)
{
    const char *out = NULL;
    const mas_cli_option options[] = {
        {"out", MAS_CLI_TEXT, "DIR", "write there (default: the folder of the results)", &out, 0, 0,
         NULL},
    };
    mas_cli_parsed parsed;
    int code =
        mas_cli_parse_own(command, options, 1, argc, argv, 1, MAS_CLI_ARGUMENTS_MAX, &parsed);
    if (code >= 0)
        return code;
    if (!out && parsed.argument_count > 1)
        return mas_cli_usage_error(command, "several folders of results need --out DIR");
    const char *folder = out ? out : parsed.arguments[0];
    /* nothing is written for a folder that is not there or empty */
    mas_error err;
    for (int i = 0; i < parsed.argument_count; i++) {
        mas_result_set *set = NULL;
        if (mas_results_load(parsed.arguments[i], &set, &err) != MAS_OK)
            return mas_cli_usage_error(command, "%s", err.text);
        const size_t count = set->count;
        mas_results_free(set);
        if (count == 0)
            return mas_cli_no_results(command, parsed.arguments[i]);
    }
    FILE *files[FILES] = {NULL};
    content texts[FILES] = {{NULL, 0}};
    mas_status status = open_files(texts, files, &err);
    if (status == MAS_OK) {
        mas_html_begin(files[PAGE]);
        mas_comparisons_csv_head(files[CSV]);
    }
    for (int i = 0; status == MAS_OK && i < parsed.argument_count; i++)
        status = add_section(parsed.arguments[i], out, i, files, &err);
    if (status == MAS_OK)
        mas_html_end(files[PAGE]);
    mas_error closing;
    const mas_status closed = close_files(files, &closing);
    if (status == MAS_OK && closed != MAS_OK)
        status = mas_fail(&err, closed, "%s", closing.text);
    if (status == MAS_OK)
        status = write_files(folder, texts, &err);
    for (int i = 0; i < FILES; i++)
        free(texts[i].text);
    if (status == MAS_OK) {
        printf("%s/%s\n", folder, names[PAGE]);
        return mas_cli_finish(command, MAS_EXIT_OK);
    }
    mas_cli_usage_error(command, "%s", err.text);
    return status == MAS_E_IO ? MAS_EXIT_INCOMPLETE : MAS_EXIT_USAGE;
}

const mas_cli_command mas_cmd_report = {
    "report",
    "RESULTS...",
    "one page with charts, tables and which differences are real",
    "Writes report.html (one file, no network), report.md and report.csv. Variants are compared "
    "with full attention\nand, where their attention costs the same within a tenth, with each "
    "other, paired by seed "
    "and by segment of the\nevaluation, corrected by Holm.",
    report_main,
};
