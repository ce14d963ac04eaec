/* SPDX-License-Identifier: Apache-2.0 */
/** Recorded points again: from results back to an experiment that computes the same points. */
#ifndef MASBENCH_RUN_REPEAT_H
#define MASBENCH_RUN_REPEAT_H

#include "harness/config/experiment.h"

/** Make `folder` and write an experiment file there whose cells are the points of `records`, in
 *  order, exactly as they were resolved. All must be of one kind and have all sections in common.
 *  @param[out] path  of the file, malloc'ed
 *  @return MAS_OK, MAS_E_FORMAT (a record without a point), MAS_E_IO, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_repeat_write(const json_t *const *records, size_t count,
                                         const char *folder, char **path, mas_error *err);

/** The same, and load it. The points' ids are then those of the records: MAS_E_FORMAT where this
 *  program refuses a point or computes another id from it, as from one that was edited.
 *  @param[out] experiment  free with mas_experiment_free; has the name that the first record gives */
MAS_MUST_USE mas_status mas_repeat_load(const json_t *const *records, size_t count,
                                        const char *folder, mas_experiment **experiment,
                                        mas_error *err);

/** `count` different numbers below `bound` (at most `bound` of them), all choices equally likely. */
void mas_repeat_draw(uint64_t seed, size_t bound, size_t *out, size_t count);

#endif
