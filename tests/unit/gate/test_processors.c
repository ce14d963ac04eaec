/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/processors.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* The processors that a program started now may use, as the kernel writes them: "0-3". */
static void allowed(char *text, int size)
{
    FILE *said = popen("grep '^Cpus_allowed_list' /proc/self/status", "r");
    cr_assert_not_null(said);
    cr_assert_not_null(fgets(text, size, said));
    pclose(said);
}

Test(processors, confines_what_is_started_to_one_and_lets_go)
{
    char before[256], first[256], next[256], again[256], after[256];
    allowed(before, sizeof before);
    mas_processors *were = mas_processors_confine(0);
    cr_assert_not_null(were);
    allowed(first, sizeof first);
    mas_processors_release(were);
    were = mas_processors_confine(1);
    allowed(next, sizeof next);
    mas_processors_release(were);
    were = mas_processors_confine(0);
    allowed(again, sizeof again);
    mas_processors_release(were);
    allowed(after, sizeof after);
    cr_assert_null(strpbrk(first, "-,"), "more than one: %s", first);
    cr_assert_null(strpbrk(next, "-,"), "more than one: %s", next);
    cr_assert_str_eq(first, again);
    cr_assert_str_eq(before, after);
    if (strpbrk(before, "-,"))
        cr_assert_str_neq(first, next);
}

Test(processors, releasing_nothing_is_fine)
{
    mas_processors_release(NULL);
}
