/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a corpus reads and hashes all its documents, so points that share one share the open
 * corpus. */
#include "harness/run/runner.h"

#include <stdlib.h>
#include <string.h>

mas_status mas_corpora_get(mas_corpora *corpora, const mas_point *point, int64_t length,
                           const mas_corpus **out, mas_error *err)
{
    char *config =
        json_dumps(json_object_get(point->resolved, "corpus"), JSON_COMPACT | JSON_ENCODE_ANY);
    const size_t room = (config ? strlen(config) : 0) + 32;
    char *key = malloc(room);
    if (!key) {
        free(config);
        return mas_fail(err, MAS_E_MEMORY, "no memory for the corpus");
    }
    snprintf(key, room, "%lld %s", (long long)length, config ? config : "");
    free(config);
    for (int i = 0; i < MAS_CORPORA_MAX; i++)
        if (corpora->open[i].key && strcmp(corpora->open[i].key, key) == 0) {
            *out = corpora->open[i].corpus;
            free(key);
            return MAS_OK;
        }
    const int slot = corpora->next;
    mas_corpus_close(corpora->open[slot].corpus);
    free(corpora->open[slot].key);
    corpora->open[slot].corpus = NULL;
    corpora->open[slot].key = NULL;
    const mas_status status =
        mas_corpus_open(&point->corpus, length, &corpora->open[slot].corpus, err);
    if (status != MAS_OK) {
        free(key);
        return status;
    }
    corpora->open[slot].key = key;
    corpora->next = (slot + 1) % MAS_CORPORA_MAX;
    *out = corpora->open[slot].corpus;
    return MAS_OK;
}

void mas_corpora_close(mas_corpora *corpora)
{
    for (int i = 0; i < MAS_CORPORA_MAX; i++) {
        mas_corpus_close(corpora->open[i].corpus);
        free(corpora->open[i].key);
    }
    *corpora = (mas_corpora){.next = 0};
}
