// SPDX-License-Identifier: Apache-2.0
// The one C++ file of this folder: SentencePiece has no C interface. No exception leaves it.
#include "harness/corpus/pieces.h"

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#include <string>
#include <unordered_map>
#include <vector>

struct mas_pieces {
    sentencepiece::SentencePieceProcessor processor;
};

namespace
{

class Texts : public sentencepiece::SentenceIterator
{
  public:
    Texts(mas_pieces_next next, void *user) : next_(next), user_(user)
    {
        Next();
    }
    bool done() const override
    {
        return done_;
    }
    void Next() override
    {
        size_t bytes = 0;
        const char *text = next_(user_, &bytes);
        done_ = text == nullptr;
        if (text)
            value_.assign(text, bytes);
    }
    const std::string &value() const override
    {
        return value_;
    }
    sentencepiece::util::Status status() const override
    {
        return {};
    }

  private:
    mas_pieces_next next_;
    void *user_;
    std::string value_;
    bool done_ = false;
};

// Every setting that could differ between versions of the library is spelt out.
std::unordered_map<std::string, std::string> settings(int32_t vocab)
{
    return {
        {"model_type", "bpe"},
        {"vocab_size", std::to_string(vocab)},
        {"character_coverage", "1.0"},
        {"normalization_rule_name", "identity"},
        {"add_dummy_prefix", "false"},
        {"remove_extra_whitespaces", "false"},
        {"escape_whitespaces", "true"},
        {"split_by_whitespace", "true"},
        {"split_by_unicode_script", "true"},
        {"split_by_number", "true"},
        {"split_digits", "false"},
        {"allow_whitespace_only_pieces", "true"},
        {"max_sentencepiece_length", "16"},
        {"max_sentence_length", "1073741824"}, // the largest allowed; longer texts are left out
        {"unk_id", "0"},
        {"unk_piece", "\xe2\x9f\xa8"
                      "document"
                      "\xe2\x9f\xa9"}, // brackets that stand for no byte
        {"bos_id", "-1"},
        {"eos_id", "-1"},
        {"pad_id", "-1"},
        {"num_threads", "1"},
        {"minloglevel", "2"}, // errors come back as a status
    };
}

mas_status no_memory(mas_error *err)
{
    return mas_fail(err, MAS_E_MEMORY, "no memory for the vocabulary");
}

} // namespace

const char *mas_pieces_version(void)
{
    return "sentencepiece " MASBENCH_SENTENCEPIECE_VERSION;
}

mas_status mas_pieces_train(int32_t vocab, mas_pieces_next next, void *user, char **model,
                            size_t *model_bytes, mas_error *err)
{
    *model = nullptr;
    *model_bytes = 0;
    try {
        Texts texts(next, user);
        std::string bytes;
        const auto status =
            sentencepiece::SentencePieceTrainer::Train(settings(vocab), &texts, &bytes);
        if (!status.ok())
            return mas_fail(err, MAS_E_ARGUMENT, "a vocabulary of %d cannot be learned: %s", vocab,
                            status.error_message());
        *model = static_cast<char *>(std::malloc(bytes.size() + 1));
        if (!*model)
            return no_memory(err);
        std::memcpy(*model, bytes.data(), bytes.size());
        *model_bytes = bytes.size();
        return MAS_OK;
    } catch (const std::exception &) {
        return no_memory(err);
    }
}

mas_status mas_pieces_open(const char *model, size_t model_bytes, mas_pieces **out, mas_error *err)
{
    *out = nullptr;
    try {
        mas_pieces *pieces = new mas_pieces;
        const auto status = pieces->processor.LoadFromSerializedProto({model, model_bytes});
        if (!status.ok()) {
            delete pieces;
            return mas_fail(err, MAS_E_FORMAT, "this is no vocabulary: %s", status.error_message());
        }
        *out = pieces;
        return MAS_OK;
    } catch (const std::exception &) {
        return no_memory(err);
    }
}

void mas_pieces_close(mas_pieces *pieces)
{
    delete pieces;
}

int32_t mas_pieces_count(const mas_pieces *pieces)
{
    return pieces->processor.GetPieceSize();
}

const char *mas_pieces_text(const mas_pieces *pieces, int32_t id)
{
    return pieces->processor.IdToPiece(id).c_str();
}

mas_status mas_pieces_encode(const mas_pieces *pieces, const char *text, size_t bytes, int32_t *ids,
                             size_t *count, mas_error *err)
{
    *count = 0;
    try {
        std::vector<int> found;
        const auto status = pieces->processor.Encode({text, bytes}, &found);
        if (!status.ok())
            return mas_fail(err, MAS_E_FORMAT, "the text cannot be encoded: %s",
                            status.error_message());
        for (const int id : found)
            ids[(*count)++] = id;
        return MAS_OK;
    } catch (const std::exception &) {
        return no_memory(err);
    }
}
