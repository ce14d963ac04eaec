/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/html.h"
#include "harness/results/json_build.h"

#include <stdlib.h>
#include <string.h>

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<title>masbench report</title>\n<style>\n"
    ":root{color-scheme:light "
    "dark;--bg:#fff;--ink:#222;--soft:#666;--line:#d8d8d8;--box:#f5f5f5;--full:#d55e00;"
    "--sparse:#9cc9e6;--good:#00724f}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#16181b;--ink:#e6e6e6;--soft:#a0a0a0;--line:#"
    "3a3d42;--box:#212429;"
    "--full:#e8792a;--sparse:#2f6f96;--good:#4fd0a2}}\n"
    "*{box-sizing:border-box}body{margin:0 "
    "auto;max-width:70rem;padding:1rem;background:var(--bg);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "h1,h2,h3{line-height:1.2}h2{border-top:2px solid var(--line);padding-top:1rem}\n"
    ".box{overflow-x:auto;border:1px solid var(--line);border-radius:6px;margin:.5rem 0}\n"
    "table{border-collapse:collapse;font-size:.85rem;overflow-wrap:normal}th,td{padding:.3rem "
    ".6rem;text-align:right;"
    "white-space:nowrap}th{background:var(--box)}td.t,th.t{text-align:left}tr+tr{border-top:1px "
    "solid var(--line)}\n"
    "th button{all:unset;cursor:pointer;font-weight:bold}th button:focus-visible{outline:2px solid}"
    "th[aria-sort=ascending] button:after{content:' \\2191'}th[aria-sort=descending] "
    "button:after{content:' \\2193'}\n"
    ".real{color:var(--good);font-weight:"
    "bold}\n"
    "img{width:100%;height:auto;display:block;background:#fff;border-radius:6px}pre{margin:0;"
    "padding:.6rem;"
    "background:var(--box);font-size:.8rem}.note{color:var(--soft)}\n"
    ".plan i{display:inline-block;width:.9rem;height:.9rem;margin-right:2px;border-radius:2px;"
    "background:var(--sparse);border:1px solid "
    "var(--soft);print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    ".plan i.f{background:var(--full)}\n"
    "@media "
    "print{:root{--bg:#fff;--ink:#000;--soft:#444;--line:#bbb;--box:#eee;--full:#d55e00;--sparse:#"
    "9cc9e6}"
    "body{max-width:none;padding:0;font-size:10pt}th "
    "button{display:contents}.box{overflow:visible;border:0}table{font-size:"
    "7pt}th,td{padding:2px 4px;"
    "white-space:normal}pre{white-space:pre-wrap}figure,tr{break-inside:avoid}}\n"
    "@media screen and (max-width:40rem){figure "
    "img{min-width:38rem}table{font-size:.75rem}th,td{padding:.3rem "
    ".35rem}td.t,th.t{white-space:normal;min-width:6rem}}\n"
    "figure{margin:1rem 0}\n</style></head><body>\n<h1>masbench report</h1>\n";

static const char tail[] =
    "<script>\ndocument.querySelectorAll('th button').forEach(function(b){b.onclick=function(){"
    "var "
    "h=b.parentNode,t=h.closest('table'),k=h.cellIndex,d=h.getAttribute('aria-sort')==='ascending'?"
    "-1:1;"
    "t.querySelectorAll('th').forEach(function(x){x.removeAttribute('aria-sort')});"
    "h.setAttribute('aria-sort',d>0?'ascending':'descending');"
    "var r=Array.from(t.tBodies[0].rows);r.sort(function(x,y){var "
    "p=x.cells[k].textContent,q=y.cells[k].textContent,"
    "u=parseFloat(p),v=parseFloat(q),n=h.className!=='t';"
    "if(n&&isNaN(u)!==isNaN(v))return isNaN(u)?1:-1;"
    "return d*(n&&!isNaN(u)?u-v:p.localeCompare(q))});"
    "r.forEach(function(x){t.tBodies[0].appendChild(x)})}});\n</script></body></html>\n";

void mas_html_begin(FILE *out)
{
    fputs(head, out);
}

void mas_html_end(FILE *out)
{
    fputs(tail, out);
}

void mas_html_text(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
        }
}

static void element(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    mas_html_text(out, text);
    fputs(close, out);
}

static void number(FILE *out, const char *format, double value)
{
    fputs("<td>", out);
    if (isfinite(value))
        fprintf(out, format, value);
    else
        fputc('-', out);
    fputs("</td>", out);
}

/* Headings parted by '|'; a leading '*' marks a column of words. */
static void table_head(FILE *out, const char *headings)
{
    fputs("<div class=\"box\"><table><thead><tr>", out);
    while (*headings) {
        const size_t length = strcspn(headings, "|");
        const bool words = headings[0] == '*';
        fprintf(out, "<th%s><button>%.*s</button></th>", words ? " class=\"t\"" : "",
                (int)length - words, headings + words);
        headings += length + (headings[length] == '|');
    }
    fputs("</tr></thead><tbody>\n", out);
}

static void table_end(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}

static void base64(FILE *in, FILE *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char b[3];
    for (size_t n; (n = fread(b, 1, 3, in)) > 0;) {
        const unsigned bits =
            (unsigned)b[0] << 16 | (n > 1 ? (unsigned)b[1] << 8 : 0) | (n > 2 ? b[2] : 0u);
        fputc(digits[bits >> 18], out);
        fputc(digits[bits >> 12 & 63], out);
        fputc(n > 1 ? digits[bits >> 6 & 63] : '=', out);
        fputc(n > 2 ? digits[bits & 63] : '=', out);
    }
}

static void chart(const mas_report *report, const char *name, const char *what, FILE *out)
{
    const size_t room = strlen(report->set->folder) + strlen(name) + 6;
    char *path = malloc(room);
    if (!path)
        return;
    snprintf(path, room, "%s/%s.svg", report->set->folder, name);
    FILE *in = fopen(path, "rb");
    free(path);
    if (!in)
        return;
    fprintf(out,
            "<figure><figcaption>%s</figcaption><div class=\"box\"><img alt=\"%s\" "
            "src=\"data:image/svg+xml;base64,",
            what, what);
    base64(in, out);
    fputs("\"></div></figure>\n", out);
    fclose(in);
}

static void charts(const mas_report *report, FILE *out)
{
    static const char *const names[][2] = {
        {"cost_quality", "Cost and quality; bars: extremes of the seeds"},
        {"quality_by_full_layers", "Quality by number of full layers; bars: extremes of the seeds"},
        {"quality_by_context", "Quality by the context at evaluation; bars: extremes of the seeds"},
        {"placement_heat", "Layer plans, best first"},
        {"loss_by_position", "Loss by position in the context"},
        {"loss_by_distance", "Loss by distance of the evidence"},
        {"recall_by_distance", "Tokens with evidence predicted right, by distance"},
        {"training_curves", "Training curves"},
        {"memory_by_length", "Memory by length"},
        {"kernel_rate", "Rate of the kernels"},
        {"kernel_time", "Time of the kernels"},
        {"kernel_speedup", "Speed-up over full attention"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (report->timed == (strncmp(names[i][0], "kernel", 6) == 0))
            chart(report, names[i][0], names[i][1], out);
}

static void groups(const mas_report *report, FILE *out)
{
    fputs("<h3>Variants</h3>\n", out);
    table_head(out, report->vocabularies_differ
                        ? "*variant|*layers, first to last|seeds|attention cost %|loss nats, "
                          "mean|deviation|bits per byte"
                        : "*variant|*layers, first to last|seeds|attention cost %|loss nats, "
                          "mean|deviation|perplexity");
    for (size_t i = 0; i < report->group_count; i++) {
        const mas_report_group *g = &report->groups[i];
        double mean, deviation;
        mas_report_group_loss(report, i, &mean, &deviation);
        element(out, "<tr><td class=\"t\">", g->title, "</td><td class=\"t plan\">");
        const char *letters = mas_json_text_at(mas_report_first(report, i), "plan.letters");
        for (size_t k = 0; letters[k]; k++)
            fprintf(out, "<i class=\"%s\" title=\"layer %zu: %s\"></i>",
                    letters[k] == 'F' ? "f" : "s", k, letters[k] == 'F' ? "full" : "sparse");
        fprintf(out, "</td><td>%zu</td>", g->seeds);
        number(out, "%.1f", 100 * g->attention_cost);
        number(out, "%.4f", mean);
        number(out, "%.4f", deviation);
        number(out, "%.4f", g->quality);
        fputs("</tr>\n", out);
    }
    table_end(out);
    fputs("<p class=\"note\">Filled orange: a full layer; blue: a sparse one. Deviation: of the "
          "loss, over seeds.</p>\n",
          out);
}

static void differences(const mas_report *report, const mas_comparisons *all, FILE *out)
{
    if (all->count == 0)
        return;
    char text[768];
    mas_comparisons_note(all, text, sizeof text);
    element(out, "<h3>Which differences are real</h3>\n<p>", text, "</p>\n");
    table_head(out, "*first|*second|difference|*verdict|95 % interval|p, corrected|seeds");
    for (size_t i = 0; i < all->count; i++) {
        const mas_comparison *c = &all->item[i];
        element(out, "<tr><td class=\"t\">", report->groups[c->first].title, "</td>");
        element(out, "<td class=\"t\">", report->groups[c->second].title, "</td>");
        number(out, "%+.4f", c->paired.difference);
        mas_comparison_verdict(c, text, sizeof text);
        fprintf(out, "<td class=\"t%s\">%s</td>", c->real ? " real" : "", text);
        if (isfinite(c->paired.low))
            fprintf(out, "<td>%+.4f .. %+.4f</td>", c->paired.low, c->paired.high);
        else
            fputs("<td>-</td>", out);
        number(out, "%.4f", c->p_corrected);
        fprintf(out, "<td>%zu</td></tr>\n", c->paired.seeds);
    }
    table_end(out);
}

static void points(const mas_report *report, FILE *out)
{
    fputs("<h3>Points</h3>\n", out);
    if (report->timed) {
        char *text = NULL;
        size_t size;
        FILE *memory = open_memstream(&text, &size);
        if (!memory)
            return;
        mas_report_table(report, MAS_TABLE_TERMINAL, memory);
        if (fclose(memory) == 0) {
            fputs("<div class=\"box\"><pre>", out);
            for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                *end = '\0';
                element(out, "", line, "\n");
            }
            fputs("</pre></div>\n", out);
        }
        free(text);
        return;
    }
    table_head(out, "*point|seed|attention cost %|model cost %|memory "
                    "MiB|perplexity|bits/byte|loss nats|seconds|*status");
    for (size_t i = 0; i < report->count; i++) {
        const mas_report_row *r = &report->rows[i];
        element(out, "<tr><td class=\"t\">", r->title, "</td>");
        fprintf(out, "<td>%lld</td>", (long long)r->seed);
        number(out, "%.1f", 100 * r->attention_cost);
        number(out, "%.1f", 100 * r->model_cost);
        number(out, "%.1f", r->memory_mib);
        number(out, "%.3f", report->vocabularies_differ ? (double)NAN : r->perplexity);
        number(out, "%.4f", r->bits_per_byte);
        number(out, "%.4f", r->loss);
        number(out, "%.1f", r->seconds);
        element(out, "<td class=\"t\">", r->status, "</td></tr>\n");
    }
    table_end(out);
}

/* A word for a shell: in single quotes, so that a hostile name stays one. */
static void shell_word(FILE *out, const char *text)
{
    fputs("&#39;", out);
    for (; *text; text++) {
        const char one[2] = {*text, '\0'};
        if (*text == '\'')
            fputs("&#39;\\&#39;&#39;", out);
        else
            mas_html_text(out, one);
    }
    fputs("&#39;", out);
}

/* The recorded experiment knows what --set changed, and no path of a file. */
static void reproduce(const json_t *result, FILE *out)
{
    fputs("<h3>To reproduce</h3>\n<div class=\"box\"><pre>git checkout ", out);
    shell_word(out, mas_json_text_at(result, "machine.git_commit"));
    if (json_is_true(mas_json_value_at(result, "machine.git_dirty")))
        fputs(" # not quite: the build had uncommitted changes", out);
    fputs("\nninja -C build\nbuild/masbench run experiment.json --results again --device ", out);
    shell_word(out, mas_json_text_at(result, "machine.device"));
    fprintf(out, " --threads %.0f</pre></div>\n",
            fmax(1, mas_json_number_at(result, "machine.threads")));
    fputs("<p class=\"note\">experiment.json lies beside the results and holds every setting as it "
          "ran; relative paths of a corpus are looked for from where the command runs.</p>\n",
          out);
}

static void environment(const mas_report *report, FILE *out)
{
    const json_t *result = report->count ? report->rows[0].result : NULL;
    json_t *machine = (json_t *)json_object_get(result, "machine");
    reproduce(result, out);
    fputs("<h3>Environment of the first point</h3>\n", out);
    table_head(out, "*what|*value");
    const char *key;
    json_t *value;
    json_object_foreach(machine, key, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        element(out, "<tr><td class=\"t\">", key, "</td>");
        element(out, "<td class=\"t\">",
                json_is_string(value) ? json_string_value(value)
                : text                ? text
                                      : "",
                "</td></tr>\n");
        free(text);
    }
    table_end(out);
}

void mas_html_section(const mas_report *report, const mas_comparisons *comparisons, FILE *out)
{
    const json_t *first = report->count ? report->rows[0].result : NULL;
    element(out, "<h2>", mas_json_text_at(first, "experiment"), "</h2>\n");
    element(out, "<p>", mas_json_text_at(report->set->experiment, "question"), "</p>\n");
    if (report->trained) {
        differences(report, comparisons, out);
        groups(report, out);
    }
    charts(report, out);
    points(report, out);
    environment(report, out);
}
