/* SPDX-License-Identifier: Apache-2.0 */
/* A tokenizer is a word, bytes, or a mapping {type: bpe, vocab: N}. */
#include "harness/config/sections.h"

#include <stddef.h>
#include <string.h>

#define EXPECTED "bytes, or {type: bpe, vocab: N}"

static const char *const kinds[] = {[MAS_TOKENIZER_BYTES] = "bytes",
                                    [MAS_TOKENIZER_BPE] = "bpe",
                                    [MAS_TOKENIZER_KIND_COUNT] = NULL};
static const char *const keys[] = {"type", "vocab", NULL};

static const mas_field type_field = {.key = "type",
                                     .type = MAS_FIELD_WORD,
                                     .offset = offsetof(mas_tokenizer_config, kind),
                                     .words = kinds};
static const mas_field vocab_field = {.key = "vocab",
                                      .type = MAS_FIELD_INT32,
                                      .offset = offsetof(mas_tokenizer_config, vocab),
                                      .min = MAS_TOKENIZER_VOCAB_MIN,
                                      .max = MAS_TOKENIZER_VOCAB_MAX};

static void read_mapping(mas_problems *problems, const mas_node *node, const char *path,
                         mas_tokenizer_config *out, bool complete)
{
    char child[MAS_PATH_TEXT_MAX];
    const mas_node *type = mas_node_get(node, "type"), *vocab = mas_node_get(node, "vocab");
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->entries[i].key, "type") != 0 && strcmp(node->entries[i].key, "vocab") != 0)
            mas_problem_unknown_key(problems, node->entries[i].key_place, path,
                                    node->entries[i].key, keys);
    mas_path_join(child, path, "type");
    if (type)
        mas_field_read(problems, &type_field, type, child, out, true);
    else if (complete)
        mas_problem_add(problems, node->place, child, "missing; expected one of: bytes, bpe");
    mas_path_join(child, path, "vocab");
    if (vocab && type && out->kind == MAS_TOKENIZER_BYTES)
        mas_problem_add(problems, vocab->place, child,
                        "has no meaning with type: bytes; expected only with type: bpe");
    else if (vocab)
        mas_field_read(problems, &vocab_field, vocab, child, out, true);
    else if (complete && out->kind == MAS_TOKENIZER_BPE)
        mas_problem_add(problems, node->place, child,
                        "missing; expected a whole number %d .. %d (all ids)",
                        MAS_TOKENIZER_VOCAB_MIN, MAS_TOKENIZER_VOCAB_MAX);
}

static void read_tokenizer(mas_problems *problems, const mas_node *node, const char *path,
                           void *value, bool complete)
{
    mas_tokenizer_config *out = value;
    *out = (mas_tokenizer_config){.kind = MAS_TOKENIZER_BYTES};
    if (node->kind == MAS_NODE_MAP)
        read_mapping(problems, node, path, out, complete);
    else if (node->kind != MAS_NODE_SCALAR || mas_node_is_empty(node))
        mas_problem_add(problems, node->place, path, "no tokenizer; expected " EXPECTED);
    else if (strcmp(node->text, "bpe") == 0)
        mas_problem_add(problems, node->place, path,
                        "bpe needs a vocabulary; expected {type: bpe, vocab: N}");
    else
        mas_field_read(problems, &type_field, node, path, out, true);
}

static json_t *write_tokenizer(const void *value)
{
    const mas_tokenizer_config *t = value;
    return t->kind == MAS_TOKENIZER_BYTES
               ? json_string(kinds[t->kind])
               : json_pack("{s:s, s:i}", "type", kinds[t->kind], "vocab", (int)t->vocab);
}

static void list_keys(const char **out, size_t room)
{
    size_t count = 0;
    for (; keys[count] && count + 1 < room; count++)
        out[count] = keys[count];
    out[count] = NULL;
}

static bool keeps(const char *key)
{
    (void)key;
    return false;
}

const mas_codec mas_codec_tokenizer = {
    .expected = EXPECTED,
    .read = read_tokenizer,
    .write = write_tokenizer,
    .list_keys = list_keys,
    .selector = "type",
    .keeps = keeps,
};
