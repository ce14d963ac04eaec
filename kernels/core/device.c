/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of device that a build knows. */
#include "masbench/device.h"

#include <string.h>

const mas_device_kind *const mas_device_kinds[] = {&mas_device_cpu, &mas_device_cuda, NULL};

const mas_device_kind *mas_device_find(const char *name)
{
    for (size_t i = 0; mas_device_kinds[i]; i++)
        if (strcmp(mas_device_kinds[i]->name, name) == 0)
            return mas_device_kinds[i];
    return NULL;
}

mas_status mas_device_usable(const mas_device_kind *kind, mas_error *err)
{
    mas_device *device = NULL;
    const mas_status status = kind->open(1, 0, &device, err);
    mas_device_close(device);
    return status;
}

void mas_device_close(mas_device *device)
{
    if (device)
        device->ops->close(device);
}
