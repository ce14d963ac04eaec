/* SPDX-License-Identifier: Apache-2.0 */
/* SentencePiece works on Unicode text and would change what is not: bytes that are no UTF-8, zero bytes,
 * its own sign for a space. So each byte becomes one character of an alphabet of 256 (the idea of GPT-2's
 * encoder), and each of them is a piece: nothing is unknown and nothing is lost. Printable ASCII stands for
 * itself, and a space stays a space, so that the library finds words. Bytes above 127 become letters, so
 * that words in UTF-8 hold together; control characters become symbols, which do not join letters. */
#include "harness/corpus/tokenizer.h"

enum { CONTROL = 0x2400, DELETE = 0x2421, LETTER = 0x100, SPACE = 0x2581 }; /* Unicode */

static unsigned character_of(unsigned char byte)
{
    if (byte < 0x20)
        return CONTROL + byte;
    if (byte < 0x7f)
        return byte;
    return byte == 0x7f ? DELETE : LETTER + (byte - 0x80u);
}

char *mas_symbol_put(char *to, unsigned char byte)
{
    const unsigned c = character_of(byte);
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

int mas_symbol_take(const char **text)
{
    const unsigned char *s = (const unsigned char *)*text;
    unsigned c = s[0];
    if (c >= 0xe0 && s[1] && s[2]) {
        c = (c & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
        *text += 3;
    } else if (c >= 0xc0 && s[1]) {
        c = (c & 0x1fu) << 6 | (s[1] & 0x3fu);
        *text += 2;
    } else {
        *text += 1;
    }
    if (c == SPACE)
        return ' ';
    for (int byte = 0; byte <= UINT8_MAX; byte++)
        if (byte != ' ' && character_of((unsigned char)byte) == c)
            return byte;
    return -1;
}
