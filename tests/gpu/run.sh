#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What needs a GPU, in one go: checks, times and trains on it and leaves the records in a folder.
#
#   tests/gpu/run.sh PROGRAM OUTPUT [PART]...
#
# Parts: check (every kernel and operation against the reference), time (experiments/gpu_attention.yaml and decode.yaml),
# peers (cuDNN's kernels checked, then experiments/gpu_peers.yaml: ours and theirs side by side; without cuDNN ours alone),
# torch (the same problems in PyTorch, where it is installed), train (experiments/quickstart.yaml in f32 and bf16), memory
# (compute-sanitizer on a few cases, where it is installed). Default: all, in this order. Each part has a time limit of its
# own, below ten minutes, and leaves OUTPUT/PART.log; the last lines say which passed. "unfinished": the time was over before
# anything was found; the log's last line names the case that ran. Status: 0, 1 where a part failed or was unfinished, 77
# (skipped) without a usable GPU.
set -u
program=$1 output=$2
shift 2
[ $# -gt 0 ] || set -- check time peers torch train memory
here=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$output"
if ! "$program" list devices --json | tr -d ' \n' | grep -q '"name":"cuda",.*"available":true'; then
    "$program" list devices
    exit 77
fi
"$program" list devices | tee "$output/devices.txt"

# in_time SECONDS COMMAND...: status 124 when the time is over
in_time() {
    seconds=$1
    shift
    timeout -k 5 "$seconds" "$@" && return
    status=$?
    [ $status -ne 137 ] || status=124 # it had to be killed
    return $status
}

# beside NAME SECONDS COMMAND...: in the background; leaves NAME.log and NAME.status, for `together`
beside() {
    name=$1
    shift
    names="$names $name"
    {
        in_time "$@" >"$output/$name.log" 2>&1
        echo $? >"$output/$name.status"
    } &
}

# Wait for them all and show what they found; the worst of their statuses.
together() {
    wait
    worst=0
    for name in $names; do
        status=$(cat "$output/$name.status")
        echo "status $status  $name"
        grep -e '^ok ' -e '^FAIL' -e 'again:' "$output/$name.log" | cut -c 1-230
        [ "$status" -eq 0 ] || tail -n 4 "$output/$name.log"
        case $status,$worst in
        0,* | 124,1) ;;
        124,*) worst=124 ;;
        *) worst=1 ;;
        esac
    done
    return $worst
}

# check NAME GLOB COUNT: the kernels' answers
check() {
    beside "check-$1" 170 "$program" check --device cuda --threads 2 --kernel "$2" --count "$3" --verbose
}

part_check() {
    names=''
    listed=$("$program" check --device cuda --kernel 'attn_*' --count 0 --list) || return
    for kernel in $(echo "$listed" | sed -n 's/^subject //p' | grep -v /cudnn/); do
        count=0
        case $kernel in */flash/*) count=300 ;; esac
        check "$(echo "$kernel" | tr / -)" "$kernel" $count
    done
    check operations 'device/*' 0
    together
}

part_memory() {
    tool=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null) || return 77
    worst_tool=0
    for kind in memcheck racecheck; do
        names=''
        for group in forward/flash backward/flash decode/split_k; do
            for cases in 'lengths/1[0-9]*x[0-9]*/*/bf16' 'long/*/bf16'; do
                beside "memory-$kind-${group%/*}-${cases%%/*}" 150 "$tool" --tool $kind --error-exitcode 9 "$program" check \
                    --device cuda --threads 2 --kernel "attn_$group/*" --count 0 --case "$cases" --verbose
            done
        done
        status=0
        together || status=$?
        [ $status -eq 0 ] || [ $worst_tool -eq 1 ] || worst_tool=$status
    done
    return $worst_tool
}

part_time() {
    for file in gpu_attention decode; do
        in_time 200 "$program" run "$here/experiments/$file.yaml" --device cuda --results "$output/results" || return
    done
}

# cuDNN's kernels are checked first: a wrong graph of ours must not be timed as theirs. Ours and theirs are every other point.
part_peers() {
    points=1/1
    if grep -q cuDNN "$output/devices.txt"; then
        in_time 100 "$program" check --device cuda --threads 2 --kernel 'attn_*/cudnn/*' --count 100 --verbose || return
    else
        echo "no cuDNN here: ours alone"
        points=1/2
    fi
    in_time 300 "$program" run "$here/experiments/gpu_peers.yaml" --device cuda --results "$output/results" --shard $points
}

part_torch() {
    python3 -c 'import torch' 2>/dev/null || return 77
    in_time 150 python3 "$here/tests/peers/time_against_torch_gpu.py"
}

part_train() {
    corpus=$(sed -n 's|.*paths: \[\(/.*\)/\*\*.*|\1|p' "$here/experiments/quickstart.yaml")
    [ -d "$corpus" ] || {
        echo "$corpus is not there: apt-get install linux-doc-6.1"
        return 77
    }
    fine=0
    for dtype in f32 bf16; do
        in_time 150 "$program" run "$here/experiments/quickstart.yaml" --device cuda --set model.dtype=$dtype \
            --results "$output/results-$dtype" || fine=$?
    done
    return $fine
}

failed=0
summary=''
for part in "$@"; do
    begin=$(date +%s)
    "part_$part" >"$output/$part.log" 2>&1
    status=$?
    tail -n 70 "$output/$part.log"
    case $status in
    0) word=passed ;;
    77) word=skipped ;;
    124) word=unfinished failed=1 ;;
    *) word=FAILED failed=1 ;;
    esac
    summary="$summary$word  $part ($(($(date +%s) - begin)) s)
"
done
printf '%s' "$summary"
exit $failed
