/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and handling of nodes; reading them from YAML is in parse.c. */
#include "harness/config/tree.h"
#include "harness/config/number.h"
#include "variants/text.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 16384

typedef struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
} chunk;

struct mas_pool {
    chunk *chunks;
};

mas_pool *mas_pool_create(void)
{
    return calloc(1, sizeof(mas_pool));
}

void mas_pool_free(mas_pool *pool)
{
    if (!pool)
        return;
    while (pool->chunks) {
        chunk *next = pool->chunks->next;
        free(pool->chunks);
        pool->chunks = next;
    }
    free(pool);
}

void *mas_pool_take(mas_pool *pool, size_t bytes)
{
    const size_t align = alignof(max_align_t);
    if (bytes > SIZE_MAX / 4)
        return NULL;
    bytes = (bytes + align - 1) / align * align;
    chunk *top = pool->chunks;
    if (!top || top->size - top->used < bytes) {
        const size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        top = calloc(1, sizeof *top + size);
        if (!top)
            return NULL;
        top->size = size;
        top->next = pool->chunks;
        pool->chunks = top;
    }
    void *memory = top->bytes + top->used;
    top->used += bytes;
    return memory;
}

char *mas_pool_text(mas_pool *pool, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = mas_pool_take(pool, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

size_t mas_node_index(const mas_node *map, const char *key)
{
    size_t i = 0;
    while (i < map->count && strcmp(map->entries[i].key, key) != 0)
        i++;
    return i;
}

const mas_node *mas_node_get(const mas_node *map, const char *key)
{
    if (!map || map->kind != MAS_NODE_MAP)
        return NULL;
    const size_t i = mas_node_index(map, key);
    return i < map->count ? map->entries[i].value : NULL;
}

const mas_node *mas_node_at(const mas_node *node, const char *path)
{
    while (node && *path) {
        char key[MAS_PATH_TEXT_MAX];
        const size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)(length < sizeof key ? length : 0), path);
        node = mas_node_get(node, key);
        path += length + (path[length] == '.');
    }
    return node;
}

bool mas_node_is_empty(const mas_node *node)
{
    static const char *const empty[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != MAS_NODE_SCALAR || node->quoted)
        return false;
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        if (strcmp(node->text, empty[i]) == 0)
            return true;
    return false;
}

static void append_node(const mas_node *node, char *text, size_t size)
{
    if (node->kind == MAS_NODE_SCALAR) {
        mas_text_append(text, size, "%s", node->text);
        return;
    }
    const bool map = node->kind == MAS_NODE_MAP;
    mas_text_append(text, size, "%s", map ? "{" : "[");
    for (size_t i = 0; i < node->count && strlen(text) + 1 < size; i++) {
        if (i > 0)
            mas_text_append(text, size, ", ");
        if (map)
            mas_text_append(text, size, "%s: ", node->entries[i].key);
        append_node(node->entries[i].value, text, size);
    }
    mas_text_append(text, size, "%s", map ? "}" : "]");
}

void mas_node_text(const mas_node *node, char *text, size_t size)
{
    *text = '\0';
    append_node(node, text, size);
}

static json_t *scalar_json(const mas_node *node)
{
    int64_t whole;
    double real;
    if (node->quoted)
        return json_string(node->text);
    if (mas_number_int(node->text, &whole) == MAS_NUMBER_OK)
        return json_integer(whole);
    if (mas_number_real(node->text, &real) == MAS_NUMBER_OK)
        return json_real(real);
    if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
        return json_boolean(node->text[0] == 't');
    return mas_node_is_empty(node) ? json_null() : json_string(node->text);
}

json_t *mas_node_json(const mas_node *node)
{
    if (node->kind == MAS_NODE_SCALAR)
        return scalar_json(node);
    json_t *json = node->kind == MAS_NODE_MAP ? json_object() : json_array();
    for (size_t i = 0; json && i < node->count; i++) {
        json_t *value = mas_node_json(node->entries[i].value);
        const int failed = node->kind == MAS_NODE_MAP
                               ? json_object_set_new(json, node->entries[i].key, value)
                               : json_array_append_new(json, value);
        if (failed) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

mas_node *mas_node_scalar(mas_pool *pool, mas_place place, const char *text)
{
    mas_node *node = mas_pool_take(pool, sizeof *node);
    char *copy = mas_pool_text(pool, text);
    if (!node || !copy)
        return NULL;
    *node = (mas_node){.kind = MAS_NODE_SCALAR, .place = place, .text = copy};
    return node;
}

mas_node *mas_node_wrap(mas_pool *pool, const char *key, mas_place key_place, const mas_node *value)
{
    mas_node *node = mas_pool_take(pool, sizeof *node);
    mas_entry *entry = mas_pool_take(pool, sizeof *entry);
    if (!node || !entry)
        return NULL;
    *entry = (mas_entry){key, key_place, value};
    *node = (mas_node){.kind = MAS_NODE_MAP, .place = value->place, .count = 1, .entries = entry};
    return node;
}

mas_node *mas_node_copy_map(mas_pool *pool, const mas_node *map, size_t extra)
{
    mas_node *node = mas_pool_take(pool, sizeof *node);
    mas_entry *entries = mas_pool_take(pool, (map->count + extra + 1) * sizeof *entries);
    if (!node || !entries)
        return NULL;
    if (map->count > 0)
        memcpy(entries, map->entries, map->count * sizeof *entries);
    *node = *map;
    node->entries = entries;
    return node;
}
