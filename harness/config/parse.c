/* SPDX-License-Identifier: Apache-2.0 */
/* From text to tree with libyaml: a pass over the tokens for what its documents no longer show (tags, empty items), then
 * its document interface, whose nodes know line and column. */
#include "harness/config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 32
/* Aliases can make a small file an enormous tree. */
#define NODES_MAX 50000
#define COMMAS_MAX 64

typedef struct reading {
    mas_pool *pool;
    mas_problems *problems;
    mas_place where;
    const char *text;
    size_t length;
    yaml_document_t *document;
    size_t nodes;
    bool too_many, too_deep;
    bool *open;                /* [document nodes] on the way from the root to here */
    size_t commas[COMMAS_MAX]; /* where a flow list or map ends right after a comma */
    size_t comma_count;
    bool empty_items; /* reported, and a syntax error to the loader */
} reading;

static mas_place place_at(const reading *r, yaml_mark_t mark)
{
    if (r->where.line == 0)
        return r->where;
    return (mas_place){r->where.source, (int32_t)mark.line + 1, (int32_t)mark.column + 1};
}

/* Bytes of a well-formed UTF-8 character that a text file may hold, or 0. */
static size_t character_bytes(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return (s[0] >= 0x20 && s[0] != 0x7f) || s[0] == '\t' || s[0] == '\n' || s[0] == '\r' ? 1
                                                                                              : 0;
    const size_t count = s[0] >= 0xf5   ? 0
                         : s[0] >= 0xf0 ? 4
                         : s[0] >= 0xe0 ? 3
                         : s[0] >= 0xc2 ? 2
                                        : 0;
    if (count == 0 || count > left)
        return 0;
    for (size_t i = 1; i < count; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    const bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    const bool outside = (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf4 && s[1] >= 0x90);
    return overlong || outside ? 0 : count;
}

static bool check_text(const reading *r)
{
    const unsigned char *s = (const unsigned char *)r->text;
    mas_place place = r->where;
    for (size_t i = 0; i < r->length;) {
        const size_t step = character_bytes(s + i, r->length - i);
        if (step == 0) {
            mas_problem_add(
                r->problems, place, NULL,
                "byte 0x%02x at offset %zu does not belong in a text file; expected UTF-8 text",
                s[i], i);
            return false;
        }
        if (place.line > 0) {
            place.line += s[i] == '\n';
            place.column = s[i] == '\n' ? 1 : place.column + 1;
        }
        i += step;
    }
    return true;
}

static void start_parser(const reading *r, yaml_parser_t *parser)
{
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)r->text, r->length);
}

static void report_depth(const reading *r, mas_place place)
{
    mas_problem_add(r->problems, place, NULL, "nested more than %d deep; expected a flatter file",
                    DEPTH_MAX);
}

static bool opens(yaml_token_type_t type)
{
    return type == YAML_FLOW_SEQUENCE_START_TOKEN || type == YAML_FLOW_MAPPING_START_TOKEN ||
           type == YAML_BLOCK_SEQUENCE_START_TOKEN || type == YAML_BLOCK_MAPPING_START_TOKEN;
}

static bool closes(yaml_token_type_t type)
{
    return type == YAML_FLOW_SEQUENCE_END_TOKEN || type == YAML_FLOW_MAPPING_END_TOKEN ||
           type == YAML_BLOCK_END_TOKEN;
}

/* Tags, empty items, and depth, of which the loader takes the square. Errors of the scanner are left to the loader, which
 * meets them again. */
static bool read_tokens(reading *r)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return false;
    start_parser(r, &parser);
    yaml_token_type_t before = YAML_NO_TOKEN, type = YAML_NO_TOKEN;
    int depth = 0;
    while (type != YAML_STREAM_END_TOKEN && !r->too_deep) {
        yaml_token_t token;
        if (!yaml_parser_scan(&parser, &token))
            break;
        type = token.type;
        if (type == YAML_TAG_TOKEN || type == YAML_TAG_DIRECTIVE_TOKEN)
            mas_problem_add(r->problems, place_at(r, token.start_mark), NULL,
                            "tags (%s) are not used here; expected a plain value; remove the tag",
                            type == YAML_TAG_TOKEN ? "!name" : "%TAG");
        const bool opened =
            before == YAML_FLOW_SEQUENCE_START_TOKEN || before == YAML_FLOW_MAPPING_START_TOKEN;
        if (type == YAML_FLOW_ENTRY_TOKEN && (opened || before == YAML_FLOW_ENTRY_TOKEN)) {
            mas_problem_add(r->problems, place_at(r, token.start_mark), NULL,
                            "an empty item before the comma; expected a value, or no comma");
            r->empty_items = true;
        }
        const bool ends =
            type == YAML_FLOW_SEQUENCE_END_TOKEN || type == YAML_FLOW_MAPPING_END_TOKEN;
        if (ends && before == YAML_FLOW_ENTRY_TOKEN && r->comma_count < COMMAS_MAX)
            r->commas[r->comma_count++] = token.end_mark.index;
        r->too_deep = opens(type) && depth > DEPTH_MAX;
        if (r->too_deep)
            report_depth(r, place_at(r, token.start_mark));
        depth += opens(type) - closes(type);
        before = type;
        yaml_token_delete(&token);
    }
    yaml_parser_delete(&parser);
    return true;
}

static bool is_tab(const reading *r, yaml_mark_t mark)
{
    const char *s = r->text, *const end = s + r->length;
    for (size_t line = 0; line < mark.line && s < end; s++)
        line += *s == '\n';
    for (size_t column = 0; column < mark.column && s < end; s++)
        column += ((unsigned char)*s & 0xc0) != 0x80;
    return s < end && *s == '\t';
}

static void report_syntax(const reading *r, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        r->problems->out_of_memory = true;
        return;
    }
    if (r->empty_items)
        return;
    const mas_place place = place_at(r, parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "unreadable";
    if (r->where.line > 0 && is_tab(r, parser->problem_mark))
        mas_problem_add(r->problems, place, NULL,
                        "not valid YAML: a tab where only spaces may indent; expected spaces");
    else if (parser->context && r->where.line > 0)
        mas_problem_add(r->problems, place, NULL, "not valid YAML: %s (%s that began on line %zu)",
                        problem, parser->context, parser->context_mark.line + 1);
    else
        mas_problem_add(r->problems, place, NULL, "not valid YAML: %s", problem);
}

static void child_path(char *out, const char *path, const char *key, size_t index)
{
    if (key)
        snprintf(out, MAS_PATH_TEXT_MAX, "%s%s%s", path, *path ? "." : "", key);
    else
        snprintf(out, MAS_PATH_TEXT_MAX, "%s[%zu]", path, index);
}

static const mas_node *convert(reading *r, int id, const char *path, int depth);

static void check_empty_item(const reading *r, const yaml_node_t *from, mas_place place,
                             const char *path)
{
    for (size_t i = 0; i < r->comma_count; i++)
        if (r->commas[i] == from->end_mark.index)
            mas_problem_add(r->problems, place, path,
                            "a comma before the closing bracket leaves an empty item; expected a "
                            "value after the "
                            "comma, or no comma");
}

static void convert_list(reading *r, mas_node *node, const yaml_node_t *from, const char *path,
                         int depth)
{
    for (const yaml_node_item_t *item = from->data.sequence.items.start;
         item < from->data.sequence.items.top; item++) {
        char child[MAS_PATH_TEXT_MAX];
        child_path(child, path, NULL, node->count);
        const mas_node *value = convert(r, *item, child, depth);
        if (!value)
            continue;
        if (mas_node_is_empty(value))
            mas_problem_add(r->problems, value->place, child, "empty item; expected a value");
        node->entries[node->count++].value = value;
    }
}

/* The key's text, or NULL after a report. */
static const char *convert_key(reading *r, int id, const char *path, mas_place place)
{
    const yaml_node_t *key = yaml_document_get_node(r->document, id);
    if (key->type != YAML_SCALAR_NODE)
        mas_problem_add(r->problems, place, path, "a list or map cannot be a key; expected a name");
    else if (key->data.scalar.length == 0)
        mas_problem_add(r->problems, place, path, "a key without a name; expected NAME: VALUE");
    else if (strlen((const char *)key->data.scalar.value) != key->data.scalar.length)
        mas_problem_add(r->problems, place, path, "a key with a NUL character; expected a name");
    else if (strcmp((const char *)key->data.scalar.value, "<<") == 0)
        mas_problem_add(r->problems, place, path,
                        "merge keys (<<) are not used here; expected the keys themselves");
    else {
        const char *name = mas_pool_text(r->pool, (const char *)key->data.scalar.value);
        r->problems->out_of_memory |= !name;
        return name;
    }
    return NULL;
}

static void convert_map(reading *r, mas_node *node, const yaml_node_t *from, const char *path,
                        int depth)
{
    for (const yaml_node_pair_t *pair = from->data.mapping.pairs.start;
         pair < from->data.mapping.pairs.top; pair++) {
        const mas_place place =
            place_at(r, yaml_document_get_node(r->document, pair->key)->start_mark);
        const char *key = convert_key(r, pair->key, path, place);
        if (!key)
            continue;
        char child[MAS_PATH_TEXT_MAX];
        child_path(child, path, key, 0);
        const size_t twin = mas_node_index(node, key);
        if (twin < node->count) {
            if (place.line > 0)
                mas_problem_add(
                    r->problems, place, child,
                    "the key stands twice, on lines %d and %d; expected once; remove one of them",
                    node->entries[twin].key_place.line, place.line);
            else
                mas_problem_add(r->problems, place, child, "the key stands twice; expected once");
            continue;
        }
        const mas_node *value = convert(r, pair->value, child, depth);
        if (value)
            node->entries[node->count++] = (mas_entry){key, place, value};
    }
}

static const mas_node *convert(reading *r, int id, const char *path, int depth)
{
    const yaml_node_t *from = yaml_document_get_node(r->document, id);
    const mas_place place = place_at(r, from->start_mark);
    if (r->open[id]) {
        mas_problem_add(r->problems, place, path,
                        "an alias inside what it stands for never ends; expected a value");
        return NULL;
    }
    if (depth > DEPTH_MAX) {
        report_depth(r, place);
        return NULL;
    }
    if (++r->nodes > NODES_MAX) {
        if (!r->too_many)
            mas_problem_add(r->problems, r->where, NULL,
                            "more than %d values once aliases are replaced; expected fewer",
                            NODES_MAX);
        r->too_many = true;
        return NULL;
    }
    const bool is_map = from->type == YAML_MAPPING_NODE;
    const size_t count =
        from->type == YAML_SCALAR_NODE ? 0
        : is_map ? (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start)
                 : (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);
    mas_node *node = mas_pool_take(r->pool, sizeof *node);
    mas_entry *entries = mas_pool_take(r->pool, (count + 1) * sizeof *entries);
    if (!node || !entries) {
        r->problems->out_of_memory = true;
        return NULL;
    }
    node->place = place;
    node->entries = entries;
    if (from->type == YAML_SCALAR_NODE) {
        const char *text = (const char *)from->data.scalar.value;
        node->kind = MAS_NODE_SCALAR;
        node->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        node->text = mas_pool_text(r->pool, text);
        if (strlen(text) != from->data.scalar.length)
            mas_problem_add(r->problems, place, path,
                            "a text with a NUL character; expected text without one");
        r->problems->out_of_memory |= !node->text;
        return node->text ? node : NULL;
    }
    check_empty_item(r, from, place, path);
    r->open[id] = true;
    node->kind = is_map ? MAS_NODE_MAP : MAS_NODE_LIST;
    if (is_map)
        convert_map(r, node, from, path, depth + 1);
    else
        convert_list(r, node, from, path, depth + 1);
    r->open[id] = false;
    return node;
}

static const mas_node *convert_document(reading *r)
{
    const yaml_node_t *root = yaml_document_get_root_node(r->document);
    if (!root) {
        mas_problem_add(r->problems, r->where, NULL,
                        "nothing in it; expected the keys of an experiment, as in "
                        "\"experiment: NAME\"");
        return NULL;
    }
    const size_t nodes = (size_t)(r->document->nodes.top - r->document->nodes.start);
    r->open = calloc(nodes + 1, sizeof *r->open);
    if (!r->open) {
        r->problems->out_of_memory = true;
        return NULL;
    }
    const mas_node *tree = convert(r, (int)(root - r->document->nodes.start) + 1, "", 0);
    free(r->open);
    r->open = NULL;
    return tree;
}

/* One document, and nothing after it. */
static const mas_node *load(reading *r, yaml_parser_t *parser)
{
    yaml_document_t document;
    if (!yaml_parser_load(parser, &document)) {
        report_syntax(r, parser);
        return NULL;
    }
    r->document = &document;
    const mas_node *tree = convert_document(r);
    yaml_document_delete(&document);
    if (!tree)
        return NULL;
    if (!yaml_parser_load(parser, &document)) {
        report_syntax(r, parser);
        return NULL;
    }
    const yaml_node_t *second = yaml_document_get_root_node(&document);
    if (second)
        mas_problem_add(
            r->problems, place_at(r, document.start_mark), NULL,
            "a second document begins; expected one document in a file; remove the line \"---\"");
    yaml_document_delete(&document);
    return tree;
}

const mas_node *mas_tree_parse(mas_pool *pool, const char *text, size_t length, mas_place where,
                               mas_problems *problems)
{
    if (length >= 3 &&
        memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark says nothing in UTF-8 */
        text += 3;
        length -= 3;
    }
    reading r = {
        .pool = pool, .problems = problems, .where = where, .text = text, .length = length};
    yaml_parser_t parser;
    if (!check_text(&r))
        return NULL;
    if (!read_tokens(&r) || !yaml_parser_initialize(&parser)) {
        problems->out_of_memory = true;
        return NULL;
    }
    start_parser(&r, &parser);
    const mas_node *tree = r.too_deep ? NULL : load(&r, &parser);
    yaml_parser_delete(&parser);
    return tree;
}
