/* SPDX-License-Identifier: Apache-2.0 */
/* Files, folders and globs to a sorted list of files. A pattern is walked from its longest part
 * without wildcards, into folders that can hold a match; every file there is tested against the whole pattern, component
 * by component (fnmatch alone has no **). Links to files are followed, links to folders are not, so that a walk
 * always ends. */
#include "harness/corpus/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOCUMENTATION "/usr/share/doc/"

/* Other folders that README.md of this folder names as corpora. */
static const struct {
    const char *folder, *package;
} packages[] = {
    {"/usr/share/go-1.19/", "golang-1.19-src"},
    {"/usr/lib/python3.11/", "libpython3.11-stdlib"},
};

void mas_path_list_free(mas_path_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->path[i]);
    free(list->path);
    *list = (mas_path_list){0};
}

static mas_status append(mas_path_list *list, const char *path, mas_error *err)
{
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        char **grown = realloc(list->path, room * sizeof *grown);
        if (!grown)
            return mas_fail(err, MAS_E_MEMORY, "no memory for a list of %zu files", room);
        list->path = grown;
        list->room = room;
    }
    const size_t size = strlen(path) + 1;
    char *copy = malloc(size);
    if (!copy)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a list of files");
    list->path[list->count++] = memcpy(copy, path, size);
    return MAS_OK;
}

/* ---- matching ---- */

static size_t component_length(const char *text)
{
    return strcspn(text, "/");
}

static const char *next_component(const char *text)
{
    text += component_length(text);
    return text + strspn(text, "/");
}

static bool component_matches(const char *pattern, size_t pattern_length, const char *name,
                              size_t name_length)
{
    char p[MAS_CORPUS_PATH_MAX], n[MAS_CORPUS_PATH_MAX];
    if (pattern_length >= sizeof p || name_length >= sizeof n)
        return false;
    memcpy(p, pattern, pattern_length);
    memcpy(n, name, name_length);
    p[pattern_length] = n[name_length] = '\0';
    return fnmatch(p, n, FNM_PERIOD) == 0;
}

/* `leads`: is the path a folder below which something may match? */
static bool components_match(const char *pattern, const char *path, bool leads)
{
    if (!*pattern)
        return !*path && !leads;
    if (!*path && leads)
        return true;
    const size_t length = component_length(pattern);
    const char *const rest = next_component(pattern);
    if (length == 2 && pattern[0] == '*' && pattern[1] == '*') {
        if (components_match(rest, path, leads))
            return true;
        return *path && *path != '.' && components_match(pattern, next_component(path), leads);
    }
    return *path && component_matches(pattern, length, path, component_length(path)) &&
           components_match(rest, next_component(path), leads);
}

/* "./a" is "a". */
static const char *without_dot(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2 + strspn(path + 2, "/");
    return path;
}

static bool match(const char *pattern, const char *path, bool leads)
{
    pattern = without_dot(pattern);
    path = without_dot(path);
    if ((pattern[0] == '/') != (path[0] == '/'))
        return false;
    return components_match(pattern + strspn(pattern, "/"), path + strspn(path, "/"), leads);
}

bool mas_path_matches(const char *pattern, const char *path)
{
    return match(pattern, path, false);
}

bool mas_path_leads(const char *pattern, const char *folder)
{
    return match(pattern, folder, true);
}

/* ---- walking ---- */

typedef struct walk {
    const char *pattern; /* NULL: every file */
    mas_path_list *found;
} walk;

static mas_status walk_folder(const walk *w, const char *folder, mas_error *err);

static mas_status visit(const walk *w, const char *folder, const char *name, mas_error *err)
{
    char path[4096];
    const bool root = strcmp(folder, ".") == 0;
    const char *const slash = root || folder[strlen(folder) - 1] == '/' ? "" : "/";
    const int length = snprintf(path, sizeof path, "%s%s%s", root ? "" : folder, slash, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return mas_fail(err, MAS_E_IO, "a path below %.200s is longer than %zu bytes", folder,
                        sizeof path - 1);
    struct stat status;
    if (lstat(path, &status) != 0)
        return mas_fail(err, MAS_E_IO, "cannot look at %s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return !w->pattern || mas_path_leads(w->pattern, path) ? walk_folder(w, path, err) : MAS_OK;
    if (w->pattern && !mas_path_matches(w->pattern, path))
        return MAS_OK;
    if (S_ISLNK(status.st_mode) && stat(path, &status) != 0)
        return mas_fail(err, MAS_E_IO, "the link %s leads nowhere: %s", path, strerror(errno));
    return S_ISREG(status.st_mode) ? append(w->found, path, err) : MAS_OK;
}

static mas_status walk_folder(const walk *w, const char *folder, mas_error *err)
{
    DIR *stream = opendir(folder);
    if (!stream)
        return mas_fail(err, MAS_E_IO,
                        "cannot open the folder %s: %s; expected corpus.paths to lead only into "
                        "folders that may be read",
                        folder, strerror(errno));
    mas_status status = MAS_OK;
    while (status == MAS_OK) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry) {
            if (errno)
                status = mas_fail(err, MAS_E_IO, "cannot read the folder %s: %s", folder,
                                  strerror(errno));
            break;
        }
        const char *const name = entry->d_name;
        const bool self = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        /* Hidden files belong to a corpus only when a pattern names their dot. */
        if (!self && (name[0] != '.' || w->pattern))
            status = visit(w, folder, name, err);
    }
    closedir(stream);
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_unique(mas_path_list *list)
{
    if (list->count == 0)
        return;
    qsort(list->path, list->count, sizeof *list->path, compare_paths);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(list->path[i], list->path[kept - 1]) == 0)
            free(list->path[i]);
        else
            list->path[kept++] = list->path[i];
    }
    list->count = kept;
}

/* Debian's list of a package's files, whose name may tell the architecture. */
static bool is_installed(const char *package, size_t length)
{
    char list[MAS_CORPUS_PATH_MAX];
    glob_t found = {0};
    snprintf(list, sizeof list, "/var/lib/dpkg/info/%.*s.list", (int)length, package);
    if (access(list, F_OK) == 0)
        return true;
    snprintf(list, sizeof list, "/var/lib/dpkg/info/%.*s:*.list", (int)length, package);
    const bool there = glob(list, GLOB_NOSORT, NULL, &found) == 0;
    globfree(&found);
    return there;
}

/* The package that a path belongs to, where that is known; *length: of its name. */
static const char *package_of(const char *pattern, size_t *length)
{
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++)
        if (strncmp(pattern, packages[i].folder, strlen(packages[i].folder)) == 0) {
            *length = strlen(packages[i].package);
            return packages[i].package;
        }
    if (strncmp(pattern, DOCUMENTATION, strlen(DOCUMENTATION)) != 0)
        return NULL;
    const char *const package = pattern + strlen(DOCUMENTATION);
    *length = component_length(package);
    return *length > 0 && package[*length] == '/' && strcspn(package, "*?[") >= *length ? package
                                                                                        : NULL;
}

/* With the remedy: the package that is missing, or else what was looked for and where. */
static mas_status nothing_found(const char *pattern, mas_error *err)
{
    size_t length = 0;
    const char *const package = package_of(pattern, &length);
    if (package && !is_installed(package, length))
        return mas_fail(err, MAS_E_NOT_FOUND,
                        "corpus.paths: nothing matches %s; install it with: apt-get install %.*s",
                        pattern, (int)length, package);
    char folder[MAS_CORPUS_PATH_MAX] = "";
    const bool relative = pattern[0] != '/' && getcwd(folder, sizeof folder);
    return mas_fail(err, MAS_E_NOT_FOUND,
                    "corpus.paths: nothing matches %s%s%s; expected a file, a folder or a glob (** "
                    "stands for any folders)",
                    pattern, relative ? " in the working folder " : "", folder);
}

static mas_status expand_glob(const char *pattern, mas_path_list *found, mas_error *err)
{
    /* The folder to start from: the components before the first one with a wildcard. */
    char base[MAS_CORPUS_PATH_MAX];
    size_t length = strcspn(pattern, "*?[");
    while (length > 0 && pattern[length - 1] != '/')
        length--;
    memcpy(base, pattern, length);
    base[length] = '\0';
    while (length > 1 && base[length - 1] == '/')
        base[--length] = '\0';
    const char *const folder = length ? base : ".";

    struct stat status;
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return MAS_OK; /* nothing matches */
    const walk w = {pattern, found};
    return walk_folder(&w, folder, err);
}

static mas_status expand_one(const char *pattern, mas_path_list *found, mas_error *err)
{
    struct stat status;
    if (stat(pattern, &status) == 0) { /* an existing name is taken as it is, stars and all */
        if (!S_ISDIR(status.st_mode))
            return append(found, pattern, err);
        const walk w = {NULL, found};
        return walk_folder(&w, pattern, err);
    }
    if (errno != ENOENT && errno != ENOTDIR)
        return mas_fail(err, MAS_E_IO, "cannot look at %s: %s", pattern, strerror(errno));
    return strpbrk(pattern, "*?[") ? expand_glob(pattern, found, err) : MAS_OK;
}

static void drop_excluded(const mas_corpus_config *config, mas_path_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        bool excluded = false;
        for (int32_t e = 0; e < config->exclude_count && !excluded; e++)
            excluded = mas_path_matches(config->exclude[e], list->path[i]);
        if (excluded)
            free(list->path[i]);
        else
            list->path[kept++] = list->path[i];
    }
    list->count = kept;
}

mas_status mas_paths_expand(const mas_corpus_config *config, mas_path_list *out, mas_error *err)
{
    *out = (mas_path_list){0};
    mas_status status = MAS_OK;
    if (config->path_count < 1 || config->path_count > MAS_CORPUS_PATHS_MAX)
        status = mas_fail(err, MAS_E_ARGUMENT, "%d paths; expected 1 to %d", config->path_count,
                          MAS_CORPUS_PATHS_MAX);
    for (int32_t i = 0; i < config->path_count && status == MAS_OK; i++) {
        const size_t before = out->count;
        status = expand_one(config->paths[i], out, err);
        if (status == MAS_OK && out->count == before)
            status = nothing_found(config->paths[i], err);
    }
    if (status == MAS_OK) {
        sort_unique(out);
        drop_excluded(config, out);
        if (out->count == 0)
            status = mas_fail(
                err, MAS_E_NOT_FOUND,
                "every file that matches %s is excluded; expected corpus.exclude to leave some",
                config->paths[0]);
    }
    if (status != MAS_OK)
        mas_path_list_free(out);
    return status;
}
