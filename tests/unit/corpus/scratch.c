/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char scratch_folder[64];

void scratch_make(void)
{
    snprintf(scratch_folder, sizeof scratch_folder, "/tmp/masbench-corpus-XXXXXX");
    cr_assert_not_null(mkdtemp(scratch_folder));
}

static void remove_tree(const char *folder)
{
    DIR *stream = opendir(folder);
    cr_assert_not_null(stream);
    for (const struct dirent *entry; (entry = readdir(stream));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        struct stat status;
        if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
            remove_tree(path);
        else
            unlink(path);
    }
    closedir(stream);
    rmdir(folder);
}

void scratch_remove(void)
{
    remove_tree(scratch_folder);
}

const char *scratch_path(const char *name)
{
    static char paths[8][MAS_CORPUS_PATH_MAX];
    static int next;
    char *const path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s%s%s", scratch_folder, *name ? "/" : "", name);
    return path;
}

void scratch_write(const char *name, const void *bytes, size_t count)
{
    char path[MAS_CORPUS_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", scratch_folder, name);
    for (char *slash = path + strlen(scratch_folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, count, file), count);
    cr_assert_eq(fclose(file), 0);
}

void scratch_text(const char *name, const char *text)
{
    scratch_write(name, text, strlen(text));
}

mas_corpus_config scratch_config(mas_corpus_kind kind, const char *path)
{
    mas_corpus_config config = mas_corpus_config_default();
    config.kind = kind;
    config.path_count = 1;
    snprintf(config.paths[0], sizeof config.paths[0], "%s", scratch_path(path));
    return config;
}

void refused(const mas_corpus_config *config, int64_t length, mas_status status, const char *part)
{
    mas_corpus *corpus = NULL;
    mas_error err = {0};
    const mas_status got = mas_corpus_open(config, length, &corpus, &err);
    cr_assert_eq(got, status, "%s (%s), expected %s", mas_status_name(got), err.text,
                 mas_status_name(status));
    cr_assert_eq(err.status, status);
    cr_assert_null(corpus);
    cr_assert(strstr(err.text, part), "\"%s\" does not hold \"%s\"", err.text, part);
}

mas_corpus *opened(const mas_corpus_config *config, int64_t length)
{
    mas_corpus *corpus = NULL;
    mas_error err = {0};
    const mas_status status = mas_corpus_open(config, length, &corpus, &err);
    cr_assert_eq(status, MAS_OK, "%s", err.text);
    return corpus;
}
