/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/scratch.h"

#include "harness/results/results.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static mas_status check_empty(const char *folder, mas_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return mas_fail(err, MAS_E_IO, "cannot open the folder %s: %s", folder, strerror(errno));
    bool empty = true;
    for (const struct dirent *item = readdir(dir); item; item = readdir(dir))
        empty = empty && is_dots(item->d_name);
    closedir(dir);
    return empty ? MAS_OK
                 : mas_fail(err, MAS_E_ARGUMENT,
                            "%s holds something already; name a folder that is empty or not there",
                            folder);
}

mas_status mas_scratch_make(const char *named, mas_scratch *scratch, mas_error *err)
{
    *scratch = (mas_scratch){.keep = named != NULL};
    if (named) {
        scratch->folder = strdup(named);
        if (!scratch->folder)
            return mas_fail(err, MAS_E_MEMORY, "no memory for a path");
        const mas_status status = mas_make_folders(named, err);
        return status == MAS_OK ? check_empty(named, err) : status;
    }
    static const char pattern[] = "masbench.XXXXXX";
    const char *parent = getenv("TMPDIR");
    if (!parent || !parent[0])
        parent = "/tmp";
    const size_t room = strlen(parent) + sizeof pattern + 1;
    char *folder = malloc(room);
    if (!folder)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a path");
    snprintf(folder, room, "%s/%s", parent, pattern);
    if (!mkdtemp(folder)) {
        const mas_status status =
            mas_fail(err, MAS_E_IO, "cannot make the folder %s: %s", folder, strerror(errno));
        free(folder);
        return status;
    }
    scratch->folder = folder;
    return MAS_OK;
}

static void remove_all(const char *folder)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *item = dir ? readdir(dir) : NULL; item; item = readdir(dir)) {
        if (is_dots(item->d_name))
            continue;
        const size_t room = strlen(folder) + strlen(item->d_name) + 2;
        char *path = malloc(room);
        if (!path)
            break;
        snprintf(path, room, "%s/%s", folder, item->d_name);
        if (unlink(path) != 0) /* a folder; links to folders are links */
            remove_all(path);
        free(path);
    }
    if (dir)
        closedir(dir);
    (void)rmdir(folder);
}

void mas_scratch_drop(mas_scratch *scratch)
{
    if (scratch->folder && !scratch->keep)
        remove_all(scratch->folder);
    free(scratch->folder);
    scratch->folder = NULL;
}
