# SPDX-License-Identifier: Apache-2.0
# The gate end to end: recorded results, two builds side by side, packs, histories, and whatever can be wrong with them.
charts=yes
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
cat >speed.yaml <<'END'
experiment: speed
kind: kernel
kernel: {batch: 1, q_heads: 1, head_dim: 32, length: 128}
measure: {warmup: 2, min_samples: 20, max_samples: 100, seconds: 0.1, precision: 0.01, yardstick: true, cold_samples: 2}
sweep:
  - attention:
      - {full_layers: 1}
      - {full_layers: 0, sparse: {variant: sliding_window, window: 16}}
END
one() { (cd "$1" && ls ????????????????.json | head -n 1); }
lines() { wc -l <"$1" | tr -d ' '; }

# list FROM STEP: twenty numbers
list() { awk -v a="$1" -v b="$2" 'BEGIN { for (i = 0; i < 20; i++) printf "%s%.9g", i ? ", " : "", a + i * b }'; }
# quiet FOLDER SECONDS: times as of a machine that has nothing else to do, in place of those measured here
quiet() {
    sed -i "s/^\( *\"seconds\": \)\[.*\]/\1[$(list "$2" 1e-7)]/; s/\(\"yardstick_seconds\": \)\[.*\]/\1[$(list 2e-4 1e-8)]/
            s/\(\"preemptions\": \)\[.*\]/\1[$(list 0 0)]/" "$1"/????????????????.json
}

# ---- recorded ----
code 0 "record a baseline" run speed.yaml --threads 1 --results before
code 0 "record a candidate that is slowed down" run speed.yaml --threads 1 --results after --slow-down 100
holds out 'slowed by %' "the table has a column for it"
check "and it is in the CSV" grep -q ',slowed_by,' after/speed/table.csv
code 2 "a run without the slow-down does not take them for its own" run speed.yaml --threads 1 --results after
holds err '--slow-down 100 and this run has --slow-down 0' "and says why"
holds err 'another folder with --results' "and what to do"
code 2 "nor one with a slow-down those without" run speed.yaml --threads 1 --results before --slow-down 10
code 0 "the same slow-down goes on" run speed.yaml --threads 1 --results after --slow-down 100
holds err '2 of them were there already' "where it ended"
quiet before/speed 1e-3
quiet after/speed 2e-3
code 0 "a result is the same as itself" compare before/speed before/speed
holds out '^same: 2 same' "and said to be"
code 1 "twice the time is slower" compare before/speed after/speed --json r.json --markdown r.md --junit r.xml
holds out '^slower: 2 slower' "and counted"
holds err 'candidate: .*: slowed down by 100 %' "and that it was on purpose"
check "JSON says so" grep -q '"verdict": "slower"' r.json
check "Markdown says so" grep -q '^\*\*slower\*\*' r.md
check "JUnit says so" grep -q 'tests="2" failures="2"' r.xml
code 0 "the other way it is faster" compare after/speed before/speed
check "a slowed result says that it was" grep -q '"slowed_by": 1.0' "after/speed/$(one after/speed)"
check "cold samples are apart" grep -q '"cold_seconds": {' "before/speed/$(one before/speed)"

# ---- packs ----
code 0 "pack both" pack before/speed --out packed.json
code 0 "a pack equals its folder" compare packed.json before/speed
code 0 "packs of packs" pack packed.json --out again.json
check "are equal" same packed.json again.json
code 0 "the same results twice" pack before/speed packed.json --out twice.json
check "are there once" same packed.json twice.json
code 2 "two records of one point" pack before/speed after/speed --out both.json
holds err 'after/speed: another record of the point .*into two files' "are refused, with the remedy"
check "and not written" absent both.json
code 2 "plot wants a folder" plot packed.json
holds err 'packed.json is a file; expected the folder' "and says so"
code 2 "a pack needs a name" pack before/speed
code 3 "nothing to pack" pack "$work" --out none.json
check "writes nothing" absent none.json

# ---- broken and hostile input ----
mkdir empty
code 3 "an empty candidate" compare before/speed empty
holds out 'empty holds no results' "is named"
code 3 "an empty baseline" compare empty before/speed
code 2 "a folder that is not there" compare before/speed nowhere
check "one line says so" [ "$(lines err)" -eq 1 ]
: >nothing.json
code 2 "an empty file" compare nothing.json before/speed
check "one line says so" [ "$(lines err)" -eq 1 ]
head -c 700 packed.json >cut.json
code 2 "truncated JSON" compare before/speed cut.json
holds err 'cut.json:' "with its place"
check "in one line" [ "$(lines err)" -eq 1 ]
echo '{"results": 3}' >odd.json
code 2 "a file of something else" compare odd.json before/speed
holds err 'masbench pack' "with the remedy"
cp -r before lacking && rm "lacking/speed/$(one before/speed)"
code 3 "a candidate that lacks a kernel" compare before/speed lacking/speed
holds out '^missing .*no such result\|^missing' "names it"
code 0 "a baseline that lacks a kernel" compare lacking/speed before/speed
holds err 'new, not in the baseline' "says what is new"
cp -r before other && sed -i 's/"cpu": "[^"]*"/"cpu": "Another Processor"/' other/speed/????????????????.json
code 4 "other hardware" compare before/speed other/speed
holds out 'not comparable: other hardware (cpu: .* -> Another Processor)' "is named"
code 0 "compared when asked" compare before/speed other/speed --any-machine
code 0 "record other settings" run speed.yaml --threads 1 --results longer --set kernel.head_dim=16
quiet longer/speed 1e-3
code 4 "other settings" compare before/speed longer/speed
holds out 'kernel.head_dim: 32 -> 16' "are named"
cp -r before hostile && sed -i 's/"title": "full"/"title": "<b>|\\u001b[31m"/' hostile/speed/*.json
code 0 "a hostile title" compare hostile/speed hostile/speed --markdown h.md
check "reaches no terminal" [ -z "$(tr -d '\n -~' <out)" ]
check "and no page" [ "$(grep -c '<b>' h.md)" -eq 0 ]
code 2 "one argument" compare before/speed
code 2 "three arguments" compare before/speed before/speed before/speed
code 2 "a report that cannot be written" compare before/speed before/speed --json nowhere/r.json
holds err 'cannot write nowhere/r.json' "is named"

# ---- side by side ----
cat >train.yaml <<'END'
experiment: train
model: {layers: 1, width: 16, heads: 2}
attention: {full_layers: 1}
corpus: {type: recall}
training: {tokens: 1024, seq_len: 64, batch_tokens: 256, evaluations: 1}
evaluation: {tokens: 256}
END
# On a busy machine this may stay unclear; it is never slower.
"$program" compare --against "$program" speed.yaml train.yaml --threads 1 >out 2>err
got=$?
check "a build against itself is the same" [ $got -eq 0 -o $got -eq 5 ]
check "losses included" [ "$(grep -c '^same  .*loss +0' out)" -eq 1 ]
# A build whose program is another: changed FILTER makes one.
changed() {
    mkdir -p changed
    printf '#!/bin/sh\n%s\nexec "%s" "$@"\n' "$1" "$program" >changed/masbench
    chmod +x changed/masbench
}
code 1 "a slower candidate is found, twice" compare --against "$program" speed.yaml --threads 1 --slow-down 40
holds out '^slower: 2 slower' "in both kernels"
changed 'set -- "$@" --slow-down 50'
code 0 "a faster candidate is fine" compare --against changed speed.yaml --threads 1
holds out '^faster: 2 faster' "and said to be faster"
changed 'set -- "$@" --set kernel.length=64'
code 1 "a build that computes something else" compare --against changed speed.yaml --threads 1 --once
holds out 'useful_flops' "is caught by what it counts"
changed 'set -- "$@" --set training.tokens=32768'
code 1 "a build that trains otherwise" compare --against changed train.yaml --threads 1
holds out 'loss' "is caught by its loss"
changed 'exit 3'
code 4 "a build that cannot read the file" compare --against changed speed.yaml
holds out 'not comparable' "is not comparable"
changed 'case "$*" in *speed.yaml*) exit 3 ;; esac'
code 4 "a build that can read one of two files" compare --against changed speed.yaml train.yaml --threads 1
holds out 'not comparable' "is not comparable, whatever the other file says"
changed 'echo no json; cat >/dev/null; exit'
code 4 "a program that is something else" compare --against changed speed.yaml
code 2 "no such build" compare --against nowhere speed.yaml
holds err 'expected a build folder' "with what was expected"
code 2 "no file" compare --against "$program"
code 2 "a file that is none" compare --against "$program" nowhere.yaml
code 2 "both ways at once" compare --against "$program" --calibrate speed.yaml

# ---- error rates ----
sed '/sliding_window/d; s/yardstick: true, cold_samples: 2/yardstick: false/' speed.yaml >one.yaml
code 0 "calibrate" compare --calibrate one.yaml --repetitions 1 --threads 1 --set measure.seconds=0.02 --json c.json
check "says what it counted" [ "$(grep -c '^side by side\|^recorded' out)" -eq 10 ]
check "and where" grep -q '"isa":' c.json
code 2 "nothing to calibrate with" compare --calibrate train.yaml

# ---- questions ----
printf 'open 9\nsample 1\nwhat\nopen 0\nwarm\nsample 0\nsample 2\ncount\nrun 1\n' |
    "$program" serve speed.yaml --threads 1 >out 2>err
check "a line for every question, and one before" [ "$(lines out)" -eq 10 ]
check "bad questions are refused, one by one" [ "$(grep -c '"status":"bad_argument"' out)" -eq 4 ]

# ---- history ----
code 0 "a history" plot --history story before/speed packed.json after/speed
holds out '2 kernels over 3 runs: 2 changes' "finds where it changed"
check "data for the chart" [ -s story/data/history.tsv ]
! command -v gnuplot >/dev/null || check "the chart" [ -s story/history.png ]
cp -r after/speed elsewhere
sed -i 's/"cpu": ".*"/"cpu": "Another One"/' elsewhere/????????????????.json
code 4 "a history of two machines" plot --history strange before/speed elsewhere
holds err 'elsewhere was measured on other hardware than before/speed (cpu: .* -> Another One)' "both are named"
check "nothing is drawn" absent strange
code 3 "a history of nothing" plot --history story empty
code 2 "a history of what is not there" plot --history story nowhere

finish
