/* SPDX-License-Identifier: Apache-2.0 */
/** Specs for tests, written as experiment files would spell them. */
#ifndef MASBENCH_TESTS_SPECS_H
#define MASBENCH_TESTS_SPECS_H

#include "variants/plan.h"
#include "variants/variant.h"

/** A checked spec from "sliding_window window=8 sinks=2" or "block_sparse block=4 layout=file
 *  layout_file=PATH causal=0"; a text that does not make one fails the test. */
mas_attn_spec spec_of(const char *text);
/** The same without asserting or checking ranges: what an experiment file says, rightly or not. */
mas_attn_spec spec_unchecked(const char *text);

/** A few of every variant, NULL-terminated, whose reach is short enough to be told apart in 67 tokens. */
extern const char *const short_specs[];
/** A plan with a layer a letter: F full, S `spec`. */
mas_plan plan_of_letters(const char *spec, const char *letters);

/** Write a file in a new temporary folder and return its path, valid until the process ends. */
const char *write_file(const char *name, const char *content);
/** Remove it and its folder. */
void remove_file(const char *path);

#endif
