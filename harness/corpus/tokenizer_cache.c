/* SPDX-License-Identifier: Apache-2.0 */
/* Learned vocabularies, kept between runs. A file is the hash of the model in hex, a new line, and the
 * model. */
#include "harness/corpus/internal.h"
#include "harness/corpus/tokenizer.h"
#include "harness/files/replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { HASH_CHARS = 32, HEAD_BYTES = HASH_CHARS + 1 };
enum { PATH_ROOM = 4096 };
enum { FILE_MAX = 1 << 26 }; /* far above any vocabulary; keeps a foreign file out of memory */

static void hash_of(const char *model, size_t bytes, char out[HASH_CHARS + 1])
{
    const XXH128_hash_t hash = XXH3_128bits(model, bytes);
    mas_hash_hex(hash.high64, hash.low64, out);
}

/* False: there is no place for a cache, or its name is too long. */
static bool path_of(const char *key, char path[PATH_ROOM])
{
    const char *const own = getenv("MASBENCH_CACHE"), *const shared = getenv("XDG_CACHE_HOME"),
                      *const home = getenv("HOME");
    int length = -1;
    if (own && *own)
        length = snprintf(path, PATH_ROOM, "%s/tokenizers/%s.model", own, key);
    else if (shared && *shared)
        length = snprintf(path, PATH_ROOM, "%s/masbench/tokenizers/%s.model", shared, key);
    else if (home && *home)
        length = snprintf(path, PATH_ROOM, "%s/.cache/masbench/tokenizers/%s.model", home, key);
    return length > 0 && length < PATH_ROOM;
}

bool mas_tokenizer_recall(const char *key, char **model, size_t *bytes)
{
    char path[PATH_ROOM], head[HEAD_BYTES], hash[HASH_CHARS + 1];
    *model = NULL;
    *bytes = 0;
    FILE *file = path_of(key, path) ? fopen(path, "rb") : NULL;
    if (!file)
        return false;
    struct stat status;
    bool fine = fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
                status.st_size > HEAD_BYTES && status.st_size < FILE_MAX;
    if (fine) {
        *bytes = (size_t)status.st_size - HEAD_BYTES;
        *model = malloc(*bytes);
        fine = *model && fread(head, 1, HEAD_BYTES, file) == HEAD_BYTES &&
               fread(*model, 1, *bytes, file) == *bytes;
    }
    fclose(file);
    if (fine) {
        hash_of(*model, *bytes, hash);
        fine = memcmp(head, hash, HASH_CHARS) == 0;
    }
    if (!fine) {
        free(*model);
        *model = NULL;
        *bytes = 0;
    }
    return fine;
}

static bool make_folders(char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        const bool there = mkdir(path, 0777) == 0 || errno == EEXIST;
        *slash = '/';
        if (!there)
            return false;
    }
    return true;
}

typedef struct content {
    const char *model;
    size_t bytes;
} content;

static mas_status write_content(void *user, FILE *out, mas_error *err)
{
    const content *c = user;
    char hash[HASH_CHARS + 1];
    (void)err;
    hash_of(c->model, c->bytes, hash);
    fprintf(out, "%s\n", hash);
    fwrite(c->model, 1, c->bytes, out);
    return MAS_OK;
}

void mas_tokenizer_remember(const char *key, const char *model, size_t bytes)
{
    char path[PATH_ROOM];
    content c = {model, bytes};
    if (path_of(key, path) && make_folders(path) &&
        mas_file_replace(path, write_content, &c, NULL) != MAS_OK)
        return; /* it is learned again, then */
}
