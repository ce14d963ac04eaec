/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: text, tree, settings, base, axes, cells, points. Later stages run only on what earlier ones accept. */
#include "harness/config/experiment.h"

#include "harness/config/point.h"
#include "harness/config/settings.h"
#include "variants/text.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (1 << 20)

/* What a point came from. */
typedef struct made_from {
    const int32_t *choice; /* of its cell */
    uint64_t id_hash, title_hash;
} made_from;

typedef struct loading {
    mas_pool *pool;
    mas_problems problems;
    const char *path;
    const mas_node *root;
    mas_document *document; /* scratch, reused for every cell */
    mas_settings settings;
    mas_sweep sweep;
    mas_experiment *experiment;
    int64_t capacity;
    made_from *made; /* [experiment->count] */
    mas_status status;
} loading;

static void no_memory(loading *l)
{
    l->problems.out_of_memory = true;
}

/* ---- reading the file ---- */

static char *read_file(loading *l, size_t *length)
{
    const mas_place place = {l->path, 0, 0};
    char *text = NULL;
    struct stat info;
    FILE *file = fopen(l->path, "rb");
    if (!file || fstat(fileno(file), &info) != 0) {
        mas_problem_add(&l->problems, place, NULL, "cannot be opened: %s", strerror(errno));
        goto done;
    }
    if (S_ISDIR(info.st_mode)) {
        mas_problem_add(&l->problems, place, NULL, "is a folder; expected an experiment file");
        goto done;
    }
    text = malloc(FILE_BYTES_MAX + 1);
    if (!text) {
        no_memory(l);
        goto done;
    }
    *length = fread(text, 1, FILE_BYTES_MAX + 1, file);
    if (ferror(file)) {
        mas_problem_add(&l->problems, place, NULL, "cannot be read: %s", strerror(errno));
    } else if (*length > FILE_BYTES_MAX) {
        mas_problem_add(&l->problems, place, NULL,
                        "more than 1 MiB; expected an experiment file of a few KiB");
        l->status = MAS_E_FORMAT;
    } else {
        l->status = MAS_OK;
    }
done:
    if (file)
        fclose(file);
    if (l->status != MAS_OK) {
        free(text);
        return NULL;
    }
    return text;
}

/* experiment.json, as it lies beside results, holds the file as it ran. */
static const mas_node *of_record(const mas_node *root)
{
    const mas_node *resolved = mas_node_get(root, "resolved");
    const bool is_record = resolved && resolved->kind == MAS_NODE_MAP &&
                           mas_node_get(root, "schema") && mas_node_get(root, "points");
    return is_record ? resolved : root;
}

static const mas_node *read_tree(loading *l)
{
    size_t length = 0;
    l->status = MAS_E_IO;
    char *text = read_file(l, &length);
    if (!text)
        return NULL;
    const mas_node *root =
        mas_tree_parse(l->pool, text, length, (mas_place){l->path, 1, 1}, &l->problems);
    free(text);
    if (root && root->kind != MAS_NODE_MAP) {
        mas_problem_add(&l->problems, root->place, NULL,
                        "%s; expected keys and values, as in \"experiment: NAME\"",
                        root->kind == MAS_NODE_LIST ? "a list"
                        : mas_node_is_empty(root)   ? "nothing in it"
                                                    : "a single text");
        return NULL;
    }
    return root ? of_record(root) : NULL;
}

/* ---- cells ---- */

/* Points are large; comparing them one with all others goes by these hashes. */
static uint64_t text_hash(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static bool is_there(const loading *l, const char *id)
{
    const uint64_t hash = text_hash(id);
    for (int64_t i = 0; i < l->experiment->count; i++)
        if (l->made[i].id_hash == hash && strcmp(l->experiment->points[i].id, id) == 0)
            return true;
    return false;
}

static bool add_point(loading *l, const mas_cell *cell)
{
    mas_experiment *experiment = l->experiment;
    if (experiment->count == l->capacity) {
        const int64_t capacity = l->capacity ? 2 * l->capacity : 8;
        mas_point *points = realloc(experiment->points, (size_t)capacity * sizeof *points);
        if (points)
            experiment->points = points;
        made_from *made = realloc(l->made, (size_t)capacity * sizeof *made);
        if (made)
            l->made = made;
        if (!points || !made)
            return false;
        l->capacity = capacity;
    }
    const size_t bytes = (cell->sweep->count + 1) * sizeof *cell->choice;
    int32_t *choice = mas_pool_take(l->pool, bytes);
    if (!choice)
        return false;
    memcpy(choice, cell->choice, bytes - sizeof *choice);
    mas_point *point = &l->document->point;
    mas_cell_title(cell, false, point->title, sizeof point->title);
    l->made[experiment->count] = (made_from){choice, text_hash(point->id), text_hash(point->title)};
    experiment->points[experiment->count++] = *point;
    point->resolved = NULL; /* moved */
    return true;
}

static bool visit(void *user, const mas_node *root, const mas_cell *cell)
{
    loading *l = user;
    char context[600];
    const size_t before = l->problems.count;
    l->experiment->cells++;
    mas_cell_context(cell, context, sizeof context);
    l->problems.context = context;
    mas_document_init(l->document);
    mas_schema_read(&l->problems, &mas_schema_root, root, "", l->document, true);
    bool fine = l->problems.count == before && mas_point_resolve(&l->problems, root, l->document);
    l->problems.context = NULL;
    if (fine)
        mas_settings_watch(&l->settings, l->pool, &l->problems, root, cell, l->document);
    if (fine && !is_there(l, l->document->point.id))
        fine = add_point(l, cell) || (no_memory(l), false);
    json_decref(l->document->point.resolved);
    l->document->point.resolved = NULL;
    return !l->problems.out_of_memory;
}

static bool has_twin(const loading *l, int64_t index, int64_t end)
{
    for (int64_t i = 0; i < end; i++)
        if (i != index && l->made[i].title_hash == l->made[index].title_hash)
            return true;
    return false;
}

static void hash_titles(loading *l)
{
    for (int64_t i = 0; i < l->experiment->count; i++)
        l->made[i].title_hash = text_hash(l->experiment->points[i].title);
}

/* Different points need different names: say what the plan's label leaves out and, as a last
 * resort, the id. */
static void tell_titles_apart(loading *l)
{
    const int64_t count = l->experiment->count;
    for (int64_t i = 0; i < count; i++) {
        const mas_cell cell = {&l->sweep, l->made[i].choice};
        if (has_twin(l, i, count))
            mas_cell_title(&cell, true, l->experiment->points[i].title, MAS_TITLE_MAX);
    }
    hash_titles(l);
    for (int64_t i = 1; i < count; i++) {
        mas_point *point = &l->experiment->points[i];
        const size_t length = strlen(point->title), room = MAS_TITLE_MAX - sizeof " [000000]";
        if (!has_twin(l, i, i))
            continue;
        point->title[length < room ? length : mas_text_whole(point->title, room)] = '\0';
        mas_text_append(point->title, MAS_TITLE_MAX, " [%.6s]", point->id);
    }
}

static void expand(loading *l)
{
    mas_experiment *experiment = l->experiment = calloc(1, sizeof *experiment);
    if (!experiment) {
        no_memory(l);
        return;
    }
    memcpy(experiment->name, l->document->name, sizeof experiment->name);
    experiment->kind = l->document->point.kind;
    experiment->question = strdup(l->document->question);
    experiment->resolved = mas_schema_json(&mas_schema_root, l->document);
    if (!experiment->question || !experiment->resolved ||
        json_object_set_new(experiment->resolved, "sweep", mas_sweep_json(&l->sweep))) {
        no_memory(l);
        return;
    }
    if (!mas_sweep_expand(l->pool, &l->problems, l->root, &l->sweep, visit, l))
        return;
    mas_settings_report(&l->settings, &l->problems);
    tell_titles_apart(l);
}

static void load(loading *l, const char *const *settings, size_t setting_count)
{
    l->root = read_tree(l);
    if (l->root)
        l->root = mas_settings_apply(l->pool, &l->problems, l->root, settings, setting_count,
                                     &l->settings);
    if (!l->root)
        return;
    mas_document_init(l->document);
    mas_schema_read(&l->problems, &mas_schema_root, l->root, "", l->document, false);
    if (!mas_node_get(l->root, "experiment"))
        mas_problem_add(&l->problems, l->root->place, "experiment",
                        "missing; expected a name for the results folder");
    mas_sweep_read(l->pool, &l->problems, l->root, &l->sweep);
    if (l->problems.count == 0 && !l->problems.out_of_memory)
        expand(l);
}

mas_status mas_experiment_load(const char *path, const char *const *settings, size_t setting_count,
                               mas_experiment **out, mas_diagnostics *problems)
{
    loading l = {.path = path, .status = MAS_OK};
    *out = NULL;
    *problems = (mas_diagnostics){0};
    /* Messages print numbers, and so do the modules asked below: the same text in every locale. */
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t before = c ? uselocale(c) : (locale_t)0;
    l.pool = mas_pool_create();
    l.document = malloc(sizeof *l.document);
    if (c && l.pool && l.document)
        load(&l, settings, setting_count);
    else
        no_memory(&l);
    if (l.problems.out_of_memory)
        mas_problem_add(&l.problems, (mas_place){path, 0, 0}, NULL, "out of memory");

    mas_status status = l.status;
    if (l.problems.count > 0 && status == MAS_OK)
        status = MAS_E_FORMAT;
    if (l.problems.out_of_memory)
        status = MAS_E_MEMORY;
    mas_problems_finish(&l.problems, problems);
    if (status == MAS_OK)
        *out = l.experiment;
    else
        mas_experiment_free(l.experiment);
    free(l.made);
    free(l.document);
    mas_pool_free(l.pool);
    if (c) {
        uselocale(before);
        freelocale(c);
    }
    return status;
}

void mas_experiment_free(mas_experiment *experiment)
{
    if (!experiment)
        return;
    for (int64_t i = 0; i < experiment->count; i++)
        json_decref(experiment->points[i].resolved);
    free(experiment->points);
    free(experiment->question);
    json_decref(experiment->resolved);
    free(experiment);
}
