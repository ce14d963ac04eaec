/* SPDX-License-Identifier: Apache-2.0 */
/* training.from is a mapping that may be missing as a whole: then there is no base, and it is not
 * written either. */
#include "harness/config/sections.h"

#include <stddef.h>

#define INT(member, low_, high_, required_, help_)                                                 \
    {                                                                                              \
        .key = #member, .type = MAS_FIELD_INT32, .offset = offsetof(mas_base_config, member),      \
        .min = low_, .max = high_, .required = required_, .help = help_                            \
    }
#define LENGTH_MAX (1 << 24)

static const mas_field fields[] = {
    {.key = "tokens",
     .type = MAS_FIELD_INT64,
     .offset = offsetof(mas_base_config, tokens),
     .min = 1,
     .max = 1000000000000,
     .required = 1,
     .help = "budget of the base"},
    INT(seq_len, 1, LENGTH_MAX, 1, "its (final) sequence length, at most training.seq_len"),
    INT(start_len, 0, LENGTH_MAX, 0, "length to begin with, doubling up to seq_len; 0: seq_len"),
    {.key = "grow_until",
     .type = MAS_FIELD_DOUBLE,
     .offset = offsetof(mas_base_config, grow_until),
     .low = 0,
     .high = 1,
     .help = "share of the budget during which it grows"},
    INT(batch_tokens, 1, 1 << 30, 0,
        "tokens of an optimiser step, a multiple of every length used"),
    {.key = "learning_rate",
     .type = MAS_FIELD_FLOAT,
     .offset = offsetof(mas_base_config, learning_rate),
     .low = 0,
     .high = 1000,
     .above = true,
     .help = "peak learning rate; the other settings of AdamW are those of training"},
    {.key = "schedule",
     .type = MAS_FIELD_WORD,
     .offset = offsetof(mas_base_config, schedule),
     .words = mas_schedule_words,
     .help = "learning rate after the warm-up"},
    {.key = "warmup",
     .type = MAS_FIELD_DOUBLE,
     .offset = offsetof(mas_base_config, warmup),
     .low = 0,
     .high = 1,
     .help = "share of the steps with a rising learning rate"},
    {.key = "min_learning_rate",
     .type = MAS_FIELD_FLOAT,
     .offset = offsetof(mas_base_config, min_learning_rate),
     .low = 0,
     .high = 1,
     .help = "at the end of cosine and linear, as a fraction of learning_rate"},
    {.key = "seed",
     .type = MAS_FIELD_INT64,
     .offset = offsetof(mas_base_config, seed),
     .min = 0,
     .max = INT64_MAX,
     .help =
         "of the base's weights and data; 0: the point's seed, so that each seed has a base of its "
         "own"},
};

const mas_section mas_schema_base = {"training.from",
                                     "The base of a conversion: full attention in every layer, the "
                                     "model otherwise, rotary positions on "
                                     "every layer.",
                                     fields,
                                     sizeof fields / sizeof *fields,
                                     NULL,
                                     NULL,
                                     NULL};

static void read_base(mas_problems *problems, const mas_node *node, const char *path, void *value,
                      bool complete)
{
    mas_base_config *out = value;
    *out = mas_base_config_default();
    mas_schema_read(problems, &mas_schema_base, node, path, out, complete);
}

static json_t *write_base(const void *value)
{
    const mas_base_config *base = value;
    return base->tokens > 0 ? mas_schema_json(&mas_schema_base, base) : json_null();
}

static void list_keys(const char **out, size_t room)
{
    size_t count = 0;
    for (; count < mas_schema_base.count && count + 1 < room; count++)
        out[count] = fields[count].key;
    out[count] = NULL;
}

const mas_codec mas_codec_base = {
    .expected = "a mapping {tokens: N, seq_len: N, ...}",
    .read = read_base,
    .write = write_base,
    .list_keys = list_keys,
};
