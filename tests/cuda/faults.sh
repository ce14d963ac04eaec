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
tiles=kernels/libtiles_emulated.a # on x86-64
[ ! -f "$build/$tiles" ] || libraries="$libraries $tiles"
objects=$(ls "$build"/tests/masbench-check-emulated.p/*.o)
link=$(ninja -C "$build" -t commands tests/masbench-check-emulated | tail -n 1 | tr ' ' '\n' | grep '^-l\|\.so$' | sort -u)

# The usual cases are in bf16: without the other type a kernel compiles in half the time.
mkdir -p "$work/bf16/kernels/cuda"
sed 's/<MAS_DTYPE_F16>(&a)/<MAS_DTYPE_BF16>(\&a)/' "$root/kernels/cuda/attention_pack.h" >"$work/bf16/kernels/cuda/attention_pack.h"

report() {
    count=$((count + 1))
    [ "$1" = ok ] || failed=1
    echo "$1 $count - $2"
}

# caught NAME SOURCE KERNEL [CASES]: in which order does the checker built from SOURCE, with the headers in $work/NAME,
# fail? CASES: in all types. Status 1: in none; 2: no program
caught() {
    bf16=-I$work/bf16
    [ -z "${4-}" ] || bf16=''
    # shellcheck disable=SC2086,SC2046 # lists of words on purpose
    "$compiler" -std=c++20 -O1 -Wno-unknown-pragmas -pthread -fopenmp -I"$work/$1" $bf16 -I"$root" \
        -I"$root/kernels/include" \
        -x c++ "$2" -x none $objects -Wl,--start-group $(for l in $libraries; do echo "$build/$l"; done) $link \
        -Wl,--end-group -lm -o "$work/$1/check" 2>"$work/log" || return 2
    cases=${4-}
    case ${cases:-$3} in
    */sm90) cases='long/[bo]*/bf16' ;; # more tiles than buffers, some not seen by some rows, several items
    attn_backward/*) cases='*/[12][35]*/bf16' ;; # heads of 256, too
    attn_decode/*) cases='lengths/200x700/bottom_right/bf16' ;; # several pieces
    attn_forward/*) cases='lengths/1[23]*/bf16' ;;
    esac
    for order in forward reverse random,seed=3 random,eager; do
        MASBENCH_SIMT=$order timeout 60 "$work/$1/check" --device cuda --kernel "$3" --case "$cases" --count 0 \
            >"$work/log" 2>&1 || return 0
    done
    return 1
}

# fault NAME KERNEL FILE SED-SCRIPT [CASES]: FILE is the kernel's own source, or a header that it includes
fault() {
    op=${2#attn_}
    source=$root/kernels/cuda/attention_${op%%/*}_${2##*/}.cu
    edited=$work/$1/kernels/cuda/$3
    mkdir -p "$work/$1/kernels/cuda"
    sed -E "$4" "$root/kernels/cuda/$3" >"$edited"
    if [ "$4" ] && cmp -s "$root/kernels/cuda/$3" "$edited"; then
        report 'not ok' "$1: the edit changes nothing"
        return
    fi
    case $3 in *.cu) source=$edited ;; esac
    status=0
    caught "$1" "$source" "$2" "${5-}" || status=$?
    case $status,$4 in
    1,) report ok "$1: passes in every order" ;; # or the rest would prove nothing
    0,) report 'not ok' "$1: fails without an edit in order $order" ;;
    0,*) report ok "$1: caught in order $order" ;;
    1,*) report 'not ok' "$1: not noticed" ;;
    *) report 'not ok' "$1: does not build: $(head -n 1 "$work/log")" ;;
    esac
}

f=attention_forward_sm80.cu k='attn_forward/flash/sm80'
fault unchanged "$k" $f ''
fault no-barrier-before-keys "$k" $f 's|__syncthreads\(\);( +/\* everyone)|\1|'
fault wait-for-keys-too-weak "$k" $f 's|cp_async_wait<1>\(\); /\* K of|cp_async_wait<2>(); /* K of|'
fault wait-for-values-too-weak "$k" $f 's|cp_async_wait<1>\(\); /\* V of|cp_async_wait<2>(); /* V of|'
fault values-into-the-buffer-in-use "$k" $f 's|tile_load<D, BN>\(nv,|tile_load<D, BN>(tv,|'
fault tile-left-out-by-the-wrong-rows "$k" $f 's/now.pattern, part\)/now.pattern, 0)/'
fault window-off-by-one "$k" attention_softmax.h 's/columns_before\(keys.hi\)/columns_before(keys.hi + 1)/'
fault maximum-from-half-a-row "$k" attention_softmax.h \
    's/most = fmaxf\(most, __shfl_xor_sync\(0xffffffffu, most, 2\)\);//'
f=attention_backward_sm80.cu k='attn_backward/flash/sm80'
fault no-barrier-before-queries "$k" $f 's|__syncthreads\(\);( +/\* this tile)|\1|'
fault columns-of-the-other-warp "$k" $f 's/td \+ first \* D \+ column/td + first * D/'
fault vectors-not-kept "$k" $f 's/keep\(coming, buffer \^ 1\);//'
fault mask-of-the-next-key "$k" $f 's/(spans \+ buffer \* TILE \+ first, own)/\1 + 1/'
fault hidden-weights-kept "$k" $f 's/hide<PART>\(s, seen, 0.0f\);//'
fault delta-forgotten "$k" $f 's/\(dp - delta\)/dp/'
f=attention_decode_sm80.cu k='attn_decode/split_k/sm80'
fault unchanged-decode "$k" $f ''
fault tile-not-waited-for "$k" $f 's/cp_async_wait<0>/cp_async_wait<1>/'
fault no-barrier-before-tile "$k" $f "s|__syncthreads\(\);( +/\* everyone's)|\1|"
fault no-barrier-before-states-meet "$k" $f '/__syncthreads\(\);$/{N;/for \(int r = warp/s/__syncthreads\(\);//}'
fault pieces-overlap "$k" $f 's/piece \* cut.visits/piece * (cut.visits - 1)/'
fault last-piece-forgotten "$k" $f 's/step, pieces, p.d_v_size/step, pieces - 1, p.d_v_size/'
fault head-of-the-next-block "$k" $f 's/\(first_head \+ head\)/(first_head + head + 1)/'
f=attention_forward_sm90.cu k='attn_forward/flash/sm90'
fault unchanged-sm90 "$k" $f ''
fault keys-not-waited-for "$k" $f 's/mbar_wait\(r.k_full \+ stage_of<STAGES>\(n\),.*//'
fault values-not-waited-for "$k" $f 's/mbar_wait\(r.v_full \+ stage, parity_of<STAGES>\(n\)\);//'
fault keys-into-the-buffer-in-use "$k" $f 's/mbar_wait\(r.k_empty \+ stage, parity \^ 1\);//'
fault wrong-phase "$k" $f 's/mbar_wait\(r.v_empty \+ stage, parity \^ 1\)/mbar_wait(r.v_empty + stage, parity)/'
fault scores-not-waited-for "$k" $f 's|wg_wait<1>\(\); /\* the scores|wg_wait<2>(); /* the scores|'
fault values-let-go-early "$k" $f 's|wg_wait<0>\(\); /\* this tile|wg_wait<1>(); /* this tile|'
fault too-few-bytes-expected "$k" attention_sm90.h 's/mbar_arrive_tx\(full, ROWS \* D \* 2\)/mbar_arrive_tx(full, ROWS * D)/'
fault wrong-step-along-a-row "$k" $f 's/c % 4 \* 32\), c > 0/c % 4 * 64), c > 0/'
fault wrong-step-between-rows "$k" $f 's/BN \* 128, 1024\)/BN * 128, 512)/'
fault next-queries-too-early "$k" $f 's/mbar_wait\(r.q_empty \+ slot, parity_of<ITEMS>\(m\) \^ 1\);//'
fault seen-tile-passed-by "$k" $f 's/strip_some<PARTS>\(&p.s, x.pattern, group - 1\)/strip_some<PARTS>(\&p.s, x.pattern, 0)/'
fault half-a-tile-not-looked-at "$k" attention_walk.h 's/(some >> .*)\(1u << KEYS\) - 1/\11u/'
fault pass-without-waiting "$k" $f '/auto pass/,/};/s/mbar_wait\(r.k_full.*//'
fault masks-left-out "$k" $f 's/strip_all<PARTS>\(&p.s, x.pattern, group - 1\)/true/'
fault sums-not-rescaled "$k" $f '/weigh\(\);/{n;s/rescale.*//}'
fault outputs-overwritten "$k" $f 's|store\(\); /\* the item before.*||; s|store\(\); /\* unless it was.*||'
fault stored-as-the-next-item "$k" $f 's/^( +)done = x;/\1done = taken[stage_of<ITEMS>(m + 1)];/'
fault mask-of-another-row "$k" $f 's/(columns_seen\(&p.s, x.pattern, row), seen/\1 + 8, seen/'
f=attention_backward_sm90.cu k='attn_backward/flash/sm90'
fault unchanged-backward-sm90 "$k" $f ''
fault halves-not-waited-for "$k" $f 's/mbar_wait\(full \+ stage, parity\);/;/'
fault half-let-go-early "$k" $f 's/mbar_init\(empty \+ i, 4 \* CONSUMERS\)/mbar_init(empty + i, 4 * CONSUMERS - 4)/'
fault sums-not-waited-for "$k" $f '/sums\(of_scores, gradients/,/let_go/s/wg_wait<0>/wg_wait<1>/'
fault half-of-scores-not-waited-for "$k" $f 's|wg_wait<1>\(\); /\* S|wg_wait<2>(); /* S|'
fault half-let-go-before-its-sums "$k" $f 's|wg_wait<0>\(\); /\* before.*||'
fault vectors-of-the-wrong-head "$k" $f 's/\+ notes\[stage\].head\) \* p.q_len/) * p.q_len/'
fault mask-of-the-other-half "$k" $f 's/>>= n % 2 \* \(HALF \/ 4\)/>>= 0/'
fault spans-of-the-other-half "$k" $f 's/pattern, row % TILE\)/pattern, row % HALF)/'
fault half-that-is-seen-skipped "$k" $f 's/part_some<PARTS>\(&p.s, pattern, KEYS \? n % 2/part_some<PARTS>(\&p.s, pattern, KEYS ? 0/'
fault half-let-go-twice "$k" $f '/if \(!concerns/{n;s/(let_go.*)/\1 \1/}'
fault first-half-only "$k" $f 's/row \+= HALF, n\+\+/row += TILE, n++/'
# What is taken out of a tile must show in the rows that see it.
for k in attn_forward/flash/sm80 attn_backward/flash/sm80 attn_decode/split_k/sm80 attn_forward/flash/sm90 \
    attn_backward/flash/sm90; do
    op=${k#attn_}
    fault "not-finite-not-shown-${op%%/*}-${k##*/}" "$k" "attention_${op%%/*}_${k##*/}.cu" \
        's/^( +)poison<.*/\1;/' 'property/shows*'
done
fault not-finite-shown-by-the-next "$k" attention_softmax.h 's/(marks\[i \* 8 \+ e % 2)\] == stamp/\1 + 1] == stamp/' 'property/shows*'
echo "1..$count"
exit $failed
