/* SPDX-License-Identifier: Apache-2.0 */
/* Where a result was made: what a reader needs to judge a time, and to tell two machines apart. */
#include "harness/results/json_build.h"
#include "harness/results/results.h"
#include "masbench_build.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void read_line(const char *path, char *text, size_t size)
{
    text[0] = '\0';
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    if (fgets(text, (int)size, file))
        text[strcspn(text, "\n")] = '\0';
    fclose(file);
}

static void operating_system_name(char *text, size_t size)
{
    snprintf(text, size, "unknown");
    FILE *file = fopen("/etc/os-release", "r");
    if (!file)
        return;
    char line[256];
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "PRETTY_NAME=", 12) != 0)
            continue;
        char *value = line + 12;
        value += *value == '"';
        value[strcspn(value, "\"\n")] = '\0';
        snprintf(text, size, "%s", value);
        break;
    }
    fclose(file);
}

json_t *mas_machine_record(const mas_device *device)
{
    json_t *machine = json_object();
    if (!machine)
        return NULL;
    mas_json_set_text(machine, "cpu", mas_cpu_model());
    mas_json_set_text(machine, "isa", mas_isa_name(mas_cpu_isa()));
    mas_json_set_int(machine, "cores", sysconf(_SC_NPROCESSORS_ONLN));
    mas_json_set_int(machine, "memory_bytes",
                     (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
    const long cache = sysconf(_SC_LEVEL2_CACHE_SIZE); /* of a core */
    const bool known = cache > 0 && device && !device->driver;
    mas_json_set(machine, "cache_bytes",
                 known ? json_integer((json_int_t)cache * device->threads) : json_null());
    char text[256];
    read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text, sizeof text);
    mas_json_set_text(machine, "governor", text[0] ? text : NULL);
    operating_system_name(text, sizeof text);
    mas_json_set_text(machine, "os", text);
    struct utsname name;
    mas_json_set_text(machine, "kernel", uname(&name) >= 0 ? name.release : NULL);
    mas_json_set_text(machine, "gpu", device && device->driver ? device->hardware : NULL);
    mas_json_set_text(machine, "gpu_driver", device ? device->driver : NULL);
    mas_json_set_text(machine, "device", device ? device->name : NULL);
    mas_json_set_text(machine, "matmul_library", device ? device->matmul_library : NULL);
    mas_json_set_int(machine, "threads", device ? device->threads : 0);
    mas_json_set_text(machine, "compiler", MAS_COMPILER);
    mas_json_set_text(machine, "flags", MAS_BUILD_FLAGS);
    mas_json_set_text(machine, "version", MAS_VERSION);
    mas_json_set_text(machine, "git_commit", MAS_GIT_COMMIT);
    mas_json_set_bool(machine, "git_dirty", MAS_GIT_DIRTY);
    return machine;
}

void mas_machine_text(const json_t *machine, char *out, size_t size)
{
    if (strcmp(mas_json_text_at(machine, "device"), "cuda") == 0)
        snprintf(out, size, "%s", mas_json_text_at(machine, "gpu"));
    else {
        const double threads = mas_json_number_at(machine, "threads");
        snprintf(out, size, "%s, %s, %.0f thread%s", mas_json_text_at(machine, "cpu"),
                 mas_json_text_at(machine, "isa"), threads, threads > 1 ? "s" : "");
    }
}
