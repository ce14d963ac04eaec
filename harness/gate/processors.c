/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* sched_setaffinity */
#include "harness/gate/processors.h"

#include <sched.h>
#include <stdlib.h>

struct mas_processors {
    cpu_set_t allowed;
};

mas_processors *mas_processors_confine(int turn)
{
    mas_processors *before = malloc(sizeof *before);
    if (!before || sched_getaffinity(0, sizeof before->allowed, &before->allowed) != 0) {
        free(before);
        return NULL;
    }
    int left = turn % CPU_COUNT(&before->allowed), chosen = 0;
    while (!CPU_ISSET(chosen, &before->allowed) || left-- > 0)
        chosen++;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(chosen, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) {
        free(before);
        return NULL;
    }
    return before;
}

void mas_processors_release(mas_processors *before)
{
    if (before)
        (void)sched_setaffinity(0, sizeof before->allowed, &before->allowed);
    free(before);
}
