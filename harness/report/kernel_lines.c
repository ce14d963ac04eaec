/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a line of the kernel charts: the plan's label and whatever else is not the same at one place of a panel. What
 * goes with the length, as a batch of equally many tokens does, or a kernel that is chosen by it, changes along a line. */
#include "harness/report/kernel.h"
#include "harness/results/json_build.h"

#include <stdlib.h>
#include <string.h>

#define KERNEL "kernel" /* what ran, unlike point.kernel.name, which may be a pattern */

/* "flash/avx512" of "attn_forward/flash/avx512"; of several kinds of layers "flash/avx512 + naive/reference" where they
 * differ. Operations have panels of their own. */
static void name_kernels(const json_t *result, char *text, size_t size)
{
    size_t i;
    const json_t *layer;
    const char *before = "";
    text[0] = '\0';
    json_array_foreach(json_object_get(result, "layer"), i, layer)
    {
        const char *name = mas_json_text_at(layer, "kernel"), *slash = strchr(name, '/');
        const size_t used = strlen(text);
        name = slash ? slash + 1 : name;
        if (strcmp(name, before) != 0)
            snprintf(text + used, size - used, "%s%s", used ? " + " : "", name);
        before = name;
    }
}

static bool is_known(const mas_kernel_axes *axes, const char *path)
{
    for (size_t i = 0; i < axes->count; i++)
        if (strcmp(axes->path[i], path) == 0)
            return true;
    return false;
}

static void add_axis(mas_kernel_axes *axes, const char *path)
{
    if (axes->count < MAS_KERNEL_AXES_MAX && !is_known(axes, path))
        snprintf(axes->path[axes->count++], sizeof axes->path[0], "%s", path);
}

static void add_differences(mas_kernel_axes *axes, const json_t *a, const json_t *b,
                            const char *path)
{
    const char *key;
    const json_t *value;
    if (!json_is_object(a) || !json_is_object(b)) {
        if (!json_equal(a, b) && strcmp(path, "point.kernel.name") != 0)
            add_axis(axes, path);
        return;
    }
    /* what b alone has is found with a and b exchanged */
    json_object_foreach((json_t *)a, key, value)
    {
        char below[sizeof axes->path[0]];
        snprintf(below, sizeof below, "%s.%s", path, key);
        add_differences(axes, value, json_object_get(b, key), below);
    }
}

void mas_kernel_axes_add(mas_kernel_axes *axes, const json_t *a, const json_t *b)
{
    const json_t *p = json_object_get(a, "point"), *q = json_object_get(b, "point");
    char one[MAS_TITLE_MAX], other[MAS_TITLE_MAX];
    if (strcmp(mas_json_text_at(a, "plan.label"), mas_json_text_at(b, "plan.label")) != 0)
        return;
    name_kernels(a, one, sizeof one);
    name_kernels(b, other, sizeof other);
    if (strcmp(one, other) != 0)
        add_axis(axes, KERNEL);
    add_differences(axes, p, q, "point");
    add_differences(axes, q, p, "point");
}

void mas_kernel_line_name(const mas_kernel_axes *axes, const json_t *result, char *text,
                          size_t size)
{
    snprintf(text, size, "%s", mas_json_text_at(result, "plan.label"));
    for (size_t i = 0; i < axes->count; i++) {
        const char *path = axes->path[i];
        const size_t used = strlen(text);
        if (strcmp(path, KERNEL) == 0) {
            char kernels[MAS_TITLE_MAX];
            name_kernels(result, kernels, sizeof kernels);
            snprintf(text + used, size - used, ", %s", kernels);
            continue;
        }
        const json_t *value = mas_json_value_at(result, path);
        char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        const char *shown = json_is_string(value) ? json_string_value(value)
                            : dumped              ? dumped
                                                  : "none";
        snprintf(text + used, size - used, ", %s %s", strrchr(path, '.') + 1, shown);
        free(dumped);
    }
}
