#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What needs a GPU, in one go: checks, times and trains on it and leaves the records in a folder.
#
#   tests/gpu/run.sh PROGRAM OUTPUT [PART]...
#
# Parts: check (every kernel and operation against the reference), memory (compute-sanitizer on a few cases, where it is
# installed), time (experiments/gpu_attention.yaml and decode.yaml), peers (cuDNN's kernels checked, then experiments/gpu_peers.yaml:
# ours and theirs side by side), torch (the same problems in PyTorch, where it is installed), train
# (experiments/quickstart.yaml in f32 and bf16). Default: all. Each part has a time limit of its own and leaves
# OUTPUT/PART.log; the last lines say which passed. Without a usable GPU the status is 77: skipped.
set -u
program=$1 output=$2
shift 2
[ $# -gt 0 ] || set -- check memory time peers torch train
here=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$output"
if ! "$program" list devices --json | tr -d ' \n' | grep -q '"name":"cuda",.*"available":true'; then
    "$program" list devices
    exit 77
fi
"$program" list devices | tee "$output/devices.txt"

# check GLOB: in the background, one process a group of kernels
check() {
    timeout -k 5 170 "$program" check --device cuda --threads 2 --kernel "$1" --count "$2" >"$output/check-$3.log" 2>&1
    echo $? >"$output/check-$3.status"
}

part_check() {
    for group in 'attn_forward/flash/*:300:forward' 'attn_backward/flash/*:300:backward' \
        'attn_forward/simple/*:0:forward-simple' 'attn_backward/simple/*:0:backward-simple' 'attn_decode/*:0:decode' \
        'device/*:0:operations'; do
        count=${group#*:}
        check "${group%%:*}" "${count%%:*}" "${group##*:}" &
    done
    wait
    grep -h -e '^ok ' -e '^FAIL' -e 'again:' "$output"/check-*.log | cut -c 1-230
    ! grep -qv '^0$' "$output"/check-*.status
}

part_memory() {
    tool=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null) || return 77
    fine=0
    for kind in memcheck racecheck; do
        for kernel in 'attn_forward/flash/*' 'attn_backward/flash/*' 'attn_decode/split_k/*'; do
            for cases in 'lengths/1[0-9]*x[0-9]*/*/bf16' 'long/*/bf16'; do
                timeout -k 5 60 "$tool" --tool $kind --error-exitcode 9 "$program" check --device cuda --threads 2 \
                    --kernel "$kernel" --count 0 --case "$cases" >"$output/memory-one.log" 2>&1 || fine=1
                tail -n 4 "$output/memory-one.log"
            done
        done
    done
    return $fine
}

part_time() {
    for file in gpu_attention decode; do
        timeout -k 5 200 "$program" run "$here/experiments/$file.yaml" --device cuda --results "$output/results" || return
    done
}

# cuDNN's kernels are checked first: a wrong graph of ours must not be timed as theirs.
part_peers() {
    timeout -k 5 100 "$program" check --device cuda --threads 2 --kernel 'attn_*/cudnn/*' --count 100 || return
    timeout -k 5 300 "$program" run "$here/experiments/gpu_peers.yaml" --device cuda --results "$output/results"
}

part_torch() {
    python3 -c 'import torch' 2>/dev/null || return 77
    timeout -k 5 150 python3 "$here/tests/peers/time_against_torch_gpu.py"
}

part_train() {
    corpus=$(sed -n 's|.*paths: \[\(/.*\)/\*\*.*|\1|p' "$here/experiments/quickstart.yaml")
    [ -d "$corpus" ] || {
        echo "$corpus is not there: apt-get install linux-doc-6.1"
        return 77
    }
    fine=0
    for dtype in f32 bf16; do
        timeout -k 5 150 "$program" run "$here/experiments/quickstart.yaml" --device cuda --set model.dtype=$dtype \
            --results "$output/results-$dtype" || fine=1
    done
    return $fine
}

failed=0
summary=''
for part in "$@"; do
    begin=$(date +%s)
    status=0
    "part_$part" >"$output/$part.log" 2>&1 || status=$?
    tail -n 70 "$output/$part.log"
    case $status in
    0) word=passed ;;
    77) word=skipped ;;
    *) word=FAILED failed=1 ;;
    esac
    summary="$summary$word  $part ($(($(date +%s) - begin)) s)
"
done
printf '%s' "$summary"
exit $failed
