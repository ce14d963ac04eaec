# SPDX-License-Identifier: Apache-2.0
# What ptxas says of the attention kernels for 9.0: registers of each, no spills, and that products of warpgroups overlap
# (a compiler short of registers runs them one after the other, and only remarks on it).
#   sh registers.sh NVCC SOURCE-ROOT
nvcc=$1 root=$2
log=$(mktemp "${TMPDIR:-/tmp}/masbench-registers.XXXXXX")
trap 'rm -f "$log"' EXIT
count=0
failed=0

# kernels SOURCE CODE
kernels() {
    count=$((count + 1))
    "$nvcc" -O3 -std=c++20 -I"$root" -I"$root/kernels/include" -gencode="arch=compute_$2,code=sm_$2" -Xptxas=-v \
        -cubin -o /dev/null "$root/kernels/cuda/$1.cu" >"$log" 2>&1
    status=$?
    # one line a kernel: its name, then what it uses
    awk '/Compiling entry function/ { split($0, part, "\047"); name = part[2] }
        /spill stores/ { spill = $5 + $9 }
        /Used [0-9]+ registers/ { print "# " $5 " registers, " spill " bytes spilled: " name; seen++; bad += spill > 0 }
        END { exit bad > 0 || !seen }' "$log" || status=1
    if grep -m 1 'serialized' "$log" | sed 's/^/# /' | grep .; then status=1; fi
    if [ $status -eq 0 ]; then
        echo "ok $count - $1 for sm_$2"
    else
        echo "not ok $count - $1 for sm_$2"
        failed=1
    fi
}

kernels attention_forward_sm90 90a
kernels attention_backward_sm90 90a
echo "1..$count"
exit $failed
