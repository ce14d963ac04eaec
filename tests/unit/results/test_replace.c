/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/scratch.h"
#include "harness/files/replace.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static mas_scratch scratch;

static void make_folder(void)
{
    mas_error err;
    cr_assert_eq(mas_scratch_make(NULL, &scratch, &err), MAS_OK, "%s", err.text);
}

static void drop_folder(void)
{
    mas_scratch_drop(&scratch);
}

TestSuite(replace, .init = make_folder, .fini = drop_folder, .timeout = 30);

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch.folder, name);
    return path;
}

static void expect_content(const char *name, const char *text)
{
    char found[64] = "";
    FILE *in = fopen(path_of(name), "r");
    cr_assert_not_null(in, "%s", name);
    found[fread(found, 1, sizeof found - 1, in)] = '\0';
    fclose(in);
    cr_expect_str_eq(found, text);
}

/* A writer that answers as it is told, and whose file vanishes under it so many times. */
typedef struct plan {
    const char *text;
    mas_status status;
    int vanishes, calls;
} plan;

static mas_status write_plan(void *user, FILE *out, mas_error *err)
{
    plan *p = user;
    char path[256];
    fputs(p->text, out);
    snprintf(path, sizeof path, "%s/a.tmp.%ld", scratch.folder, (long)getpid());
    if (p->calls++ < p->vanishes)
        cr_assert_eq(unlink(path), 0);
    return p->status == MAS_OK ? MAS_OK : mas_fail(err, p->status, "the source failed");
}

Test(replace, all_or_nothing)
{
    mas_error err;
    plan first = {.text = "first"}, failing = {.text = "half", .status = MAS_E_DEVICE};
    cr_expect_eq(mas_file_replace(path_of("a"), write_plan, &first, &err), MAS_OK);
    cr_expect_eq(mas_file_replace(path_of("a"), write_plan, &failing, &err), MAS_E_DEVICE);
    cr_expect_str_eq(err.text, "the source failed");
    expect_content("a", "first");
    cr_assert_eq(unlink(path_of("a")), 0);
    scratch.keep = rmdir(scratch.folder) == 0;
    cr_expect(scratch.keep, "nothing else was there");
}

/* A process on another machine took it for a leftover. */
Test(replace, a_file_that_vanished_is_written_again)
{
    mas_error err;
    plan once = {.text = "again", .vanishes = 1}, twice = {.text = "never", .vanishes = 2};
    cr_expect_eq(mas_file_replace(path_of("a"), write_plan, &once, &err), MAS_OK, "%s", err.text);
    cr_expect_eq(once.calls, 2);
    expect_content("a", "again");
    cr_expect_eq(mas_file_replace(path_of("a"), write_plan, &twice, &err), MAS_E_IO);
    cr_expect_not_null(strstr(err.text, "/a: No such file or directory"), "%s", err.text);
    expect_content("a", "again");
}

Test(replace, links_and_devices_stay_what_they_are)
{
    mas_error err;
    struct stat info;
    plan p = {.text = "new"};
    cr_assert_eq(symlink("a", path_of("link")), 0);
    cr_assert_eq(mas_file_replace(path_of("a"), write_plan, &p, &err), MAS_OK);
    p.text = "newer";
    cr_expect_eq(mas_file_replace(path_of("link"), write_plan, &p, &err), MAS_OK, "%s", err.text);
    expect_content("a", "newer");
    cr_expect(lstat(path_of("link"), &info) == 0 && S_ISLNK(info.st_mode));
    cr_expect_eq(mas_file_replace("/dev/null", write_plan, &p, &err), MAS_OK);
    cr_expect(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));
    cr_expect_eq(mas_file_replace("/dev/full", write_plan, &p, &err), MAS_E_IO);
    cr_expect_str_eq(err.text, "cannot write /dev/full: No space left on device");
}

Test(replace, leftovers_of_dead_processes_go)
{
    char dead[32], alive[32];
    const pid_t process = fork();
    if (process == 0)
        _exit(0);
    cr_assert_eq(waitpid(process, NULL, 0), process);
    snprintf(dead, sizeof dead, "x.tmp.%ld", (long)process);
    snprintf(alive, sizeof alive, "x.tmp.%ld", (long)getpid());
    const char *const names[] = {dead, alive, "x.tmp.", "x.tmp.1a", "x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fclose(fopen(path_of(names[i]), "w"));
    mas_file_remove_leftovers(scratch.folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_eq(access(path_of(names[i]), F_OK) == 0, i > 0, "%s", names[i]);
    mas_file_remove_leftovers("/nowhere/at/all");
}
