# SPDX-License-Identifier: Apache-2.0
# What ptxas says of the attention kernels for 9.0: registers of each, no spills, and that products of warpgroups overlap
# (where a compiler is short of registers, or finds one used too early, it makes products wait, and only remarks on it).
# And, where nvdisasm is installed, two things of which it says nothing: it may wait for a product before the exponentials
# that are to be computed beside it, and it may take numbers that a warp has one of for numbers of each lane, and move
# them over before every instruction of a product.
#   sh registers.sh NVCC SOURCE-ROOT
nvcc=$1 root=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/masbench-registers.XXXXXX")
trap 'rm -rf "$work"' EXIT
count=0
failed=0

report() {
    count=$((count + 1))
    [ "$1" = ok ] || failed=1
    echo "$1 $count - $2"
}

# fine SOURCE: is there nothing to complain of in its kernels?
fine() {
    "$nvcc" -O3 -std=c++20 -I"$root" -I"$root/kernels/include" -gencode=arch=compute_90a,code=sm_90a -Xptxas=-v \
        -cubin -o "$work/cubin" "$1" >"$work/log" 2>&1 || return 2
    # one line a kernel: its name, then what it uses
    awk '/Compiling entry function/ { split($0, part, "\047"); name = part[2] }
        /spill stores/ { slow = $1 + $5 + $9 } # stack frame, stores, loads
        /Used [0-9]+ registers/ { print "# " $5 " registers, " slow " bytes of stack and spills: " name; seen++; bad += slow > 0 }
        /serialized|is injected/ { print "# " $0; bad++ }
        END { exit bad > 0 || !seen }' "$work/log"
}

# exponentials LEAST: that many between the wait for scores, with another product under way, and the wait for that one?
exponentials() {
    awk -v least="$1" '/DEPBAR.LE gsb0, 0x1/ { between = 1; count = 0 }
        /MUFU.EX2/ { count += between }
        /DEPBAR.LE gsb0, 0x0/ { if (between) { seen++; bad += count < least; print "# " count " exponentials" } between = 0 }
        END { exit bad > 0 || !seen }' "$work/code"
}
# one_a_warp: are no more than 2 numbers moved over between two instructions of a product?
one_a_warp() {
    awk '/HGMMA/ { bad += inside && moved > 2; seen += inside; inside = 1; moved = 0 }
        /gsb0/ { inside = 0 } # the last of a product, or a wait
        /R2UR/ { moved++ }
        END { exit bad > 0 || !seen }' "$work/code"
}

nvdisasm=$(command -v nvdisasm || ls "$(dirname "$(readlink -f "$(command -v "$nvcc")")")/nvdisasm" 2>/dev/null)
for kernel in backward forward; do
    fine "$root/kernels/cuda/attention_${kernel}_sm90.cu" && status=ok || status='not ok'
    report "$status" "attention_${kernel}_sm90"
    if [ -z "$nvdisasm" ]; then
        report ok "its exponentials beside a product # SKIP nvdisasm is not installed"
        report ok "what a warp has one of # SKIP nvdisasm is not installed"
        continue
    fi
    "$nvdisasm" -c "$work/cubin" >"$work/code"
    # 32 a thread where tiles have 64 keys; backward, in each of four versions but for one or two
    [ $kernel = forward ] && least=32 || least=120
    exponentials $least && status=ok || status='not ok'
    report "$status" "its exponentials beside a product"
    one_a_warp && status=ok || status='not ok'
    report "$status" "what a warp has one of"
done

# noticed WHAT SOURCE: it builds, and is not fine
noticed() {
    fine "$2" >"$work/said"
    [ $? -eq 1 ] && status=ok || status='not ok'
    report "$status" "noticed: $1"
}
cat >"$work/spilled.cu" <<'END'
__global__ void __launch_bounds__(1024, 2) spilled(const float *in, float *out)
{
    float x[64];
    for (int i = 0; i < 64; i++)
        x[i] = in[i * 1024 + threadIdx.x];
    __syncthreads();
    for (int i = 0; i < 64; i++)
        out[(63 - i) * 1024 + threadIdx.x] = x[i] * x[63 - i];
}
END
noticed 'more numbers than registers' "$work/spilled.cu"
cat >"$work/early.cu" <<'END'
#include "kernels/cuda/simt/hopper.h"
__global__ void early(uint64_t a, uint64_t b, float *out)
{
    float sums[8][4] = {};
    wg_fence();
    wgmma_shared<MAS_DTYPE_BF16, 64>(sums, a, b, false);
    wg_commit();
    sums[0][0] += 1.0f;
    wg_wait<0>();
    for (int i = 0; i < 8; i++)
        for (int e = 0; e < 4; e++)
            out[(i * 4 + e) * 128 + threadIdx.x] = sums[i][e];
}
END
noticed 'a sum used before it is there' "$work/early.cu"
echo '__device__ int nothing;' >"$work/none.cu"
noticed 'no kernel' "$work/none.cu"
echo "1..$count"
exit $failed
