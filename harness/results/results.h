/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Result files. One JSON file per point, results/<experiment>/<id>.json, written to a temporary
 * file, synced and renamed, so that a reader never sees half a result and a killed sweep resumes by
 * running what is missing.
 *
 * A result holds: schema, id, title, status, error, experiment, point (as resolved), plan (letters,
 * per layer: variant, label, kernels, pairs, useful and executed FLOPs, visited and scheduled
 * tiles), cost (attention and whole model, absolute and relative to full), memory (bytes by
 * category), quality (loss, perplexity, bits per byte, by position, by evidence distance), curve,
 * time, corpus, machine. README.md in results/ describes every field.
 */
#ifndef MASBENCH_RESULTS_H
#define MASBENCH_RESULTS_H

#include "harness/config/experiment.h"

#define MAS_RESULT_SCHEMA 1

/** Write JSON to path by mas_file_replace. Keys keep their order.
 *  @return MAS_OK, MAS_E_IO, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_json_write(const char *path, const json_t *json, mas_error *err);
/** Read JSON; errors name file, line and column. A borrowed note: reals and integers both satisfy
 * json_number_value. */
MAS_MUST_USE mas_status mas_json_read(const char *path, json_t **out, mas_error *err);
/** "folder/name" with `end` after it; malloc'ed, NULL without memory. */
char *mas_file_path(const char *folder, const char *name, const char *end);
/** Make a folder and its parents. */
MAS_MUST_USE mas_status mas_make_folders(const char *path, mas_error *err);

/** CPU, ISA level, cores, memory, operating system, compiler, flags, version, git commit and dirty
 * flag of the build, matmul library, threads, device. */
json_t *mas_machine_record(const mas_device *device);

/** Is this a result that this program can read? Otherwise MAS_E_FORMAT naming `where`. */
MAS_MUST_USE mas_status mas_result_check(const json_t *result, const char *where, mas_error *err);

/** All results of one experiment folder, sorted by the experiment's own order of points where
 * experiment.json is there. Unreadable or truncated files are an error naming the file; files of
 * other kinds are ignored. */
typedef struct mas_result_set {
    char *folder;
    json_t *experiment; /* experiment.json, or NULL */
    size_t count;
    json_t **results;
} mas_result_set;
MAS_MUST_USE mas_status mas_results_load(const char *folder, mas_result_set **out, mas_error *err);
/** Results of any experiments in one file, such as a baseline that is committed: {"schema", "results": [...]}.
 *  @return MAS_OK; MAS_E_FORMAT, MAS_E_IO, MAS_E_NOT_FOUND naming the file */
MAS_MUST_USE mas_status mas_results_load_pack(const char *path, mas_result_set **out,
                                              mas_error *err);
/** Either of both, by what is there. */
MAS_MUST_USE mas_status mas_results_load_any(const char *path, mas_result_set **out,
                                             mas_error *err);
/** Write a pack, atomically, in the order of the sets. Equal records of a point are one.
 *  @param[out] written  results in it; 0 on error
 *  @return MAS_OK; MAS_E_ARGUMENT naming a point of which the sets hold two different records; MAS_E_IO, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_results_write_pack(const char *path, mas_result_set *const *sets,
                                               size_t count, size_t *written, mas_error *err);
void mas_results_free(mas_result_set *set);

/** What computed, of a result's `machine` (NULL: nothing is known), for a caption: the GPU on cuda, else the
 * processor, its level and threads. Cut at `size`. */
void mas_machine_text(const json_t *machine, char *out, size_t size);

#endif
