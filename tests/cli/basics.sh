# SPDX-License-Identifier: Apache-2.0
# Help, version, lists, and what a wrong command line gets.
. "$(dirname "$0")/lib.sh"

code 0 "--version" --version
holds out '^masbench [0-9]' "version line"
code 0 "--help" --help
holds out 'explain' "help lists the commands"
code 2 "no command"
for c in run explain list check; do
    code 0 "$c --help" $c --help
    holds out "^usage: masbench $c" "$c prints its usage"
    holds out "threads N" "$c takes --threads"
done
code 2 "unknown command" exlpain x
holds err 'did you mean "explain"' "nearest command"
code 2 "unknown option" run --reslts x file.yaml
holds err 'did you mean --results' "nearest option"
code 2 "an unknown device" run nothing.yaml --device gpu
holds err '"gpu" is not one of cpu, cuda$' "the known ones, and no guess"
for command in pack plot report; do
    code 0 "$command --help" $command --help
    holds out "^usage: masbench $command" "$command prints its usage"
    check "without options that do nothing" sh -c "! grep -q -e --device $work/out"
done
code 2 "bad number" run --threads 1.5 file.yaml
holds err 'whole number from 1 to' "range of the number"
code 2 "bad word" run --cpu avx file.yaml
holds err 'scalar, avx2, avx512' "allowed words"
code 2 "missing value" run --results
holds err 'needs a value' "missing value is named"
code 2 "missing argument" run
code 2 "too many arguments" run a.yaml b.yaml
code 2 "bad shard" run --shard 3/2 file.yaml
holds err '1 <= I <= N' "shard form is named"

for s in variants kernels devices placements experiments; do
    code 0 "list $s" list $s
    code 0 "list $s --json" list $s --json
    check "list $s --json is an array" sh -c "head -c 1 '$work/out' | grep -q '\['"
done
code 0 "list variants" list variants
holds out '^full ' "full is a variant"
holds out '^sliding_window ' "sliding_window is a variant"
holds out '^block_sparse ' "block_sparse is a variant"
code 0 "list placements" list placements
holds out 'interleaved .*SSFSSSFS' "interleaved by its definition"
holds out 'middle .*SSSFFSSS' "middle by its definition"
code 0 "list kernels under --cpu scalar" list kernels --cpu scalar
check "every operation has a kernel for any processor" \
    sh -c "[ \$(grep -v 'not usable' '$work/out' | grep -c '/reference') -ge 3 ]"
code 2 "list of something unknown" list nothing
code 0 "list keys" list keys
check "experiments/schema.md is what the reader accepts: masbench list keys >experiments/schema.md" \
    cmp -s "$work/out" "$here/../../experiments/schema.md"
listed() {
    for f in "$here"/../../experiments/*.yaml; do
        grep -q "\`$(basename "$f")\`" "$here/../../experiments/README.md" || { echo "# not there: $f"; return 1; }
    done
}
check "experiments/README.md lists every file" listed
MASBENCH_CPU=fast code 2 "MASBENCH_CPU with an unknown level" list kernels
holds err 'MASBENCH_CPU: unknown CPU level "fast"' "the variable is named"

# A kernel that hangs must not take along what was found before, nor the name of its case.
"$program" check --verbose --count 1000000 --case 'random/*' >"$work/out" 2>"$work/err" &
process=$!
begun() { grep -q '^case random/1$' "$work/err"; }
await begun
kill -KILL $process
wait $process 2>/dev/null
holds out '^seed 1, ' "check: killed, its first line is in the file"
holds err '^case random/0$' "check --verbose names cases before they run"

if [ -c /dev/full ]; then
    got=0
    "$program" list variants >/dev/full 2>"$work/err" || got=$?
    check "a full output device is an error" [ "$got" -eq 2 ]
fi
finish
