/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

TestSuite(corpus, .timeout = 120);

Test(corpus, names)
{
    cr_assert_str_eq(mas_corpus_kind_name(MAS_CORPUS_TEXT), "text");
    cr_assert_str_eq(mas_corpus_kind_name(MAS_CORPUS_TOKENS), "tokens");
    cr_assert_str_eq(mas_corpus_kind_name(MAS_CORPUS_RECALL), "recall");
    cr_assert_str_eq(mas_corpus_kind_name(MAS_CORPUS_KIND_COUNT), "unknown");
}

Test(corpus, wrong_arguments)
{
    mas_corpus_config config = mas_corpus_config_default();
    refused(&config, 0, MAS_E_ARGUMENT, "sequences of 0 tokens");
    config.kind = MAS_CORPUS_KIND_COUNT;
    refused(&config, 8, MAS_E_ARGUMENT, "corpus kind 3 is unknown");
    config = mas_corpus_config_default();
    config.path_count = 0;
    refused(&config, 8, MAS_E_ARGUMENT, "0 paths; expected 1 to 16");
    mas_corpus_close(NULL);
    mas_sequence_free(NULL);
}

/* The corpus that an experiment gets when it names none. */
Test(corpus, the_default_is_the_kernel_documentation)
{
    if (access("/usr/share/doc/linux-doc-6.1", F_OK) != 0)
        cr_skip_test("linux-doc-6.1 is not installed");
    const mas_corpus_config config = mas_corpus_config_default();
    mas_corpus *corpus = opened(&config, 4096);
    const mas_corpus_info *info = mas_corpus_describe(corpus);
    const int64_t documents = info->documents[0] + info->documents[1] + info->documents[2];
    cr_assert(documents > 2500 && documents < 5000, "%lld", (long long)documents);
    for (int split = MAS_SPLIT_VALIDATION; split <= MAS_SPLIT_TEST; split++) {
        const double share = (double)info->documents[split] / (double)documents;
        cr_assert(share > 0.03 && share < 0.07, "%g", share);
    }
    cr_assert_eq(info->vocab, 257);
    mas_corpus_close(corpus);
}
