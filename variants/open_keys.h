/* SPDX-License-Identifier: Apache-2.0 */
/** Keys of a sequence that are still open, while closed ones are passed over in one step. Private to variants/. */
#ifndef MASBENCH_OPEN_KEYS_H
#define MASBENCH_OPEN_KEYS_H

#include <stdint.h>

/** The first open key at or after `key`.
 *  @param link  [length + 1] of an open key and of the end: itself; of a closed one: a later key. Shortened on the way */
static inline int64_t mas_open_from(int64_t *link, int64_t key)
{
    while (link[key] != key) {
        link[key] = link[link[key]];
        key = link[key];
    }
    return key;
}

#endif
