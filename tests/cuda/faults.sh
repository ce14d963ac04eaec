# SPDX-License-Identifier: Apache-2.0
# Does the emulator notice what it is for? Each fault is one edit of an attention kernel; the kernel is compiled again
# and the checker, linked with it, must fail or trap in one of the orders.
#   sh faults.sh BUILD SOURCE-ROOT COMPILER
build=$1 root=$2 compiler=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/masbench-faults.XXXXXX")
trap 'rm -rf "$work"' EXIT
count=0
failed=0
libraries="harness/libmasbench_harness.a variants/libmasbench_variants.a kernels/libmasbench_kernels.a
    kernels/cuda/libmasbench_cuda_emulated.a"
objects=$(ls "$build"/tests/masbench-check-emulated.p/*.o)
link=$(ninja -C "$build" -t commands tests/masbench-check-emulated | tail -n 1 | tr ' ' '\n' | grep '^-l\|\.so$' | sort -u)

report() {
    count=$((count + 1))
    [ "$1" = ok ] || failed=1
    echo "$1 $count - $2"
}

# caught NAME KERNEL: in which order does the checker built from $work/NAME.cu fail? Status 1: in none; 2: no program
caught() {
    # shellcheck disable=SC2086,SC2046 # lists of words on purpose
    "$compiler" -std=c++20 -O1 -Wno-unknown-pragmas -pthread -fopenmp -I"$root" -I"$root/kernels/include" -x c++ \
        "$work/$1.cu" -x none $objects -Wl,--start-group $(for l in $libraries; do echo "$build/$l"; done) $link \
        -Wl,--end-group -lm -o "$work/$1" 2>"$work/log" || return 2
    for order in forward reverse random,seed=3 random,eager; do
        MASBENCH_SIMT=$order timeout 60 "$work/$1" --device cuda --kernel "$2" --case 'lengths/1[23]*' --count 0 \
            >"$work/log" 2>&1 || return 0
    done
    return 1
}

# fault NAME FILE KERNEL SED-SCRIPT
fault() {
    sed -E "$4" "$root/kernels/cuda/$2.cu" >"$work/$1.cu"
    if cmp -s "$root/kernels/cuda/$2.cu" "$work/$1.cu"; then
        report 'not ok' "$1: the edit changes nothing"
        return
    fi
    status=0
    caught "$1" "$3" || status=$?
    case $status in
    0) report ok "$1: caught in order $order" ;;
    1) report 'not ok' "$1: not noticed" ;;
    *) report 'not ok' "$1: does not build: $(head -n 1 "$work/log")" ;;
    esac
}

# Without an edit nothing may be caught, or the rest would prove nothing.
cp "$root/kernels/cuda/attention_forward_sm80.cu" "$work/unchanged.cu"
status=0
caught unchanged 'attn_forward/flash/sm80' || status=$?
if [ $status -eq 1 ]; then report ok 'unchanged: passes in every order'; else report 'not ok' 'unchanged: fails'; fi

f=attention_forward_sm80 fk='attn_forward/flash/sm80'
b=attention_backward_sm80 bk='attn_backward/flash/sm80'
fault no-barrier-before-keys $f "$fk" 's|__syncthreads\(\);( +/\* everyone)|\1|'
fault wait-for-keys-too-weak $f "$fk" 's|cp_async_wait<1>\(\); /\* K of|cp_async_wait<2>(); /* K of|'
fault wait-for-values-too-weak $f "$fk" 's|cp_async_wait<1>\(\); /\* V of|cp_async_wait<2>(); /* V of|'
fault values-into-the-buffer-in-use $f "$fk" 's|tile_load<D, BN, ALIGNED>\(nv,|tile_load<D, BN, ALIGNED>(tv,|'
fault window-off-by-one $f "$fk" 's/c < keys.lo \|\| c >= keys.hi/c < keys.lo || c > keys.hi/'
fault maximum-from-half-a-row $f "$fk" 's/most = fmaxf\(most, __shfl_xor_sync\(0xffffffffu, most, 2\)\);//'
fault no-barrier-before-queries $b "$bk" 's|__syncthreads\(\);( +/\* this tile)|\1|'
fault delta-forgotten $b "$bk" 's/\(dp - delta\)/dp/'
echo "1..$count"
exit $failed
