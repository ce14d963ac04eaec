/* SPDX-License-Identifier: Apache-2.0 */
#include "masbench/status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [MAS_OK] = "ok",
    [MAS_E_ARGUMENT] = "bad_argument",
    [MAS_E_SHAPE] = "bad_shape",
    [MAS_E_DTYPE] = "bad_dtype",
    [MAS_E_UNSUPPORTED] = "unsupported",
    [MAS_E_MEMORY] = "out_of_memory",
    [MAS_E_IO] = "io_error",
    [MAS_E_FORMAT] = "bad_format",
    [MAS_E_NOT_FOUND] = "not_found",
    [MAS_E_DEVICE] = "device_error",
    [MAS_E_DIVERGED] = "diverged",
    [MAS_E_INTERRUPTED] = "interrupted",
    [MAS_E_SCHEDULE] = "schedule_mismatch",
};
static_assert(sizeof names / sizeof *names == MAS_STATUS_COUNT, "one name per status");

const char *mas_status_name(mas_status status)
{
    return (unsigned)status < MAS_STATUS_COUNT ? names[status] : "unknown";
}

mas_status mas_fail(mas_error *err, mas_status status, const char *format, ...)
{
    if (!err)
        return status;
    char text[MAS_ERROR_TEXT_MAX]; /* the arguments may quote err->text */
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        text[0] = '\0';
    else if ((size_t)length >= sizeof text)
        memcpy(text + sizeof text - 4, "...", 4);
    err->status = status;
    strcpy(err->text, text);
    return status;
}
