# SPDX-License-Identifier: Apache-2.0
# A vocabulary of byte pairs from a file to a result.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
export MASBENCH_CACHE="$work/cache"

cat >pieces.yaml <<END
experiment: pieces
question: Does it run?
model: {layers: 1, width: 16, heads: 2}
corpus:
  type: text
  paths: ["$here/../../harness/**/*.c"]
  tokenizer: {type: bpe, vocab: 512}
  validation_fraction: 0.2
training: {tokens: 1024, seq_len: 128, batch_tokens: 256}
evaluation: {tokens: 2048}
END
code 0 "explain" explain pieces.yaml --threads 1
holds out 'vocabulary 512 (byte pairs' "explain shows the vocabulary"
check "explain learns nothing" absent cache
code 2 "another vocabulary in the model" run pieces.yaml --set model.vocab=513
holds err 'vocab is 513, but corpus.tokenizer has 512' "both are named"

got=0
"$program" run pieces.yaml --results first --threads 1 >out 2>err || got=$?
if [ "$got" -eq 2 ] && grep -q 'no SentencePiece' err; then
    report 0 "a build without SentencePiece says so"
    holds err 'apt-get install' "and how to get it"
    check "nothing was created" absent first
    finish
fi
check "run" [ "$got" -eq 0 ]
file=$(echo first/pieces/????????????????.json)
check "the vocabulary's hash is recorded" grep -q '"tokenizer_hash": "[0-9a-f]\{32\}"' "$file"
check "its name and size, too" grep -q '"tokenizer": "bpe 512"' "$file"
check "perplexity" grep -q '"perplexity": [0-9]' "$file"
check "bits per byte" grep -q '"bits_per_byte": [0-9]' "$file"
check "the vocabulary is kept" [ "$(find cache -name '*.model' | wc -l)" -eq 1 ]
check "no temporary file is left" [ "$(find cache -type f | wc -l)" -eq 1 ]
numbers first/pieces >first.txt
code 0 "again, from the cache" run pieces.yaml --results second --threads 1
numbers second/pieces >second.txt
check "the same numbers" same first.txt second.txt
printf 'damaged' >"$(find cache -name '*.model')"
code 0 "again, the cache damaged" run pieces.yaml --results third --threads 1
numbers third/pieces >third.txt
check "the same numbers again" same first.txt third.txt
code 0 "bytes beside pieces" run pieces.yaml --results both --threads 1 \
    --set 'sweep=[{corpus.tokenizer: [bytes, {type: bpe, vocab: 512}]}]'
holds out 'not comparable' "their perplexities are not compared"
finish
