/* SPDX-License-Identifier: Apache-2.0 */
/* In place of pieces_sentencepiece.cc in a build without the library. */
#include "harness/corpus/pieces.h"

static mas_status refuse(mas_error *err)
{
    return mas_fail(
        err, MAS_E_UNSUPPORTED,
        "this build has no SentencePiece, so corpus.tokenizer can only be bytes; install it with: "
        "apt-get install g++ libsentencepiece-dev, then build again with meson setup "
        "--reconfigure");
}

const char *mas_pieces_version(void)
{
    return NULL;
}

mas_status mas_pieces_train(int32_t vocab, mas_pieces_next next, void *user, char **model,
                            size_t *model_bytes, mas_error *err)
{
    (void)vocab, (void)next, (void)user;
    *model = NULL;
    *model_bytes = 0;
    return refuse(err);
}

mas_status mas_pieces_open(const char *model, size_t model_bytes, mas_pieces **out, mas_error *err)
{
    (void)model, (void)model_bytes;
    *out = NULL;
    return refuse(err);
}

void mas_pieces_close(mas_pieces *pieces)
{
    (void)pieces;
}

int32_t mas_pieces_count(const mas_pieces *pieces)
{
    (void)pieces;
    return 0;
}

const char *mas_pieces_text(const mas_pieces *pieces, int32_t id)
{
    (void)pieces, (void)id;
    return "";
}

mas_status mas_pieces_encode(const mas_pieces *pieces, const char *text, size_t bytes, int32_t *ids,
                             size_t *count, mas_error *err)
{
    (void)pieces, (void)text, (void)bytes, (void)ids;
    *count = 0;
    return refuse(err);
}
