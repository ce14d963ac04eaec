# SPDX-License-Identifier: Apache-2.0
# Helpers of the end-to-end tests. A test is `sh NAME.sh PROGRAM`; it prints "ok N - what" or "not ok N - what" lines and
# ends with status 1 if anything failed.
program=$1
if [ ! -x "$program" ]; then
    echo "not ok 1 - \"$program\" is not a program; usage: sh $0 PROGRAM"
    exit 1
fi
case $program in /*) ;; *) program=$PWD/$program ;; esac
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/masbench-cli.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
count=0
failed=0

# Charts take longer than the small runs that they show. A test that looks at some says charts=yes before it reads this;
# for the others gnuplot is a program that does nothing.
if [ "${charts-}" != yes ]; then
    mkdir "$work/bin"
    echo '#!/bin/sh' >"$work/bin/gnuplot"
    chmod +x "$work/bin/gnuplot"
    PATH=$work/bin:$PATH
fi

# report STATUS WHAT: status 0 is good
report() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        failed=$((failed + 1))
        for f in "$work/out" "$work/err"; do
            [ -f "$f" ] && sed "s|^|#   $(basename "$f"): |" "$f" | head -n 20
        done
    fi
    return 0
}

# code EXPECTED WHAT ARGUMENTS...: run the program, keep its output in $work/out and $work/err, compare the exit code
code() {
    expected=$1 what=$2
    shift 2
    got=0
    "$program" "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ "$got" -eq "$expected" ] || echo "# exit code $got, expected $expected"
    [ "$got" -eq "$expected" ]
    report $? "$what"
}

# holds out|err PATTERN WHAT: the last output has a line that matches
holds() {
    grep -q -e "$2" "$work/$1"
    report $? "$3"
}

# check WHAT COMMAND...: the command succeeds
check() {
    what=$1
    shift
    "$@"
    report $? "$what"
}

# Both there, not empty, and equal.
same() { [ -s "$1" ] && cmp -s "$1" "$2"; }
absent() { [ ! -e "$1" ]; }
results() { find "$1" -name '????????????????.json' | wc -l | tr -d ' '; }
temporaries() { find "$1" -name '*.tmp.*' | wc -l | tr -d ' '; }
with_status() { grep -l "\"status\": \"$2\"" "$1"/????????????????.json 2>/dev/null | wc -l | tr -d ' '; }

# A zombie is dead, too.
dead() { ! grep -q '^State:[[:space:]]*[RSDT]' /proc/"$1"/status 2>/dev/null; }
# await COMMAND...: until it succeeds, or the program in the background, $process, has ended. No bound of its own: how
# long a step takes depends on the machine and on sanitizers, and Meson bounds the whole test.
await() {
    while ! "$@" && ! dead "$process"; do
        sleep 0.1
    done
}
there() { ls $1 >/dev/null 2>&1; }
results_reach() { [ "$(results "$2" 2>/dev/null || echo 0)" -ge "$1" ]; }

# What must not depend on threads, shards or interruptions: one line a result.
numbers() {
    for f in "$1"/????????????????.json; do
        echo "$(basename "$f") $(grep -e '"nats":' -e '"step_losses":' -e '"loss":' -e '"validation_loss":' "$f" | tr -d '\n')"
    done
}

# A small experiment of a few points. Extra keys of the last section come as arguments.
tiny() {
    cat <<END
experiment: tiny
question: Does it run?
model: {layers: 2, width: 16, heads: 2}
attention:
  sparse: {variant: sliding_window, window: 16}
corpus: {type: recall}
training: {tokens: ${1:-2048}, seq_len: 128, batch_tokens: 256, evaluations: 2, curve_tokens: 256}
evaluation: {tokens: 512}
sweep:
  - attention.full_layers: [0, 1, 2]
  - seed: [1, 2]
END
}

# plans LENGTH...: layer plans at those lengths, without training
plans() {
    cat <<END
experiment: plan
kind: plan
model: {layers: 4, width: 64, heads: 2}
attention: {sparse: {variant: sliding_window, window: 16}}
corpus: {type: recall}
sweep:
  - training.seq_len: [$(echo "$@" | sed 's/ /, /g')]
  - attention.full_layers: [0, 2, 4]
END
}

finish() {
    echo "1..$count"
    [ "$failed" -eq 0 ] || exit 1
    exit 0
}
