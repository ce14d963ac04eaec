# SPDX-License-Identifier: Apache-2.0
# Training on the CUDA device, emulated: the same losses as on the CPU but for rounding.
. "$(dirname "$0")/lib.sh"

cd "$work" || exit 1
tiny 1024 | sed '/^sweep:/,$d' >tiny.yaml
for device in cpu cuda; do
    code 0 "runs on $device" run tiny.yaml --device $device --results $device --set evaluation.tokens=256 \
        --set attention.full_layers=1
done
field() { sed -n "s/^ *\"$2\": \([0-9.]*\).*/\1/p" "$1"/tiny/????????????????.json | head -n 1; }
check "both have a perplexity" test -n "$(field cpu perplexity)" -a -n "$(field cuda perplexity)"
check "perplexities agree to 1e-3: $(field cpu perplexity) and $(field cuda perplexity)" \
    awk "BEGIN { r = $(field cpu perplexity) / $(field cuda perplexity); exit !(r < 1.001 && r > 0.999) }"
check "the record names the device" grep -q '"device": "cuda"' cuda/tiny/????????????????.json
finish
