/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "harness/files/replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK ".tmp." /* then the process */

static mas_status cannot_write(const char *path, int reason, mas_error *err)
{
    return mas_fail(err, MAS_E_IO, "cannot write %s: %s", path, strerror(reason));
}

/* @param path  for messages */
static mas_status fill(const char *name, const char *path, bool sync, mas_file_writer *writer,
                       void *user, mas_error *err)
{
    const int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FILE *out = file < 0 ? NULL : fdopen(file, "w");
    if (!out) {
        const int reason = errno;
        if (file >= 0)
            close(file);
        return cannot_write(path, reason, err);
    }
    errno = 0;
    const mas_status status = writer(user, out, err);
    bool fine = !ferror(out);
    if (fine && status == MAS_OK) /* EINVAL: a file system that cannot sync */
        fine = fflush(out) == 0 && (!sync || fsync(file) == 0 || errno == EINVAL);
    int reason = errno ? errno : EIO;
    if (fclose(out) != 0 && fine) {
        fine = false;
        reason = errno;
    }
    return fine ? status : cannot_write(path, reason, err);
}

/* A rename is only durable once its folder is. A file system that cannot sync folders is no reason to fail. */
static void sync_folder_of(const char *path)
{
    char *folder = strdup(path);
    if (!folder)
        return;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    const int file = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        (void)fsync(file);
        close(file);
    }
    free(folder);
}

/* @param[out] vanished  the temporary file was taken for a leftover */
static mas_status write_beside(const char *temporary, const char *place, const char *path,
                               mas_file_writer *writer, void *user, bool *vanished, mas_error *err)
{
    mas_status status = fill(temporary, path, true, writer, user, err);
    *vanished = false;
    if (status == MAS_OK && rename(temporary, place) != 0) {
        *vanished = errno == ENOENT;
        status = cannot_write(path, errno, err);
    }
    if (status == MAS_OK)
        sync_folder_of(place);
    else
        (void)unlink(temporary);
    return status;
}

mas_status mas_file_replace(const char *path, mas_file_writer *writer, void *user, mas_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return fill(path, path, false, writer, user, err);
    char *target = realpath(path, NULL); /* NULL: there is none yet */
    const char *place = target ? target : path;
    const size_t room = strlen(place) + sizeof MARK + 24;
    char *temporary = malloc(room);
    mas_status status = MAS_OK;
    if (temporary) {
        bool vanished;
        snprintf(temporary, room, "%s" MARK "%ld", place, (long)getpid());
        status = write_beside(temporary, place, path, writer, user, &vanished, err);
        if (vanished)
            status = write_beside(temporary, place, path, writer, user, &vanished, err);
    } else {
        status = mas_fail(err, MAS_E_MEMORY, "no memory to write %s", path);
    }
    free(temporary);
    free(target);
    return status;
}

static bool is_leftover(const char *name)
{
    const char *mark = strstr(name, MARK);
    char *end;
    const long process = mark ? strtol(mark + strlen(MARK), &end, 10) : 0;
    return process > 0 && !*end && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

void mas_file_remove_leftovers(const char *folder)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *item = dir ? readdir(dir) : NULL; item; item = readdir(dir))
        if (is_leftover(item->d_name))
            (void)unlinkat(dirfd(dir), item->d_name, 0);
    if (dir)
        closedir(dir);
}
