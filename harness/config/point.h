/* SPDX-License-Identifier: Apache-2.0 */
/** From a read document to a point: rules between keys, the layer plan, the identity. */
#ifndef MASBENCH_CONFIG_POINT_H
#define MASBENCH_CONFIG_POINT_H

#include "harness/config/sections.h"

/** Check what depends on several keys, fill the fields that follow from others, then plan, id, title (the plan's label)
 *  and resolved. Problems are reported at the section they are about, or at the key they name.
 *  @return false when something was reported or memory ran out */
bool mas_point_resolve(mas_problems *problems, const mas_node *root, mas_document *document);

/** The JSON whose hash is the id: everything that changes the result, nothing else. NULL: no memory. */
json_t *mas_point_identity(const mas_document *document);

#endif
