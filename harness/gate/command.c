/* SPDX-License-Identifier: Apache-2.0 */
/* How a program under comparison is started. */
#include "harness/gate/direct.h"

#include <stdlib.h>

const char **mas_direct_command(const mas_direct *d, int side, const char *const *before,
                                const char *const *after)
{
    static const char *const none[] = {NULL};
    const char *const own[] = {d->programs[side], "serve", d->file, NULL};
    const char *const *parts[] = {before ? before : none, own, d->arguments, after ? after : none};
    size_t count = 1, at = 0;
    for (size_t p = 0; p < 4; p++)
        for (const char *const *word = parts[p]; *word; word++)
            count++;
    const char **command = malloc(count * sizeof *command);
    for (size_t p = 0; command && p < 4; p++)
        for (const char *const *word = parts[p]; *word; word++)
            command[at++] = *word;
    if (command)
        command[at] = NULL;
    return command;
}
