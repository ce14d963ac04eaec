/* SPDX-License-Identifier: Apache-2.0 */
/* A model as a safetensors file: its tensors under their names; the optimiser's moments, when kept,
 * under the same names after "moment1." and "moment2.". A file with moments can also be loaded for
 * its weights alone. */
#include "harness/lm/internal.h"
#include "harness/lm/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const prefixes[] = {"", "moment1.", "moment2."};
#define GROUPS (sizeof prefixes / sizeof *prefixes)

static float *group_buffer(const mas_model *m, size_t group)
{
    return group == 0 ? m->weights : group == 1 ? m->moment1 : m->moment2;
}

static int64_t largest_tensor(const mas_model *m)
{
    int64_t largest = 1;
    for (int32_t i = 0; i < m->parameter_count; i++)
        if (m->parameters[i].count > largest)
            largest = m->parameters[i].count;
    return largest;
}

typedef struct source {
    const mas_model *model;
    float *host;
} source;

/* A download that failed shows when the device is waited for. */
static mas_status next_tensor(void *user, size_t index, const void **bytes, mas_error *err)
{
    const source *s = user;
    const mas_model *m = s->model;
    const mas_parameter *p = &m->parameters[index % (size_t)m->parameter_count];
    const float *from = group_buffer(m, index / (size_t)m->parameter_count) + p->offset;
    m->device->ops->download(m->device, s->host, from, (size_t)p->count * sizeof(float));
    *bytes = s->host;
    return m->device->ops->synchronize(m->device, err);
}

static mas_status check_moments(const mas_model *m, bool with_moments, const char *path,
                                mas_error *err)
{
    if (with_moments && m->use == MAS_MODEL_EVALUATES)
        return mas_fail(err, MAS_E_ARGUMENT,
                        "%s: optimiser moments were asked of a model that was created without "
                        "training",
                        path);
    return MAS_OK;
}

mas_status mas_model_save(mas_model *model, const char *path, bool with_moments, const char *extra,
                          mas_error *err)
{
    mas_status status = check_moments(model, with_moments, path, err);
    if (status != MAS_OK)
        return status;
    const size_t parameters = (size_t)model->parameter_count,
                 count = with_moments ? GROUPS * parameters : parameters;
    source from = {model, malloc((size_t)largest_tensor(model) * sizeof(float))};
    mas_st_tensor *tensors = calloc(count, sizeof *tensors);
    if (!from.host || !tensors) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory to write %s", path);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        const mas_parameter *p = &model->parameters[i % parameters];
        snprintf(tensors[i].name, sizeof tensors[i].name, "%s%s", prefixes[i / parameters],
                 p->name);
        tensors[i].dims = p->dims;
        memcpy(tensors[i].shape, p->shape, sizeof p->shape);
        tensors[i].bytes = p->count * (int64_t)sizeof(float);
    }
    status = mas_st_write(path, tensors, count, extra, next_tensor, &from, err);
done:
    free(tensors);
    free(from.host);
    return status;
}

static void shape_text(int32_t dims, const int64_t *shape, char *text, size_t size)
{
    if (dims == 1)
        snprintf(text, size, "[%lld]", (long long)shape[0]);
    else
        snprintf(text, size, "[%lld, %lld]", (long long)shape[0], (long long)shape[1]);
}

/* Which tensor of the model a file's tensor is: group * parameter_count + parameter, or -1. */
static int64_t place_of(const mas_model *m, const char *name)
{
    size_t group = 0;
    for (size_t g = 1; g < GROUPS; g++)
        if (strncmp(name, prefixes[g], strlen(prefixes[g])) == 0)
            group = g;
    name += strlen(prefixes[group]);
    for (int32_t i = 0; i < m->parameter_count; i++)
        if (strcmp(m->parameters[i].name, name) == 0)
            return (int64_t)group * m->parameter_count + i;
    return -1;
}

/* Every tensor of the file known and of the right shape, every tensor of the model there: checked
 * before the first weight changes.
 *  @param[out] places  [file->count] */
static mas_status match(const mas_model *m, const char *path, const mas_st_file *file,
                        bool with_moments, int64_t *places, bool *seen, mas_error *err)
{
    for (size_t i = 0; i < file->count; i++) {
        const mas_st_tensor *t = &file->tensors[i];
        places[i] = place_of(m, t->name);
        if (places[i] < 0)
            return mas_fail(err, MAS_E_FORMAT,
                            "%s: unknown tensor %s; this model has none of that name", path,
                            t->name);
        const mas_parameter *p = &m->parameters[places[i] % m->parameter_count];
        if (t->dims != p->dims || t->shape[0] != p->shape[0] || t->shape[1] != p->shape[1]) {
            char have[64], want[64];
            shape_text(t->dims, t->shape, have, sizeof have);
            shape_text(p->dims, p->shape, want, sizeof want);
            return mas_fail(err, MAS_E_FORMAT, "%s: tensor %s has shape %s; this model needs %s",
                            path, t->name, have, want);
        }
        seen[places[i]] = true;
    }
    const int64_t needed = (with_moments ? (int64_t)GROUPS : 1) * m->parameter_count;
    for (int64_t i = 0; i < needed; i++)
        if (!seen[i])
            return mas_fail(err, MAS_E_FORMAT, "%s: tensor %s%s is missing", path,
                            prefixes[i / m->parameter_count],
                            m->parameters[i % m->parameter_count].name);
    return MAS_OK;
}

mas_status mas_model_load(mas_model *model, const char *path, bool with_moments, char **extra,
                          mas_error *err)
{
    mas_st_file file;
    mas_status status = check_moments(model, with_moments, path, err);
    if (status == MAS_OK)
        status = mas_st_open(path, &file, err);
    if (status != MAS_OK)
        return status;
    float *host = malloc((size_t)largest_tensor(model) * sizeof *host);
    int64_t *places = malloc((file.count + 1) * sizeof *places);
    bool *seen = calloc(GROUPS * (size_t)model->parameter_count, sizeof *seen);
    if (!host || !places || !seen) {
        status = mas_fail(err, MAS_E_MEMORY, "no memory to read %s", path);
        goto done;
    }
    status = match(model, path, &file, with_moments, places, seen, err);
    for (size_t i = 0; status == MAS_OK && i < file.count; i++) {
        const int64_t group = places[i] / model->parameter_count;
        if (group > 0 && !with_moments)
            continue;
        status = mas_st_read(&file, path, &file.tensors[i], host, err);
        if (status == MAS_OK)
            model->device->ops->upload(
                model->device,
                group_buffer(model, (size_t)group) +
                    model->parameters[places[i] % model->parameter_count].offset,
                host, (size_t)file.tensors[i].bytes);
    }
    mas_model_weights_changed(model, false);
    if (status == MAS_OK && extra) {
        *extra = file.metadata;
        file.metadata = NULL;
    }
done:
    free(seen);
    free(places);
    free(host);
    mas_st_close(&file);
    return status;
}
