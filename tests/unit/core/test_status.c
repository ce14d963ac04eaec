/* SPDX-License-Identifier: Apache-2.0 */
#include "masbench/status.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(status, .timeout = 10);

Test(status, names)
{
    for (int s = 0; s < MAS_STATUS_COUNT; s++) {
        cr_assert_neq(strcmp(mas_status_name((mas_status)s), "unknown"), 0, "status %d", s);
        for (int other = 0; other < s; other++)
            cr_assert_str_neq(mas_status_name((mas_status)s), mas_status_name((mas_status)other));
    }
    cr_assert_str_eq(mas_status_name(MAS_OK), "ok");
    cr_assert_str_eq(mas_status_name(MAS_E_MEMORY), "out_of_memory");
    cr_assert_str_eq(mas_status_name(MAS_STATUS_COUNT), "unknown");
    cr_assert_str_eq(mas_status_name((mas_status)-1), "unknown");
}

Test(status, fail)
{
    mas_error err = {MAS_OK, "earlier"};
    cr_assert_eq(mas_fail(&err, MAS_E_SHAPE, "%d heads on %d", 7, 2), MAS_E_SHAPE);
    cr_assert_eq(err.status, MAS_E_SHAPE);
    cr_assert_str_eq(err.text, "7 heads on 2");
    cr_assert_eq(mas_fail(NULL, MAS_E_IO, "nobody listens"), MAS_E_IO);
}

/* Callers put what a deeper layer said into their own sentence. */
Test(status, fail_may_quote_the_earlier_text)
{
    mas_error err;
    mas_fail(&err, MAS_E_IO, "disk full");
    cr_assert_eq(mas_fail(&err, MAS_E_IO, "layer %d: %s", 3, err.text), MAS_E_IO);
    cr_assert_str_eq(err.text, "layer 3: disk full");
}

Test(status, long_text_is_cut)
{
    char text[3000];
    mas_error err;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    mas_fail(&err, MAS_E_FORMAT, "%s", text);
    cr_assert_eq(strlen(err.text), MAS_ERROR_TEXT_MAX - 1);
    cr_assert_str_eq(err.text + MAS_ERROR_TEXT_MAX - 5, "x...");
    text[MAS_ERROR_TEXT_MAX - 1] = '\0';
    mas_fail(&err, MAS_E_FORMAT, "%s", text); /* fits exactly */
    cr_assert_str_eq(err.text, text);
}
