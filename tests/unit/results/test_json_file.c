/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/results/json_build.h"
#include "harness/results/results.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/masbench-json.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static int remove_all(const char *path)
{
    DIR *dir = opendir(path);
    for (const struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
        char name[512];
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, d->d_name);
        if (unlink(name) != 0)
            remove_all(name);
    }
    if (dir)
        closedir(dir);
    return rmdir(path);
}

static void clean_up(void)
{
    remove_all(folder);
}

TestSuite(json_file, .init = make_folder, .fini = clean_up, .timeout = 30);

static char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static size_t files_in(const char *path)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    for (const struct dirent *d = readdir(dir); d; d = readdir(dir))
        count += d->d_name[0] != '.';
    closedir(dir);
    return count;
}

Test(json_file, what_is_written_comes_back)
{
    json_t *json = json_object(), *back = NULL;
    mas_error err;
    mas_json_set_number(json, "third", 1.0 / 3.0);
    mas_json_set_int(json, "large", INT64_C(9007199254740993));
    mas_json_set_text(json, "text", "a \"quoted\" line\nand \xc3\xa9");
    mas_json_set(json, "list", json_pack("[f,f,{s:[]}]", 0.1, 1e-300, "empty"));
    mas_json_set(json, "nothing", json_object());
    cr_assert_eq(mas_json_write(path_of("a.json"), json, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_json_read(path_of("a.json"), &back, &err), MAS_OK, "%s", err.text);
    cr_assert(json_equal(json, back));
    cr_assert_eq(files_in(folder), 1, "no temporary file may be left");
    json_decref(json);
    json_decref(back);
}

Test(json_file, keys_keep_their_order_and_plain_arrays_one_line)
{
    json_t *json = json_object();
    mas_error err;
    mas_json_set_int(json, "z", 1);
    mas_json_set(json, "a", json_pack("[i,i]", 2, 3));
    cr_assert_eq(mas_json_write(path_of("a.json"), json, &err), MAS_OK, "%s", err.text);
    json_decref(json);
    char text[128] = "";
    FILE *file = fopen(path_of("a.json"), "r");
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    cr_assert_str_eq(text, "{\n  \"z\": 1,\n  \"a\": [2, 3]\n}\n");
}

Test(json_file, what_json_cannot_hold_is_null)
{
    json_t *json = json_object();
    mas_json_set_number(json, "nan", (double)NAN);
    mas_json_set_number(json, "inf", (double)INFINITY);
    cr_assert(json_is_null(json_object_get(json, "nan")));
    cr_assert(json_is_null(json_object_get(json, "inf")));
    json_decref(json);
}

Test(json_file, errors_name_file_and_line)
{
    mas_error err;
    json_t *json = NULL;
    cr_assert_eq(mas_json_read(path_of("none.json"), &json, &err), MAS_E_NOT_FOUND);
    cr_assert_not_null(strstr(err.text, "none.json"));
    FILE *file = fopen(path_of("bad.json"), "w");
    fputs("{\n  \"a\": 1,\n  \"b\": ", file);
    fclose(file);
    cr_assert_eq(mas_json_read(path_of("bad.json"), &json, &err), MAS_E_FORMAT);
    cr_assert_not_null(strstr(err.text, "bad.json:3:"), "%s", err.text);
    file = fopen(path_of("twice.json"), "w");
    fputs("{\"a\": 1, \"a\": 2}", file);
    fclose(file);
    cr_assert_eq(mas_json_read(path_of("twice.json"), &json, &err), MAS_E_FORMAT);
    cr_assert_null(json);
}

Test(json_file, a_failed_write_leaves_the_old_file)
{
    mas_error err;
    json_t *json = json_object(), *back = NULL;
    mas_json_set_int(json, "a", 1);
    cr_assert_eq(mas_json_write(path_of("a.json"), json, &err), MAS_OK);
    mkdir(path_of("b.json"), 0777);
    mkdir(path_of("b.json/x"), 0777);
    cr_assert_eq(mas_json_write(path_of("b.json"), json, &err), MAS_E_IO);
    cr_assert_not_null(strstr(err.text, "b.json"));
    cr_assert_eq(mas_json_write(path_of("missing/c.json"), json, &err), MAS_E_IO);
    cr_assert_eq(mas_json_read(path_of("a.json"), &back, &err), MAS_OK);
    cr_assert_eq(files_in(folder), 2);
    json_decref(json);
    json_decref(back);
}

Test(json_file, folders_are_made_with_their_parents)
{
    mas_error err;
    struct stat info;
    cr_assert_eq(mas_make_folders(path_of("a/b/c"), &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_make_folders(path_of("a/b/c"), &err), MAS_OK, "%s", err.text);
    cr_assert(stat(path_of("a/b/c"), &info) == 0 && S_ISDIR(info.st_mode));
    fclose(fopen(path_of("file"), "w"));
    cr_assert_eq(mas_make_folders(path_of("file/d"), &err), MAS_E_IO);
    cr_assert_not_null(strstr(err.text, "in the way"), "%s", err.text);
}

Test(json_file, values_are_found_by_path)
{
    json_t *json = json_pack("{s:{s:{s:f}}, s:s}", "a", "b", "c", 2.5, "t", "x");
    cr_assert_float_eq(mas_json_number_at(json, "a.b.c"), 2.5, 0);
    cr_assert(isnan(mas_json_number_at(json, "a.b.d")));
    cr_assert(isnan(mas_json_number_at(json, "t")));
    cr_assert_str_eq(mas_json_text_at(json, "t"), "x");
    cr_assert_str_eq(mas_json_text_at(json, "a.b"), "");
    json_decref(json);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    fputs(text, file);
    fclose(file);
}

#define RESULT(id) "{\"schema\": 1, \"id\": \"" id "\", \"status\": \"ok\"}"

Test(json_file, results_come_in_the_order_of_the_experiment)
{
    mas_error err;
    mas_result_set *set = NULL;
    put("00000000000000aa.json", RESULT("00000000000000aa"));
    put("00000000000000bb.json", RESULT("00000000000000bb"));
    put("00000000000000cc.json", RESULT("00000000000000cc"));
    put("notes.json", "not a result");
    put("00000000000000dd.json.tmp.1", "half");
    put("experiment.json",
        "{\"points\": [{\"id\": \"00000000000000cc\"}, {\"id\": \"00000000000000aa\"}]}");
    cr_assert_eq(mas_results_load(folder, &set, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(set->count, 3);
    cr_assert_str_eq(mas_json_text_at(set->results[0], "id"), "00000000000000cc");
    cr_assert_str_eq(mas_json_text_at(set->results[1], "id"), "00000000000000aa");
    cr_assert_str_eq(mas_json_text_at(set->results[2], "id"), "00000000000000bb");
    cr_assert_not_null(set->experiment);
    mas_results_free(set);
}

Test(json_file, a_broken_result_is_an_error_with_its_name)
{
    mas_error err;
    mas_result_set *set = NULL;
    put("00000000000000aa.json", "{\"schema\": 1, \"id\": \"00000000");
    cr_assert_eq(mas_results_load(folder, &set, &err), MAS_E_FORMAT);
    cr_assert_not_null(strstr(err.text, "00000000000000aa.json"));
    put("00000000000000aa.json", "");
    cr_assert_eq(mas_results_load(folder, &set, &err), MAS_E_FORMAT);
    put("00000000000000aa.json",
        "{\"schema\": 2, \"id\": \"00000000000000aa\", \"status\": \"ok\"}");
    cr_assert_eq(mas_results_load(folder, &set, &err), MAS_E_FORMAT);
    put("00000000000000aa.json", "[]");
    cr_assert_eq(mas_results_load(folder, &set, &err), MAS_E_FORMAT);
    cr_assert_null(set);
}

Test(json_file, the_machine_record_names_the_machine)
{
    json_t *machine = mas_machine_record(NULL);
    cr_assert_str_neq(mas_json_text_at(machine, "cpu"), "");
    cr_assert_str_neq(mas_json_text_at(machine, "isa"), "");
    cr_assert_str_neq(mas_json_text_at(machine, "compiler"), "");
    cr_assert_str_neq(mas_json_text_at(machine, "git_commit"), "");
    cr_assert_geq(mas_json_number_at(machine, "cores"), 1.0);
    cr_assert_gt(mas_json_number_at(machine, "memory_bytes"), 0.0);
    json_decref(machine);
}

Test(json_file, a_text_cut_inside_a_character_is_kept)
{
    json_t *object = json_object();
    mas_json_set_text(object, "label", "gr\xc3\xbc\xc3");
    mas_json_set_text(object, "none", NULL);
    cr_expect_str_eq(mas_json_text_at(object, "label"), "gr\xc3\xbc");
    cr_expect(json_is_null(json_object_get(object, "none")));
    json_decref(object);
}
