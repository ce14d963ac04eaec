/* SPDX-License-Identifier: Apache-2.0 */
/* Times attention and training on request: reads one JSON object a line, answers with one. Stays
 * resident, so that a caller can alternate between this program and another.
 *     peer-time THREADS
 *
 *   {"do": "machine"}                                  what and where this program is
 *   {"do": "attention", ...}, {"do": "decoder", ...}   build a problem (peer.h), the last one goes
 *   {"do": "time", "part": P, "repeat": N}             run a part N times: seconds of one run
 *   {"do": "dump", "path": F}                          inputs and outputs to a file; their table
 *
 * An answer with "error" says what was wrong; the program goes on. It ends with its input. */
#include "peer.h"

#include "harness/results/results.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 1024

mas_status peer_dtype(const char *name, mas_dtype *out, mas_error *err)
{
    for (int i = 0; i < MAS_DTYPE_COUNT; i++)
        if (strcmp(name, mas_dtype_name((mas_dtype)i)) == 0) {
            *out = (mas_dtype)i;
            return MAS_OK;
        }
    return mas_fail(err, MAS_E_ARGUMENT, "there is no dtype %s", name);
}

mas_status peer_dump_tensor(FILE *file, json_t *table, const char *name, int dims,
                            const int64_t *shape, mas_dtype dtype, const void *data, mas_error *err)
{
    int64_t count = 1;
    json_t *sizes = json_array();
    for (int i = 0; i < dims; i++) {
        count *= shape[i];
        json_array_append_new(sizes, json_integer(shape[i]));
    }
    json_array_append_new(table, json_pack("{s:s,s:o}", "name", name, "shape", sizes));
    for (int64_t i = 0; i < count; i++) {
        const float value = (float)mas_dtype_load(dtype, data, (ptrdiff_t)i);
        if (fwrite(&value, sizeof value, 1, file) != 1)
            return mas_fail(err, MAS_E_IO, "cannot write %s", name);
    }
    return MAS_OK;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static mas_status time_part(peer_subject *subject, json_t *request, json_t *answer, mas_error *err)
{
    const char *part;
    int repeat;
    double value = 0;
    if (!subject || json_unpack(request, "{s:s,s:i}", "part", &part, "repeat", &repeat) != 0 ||
        repeat < 1)
        return mas_fail(err, MAS_E_ARGUMENT, "time needs a problem, a part and a repeat above 0");
    const double begin = now();
    for (int i = 0; i < repeat; i++) {
        const mas_status status = subject->run(subject, part, &value, err);
        if (status != MAS_OK)
            return status;
    }
    json_object_set_new(answer, "seconds", json_real((now() - begin) / repeat));
    json_object_set_new(answer, "value", json_real(value));
    return MAS_OK;
}

static mas_status dump(peer_subject *subject, json_t *request, json_t *answer, mas_error *err)
{
    const char *path = json_string_value(json_object_get(request, "path"));
    if (!subject || !path)
        return mas_fail(err, MAS_E_ARGUMENT, "dump needs a problem and a path");
    FILE *file = fopen(path, "wb");
    if (!file)
        return mas_fail(err, MAS_E_IO, "cannot create %s", path);
    json_t *table = json_array();
    mas_status status = subject->dump(subject, file, table, err);
    if (fclose(file) != 0 && status == MAS_OK)
        status = mas_fail(err, MAS_E_IO, "cannot write %s", path);
    json_object_set_new(answer, "tensors", table);
    return status;
}

static mas_status serve(mas_device *device, peer_subject **subject, json_t *request, json_t *answer,
                        mas_error *err)
{
    const char *what = json_string_value(json_object_get(request, "do"));
    if (!what)
        return mas_fail(err, MAS_E_ARGUMENT, "a request is one JSON object with the key do");
    if (strcmp(what, "machine") == 0) {
        json_object_set_new(answer, "machine", mas_machine_record(device));
        return MAS_OK;
    }
    if (strcmp(what, "time") == 0)
        return time_part(*subject, request, answer, err);
    if (strcmp(what, "dump") == 0)
        return dump(*subject, request, answer, err);
    const bool attention = strcmp(what, "attention") == 0;
    if (!attention && strcmp(what, "decoder") != 0)
        return mas_fail(err, MAS_E_ARGUMENT, "there is nothing called %s to do", what);
    if (*subject)
        (*subject)->close(*subject);
    *subject = NULL;
    return attention ? peer_attention_open(device, request, answer, subject, err)
                     : peer_decoder_open(device, request, answer, subject, err);
}

int main(int argc, char **argv)
{
    const int threads = argc == 2 ? atoi(argv[1]) : 0;
    if (threads < 1 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: peer-time THREADS\n");
        return 2;
    }
    mas_error err = {MAS_OK, ""};
    mas_device *device = NULL;
    if (mas_device_open_cpu(threads, 0, &device, &err) != MAS_OK) {
        fprintf(stderr, "peer-time: %s\n", err.text);
        return 1;
    }
    peer_subject *subject = NULL;
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        json_t *request = json_loads(line, 0, NULL), *answer = json_object();
        if (serve(device, &subject, request, answer, &err) != MAS_OK)
            json_object_set_new(answer, "error", json_string(err.text));
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(answer);
        json_decref(request);
    }
    if (subject)
        subject->close(subject);
    mas_device_close(device);
    return 0;
}
