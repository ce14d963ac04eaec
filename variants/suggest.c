/* SPDX-License-Identifier: Apache-2.0 */
#include "variants/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 64

static int fold(char c)
{
    return c == '-' ? '_' : tolower((unsigned char)c);
}

static size_t min3(size_t a, size_t b, size_t c)
{
    const size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* The usual table, three rows of it: exchanging neighbours looks two rows back. */
size_t mas_edit_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    const size_t la = strnlen(a, WORD_MAX), lb = strnlen(b, WORD_MAX);
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i - 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            const size_t replace = last[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
            now[j] = min3(last[j] + 1, now[j - 1] + 1, replace);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1])) {
                const size_t exchange = rows[(i - 2) % 3][j - 2] + 1;
                now[j] = exchange < now[j] ? exchange : now[j];
            }
        }
    }
    return rows[la % 3][lb];
}

static int begins(const char *word, const char *known)
{
    size_t i = 0;
    while (word[i] && known[i] && fold(word[i]) == fold(known[i]))
        i++;
    return !word[i] && i >= 3;
}

const char *mas_suggest(const char *word, const char *const *known, size_t count)
{
    const char *nearest = NULL, *begun = NULL;
    size_t least = (size_t)-1;
    for (size_t i = 0; i < count; i++) {
        if (!known[i])
            continue;
        const size_t lw = strlen(word), lk = strlen(known[i]);
        const size_t longer = lw > lk ? lw : lk;
        const size_t allowed = longer / 3 > 1 ? longer / 3 : 1;
        const size_t distance = mas_edit_distance(word, known[i]);
        /* a word that shares no character with the known one is no misspelling of it */
        if (distance <= allowed && distance < longer && distance < least) {
            least = distance;
            nearest = known[i];
        }
        if (!begun && begins(word, known[i]))
            begun = known[i];
    }
    return nearest ? nearest : begun;
}

void mas_words_join(const char *const *known, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        if (!known[i])
            continue;
        const int n = snprintf(text + used, size - used, "%s%s", used ? ", " : "", known[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}
