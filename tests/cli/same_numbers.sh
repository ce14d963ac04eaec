# SPDX-License-Identifier: Apache-2.0
# Threads and shards change who computes, never what comes out; --set changes exactly what it names.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
tiny >tiny.yaml

code 0 "one thread" run tiny.yaml --threads 1 --results one
check "where the time went is recorded, with the peak" [ "$(grep -l '"name": "matmul_weight_gradient"' one/tiny/????????????????.json | xargs grep -l '"peak_flops_per_second": [1-9]' | wc -l)" -eq 6 ]
numbers one/tiny >expected
check "six results" [ "$(results one/tiny)" -eq 6 ]
code 0 "two threads" run tiny.yaml --threads 2 --results two
numbers two/tiny >got
check "two threads give the same bits" same expected got

code 0 "shard 1/2" run tiny.yaml --threads 1 --results parts --shard 1/2
check "half of the points" [ "$(results parts/tiny)" -eq 3 ]
holds err "other shards" "says that others are missing"
code 0 "shard 2/2" run tiny.yaml --threads 1 --results parts --shard 2/2
check "all points" [ "$(results parts/tiny)" -eq 6 ]
numbers parts/tiny >got
check "shards give the same bits" same expected got

"$program" run tiny.yaml --threads 1 --results both >/dev/null 2>&1 </dev/null &
first=$!
code 0 "two processes in one folder: one" run tiny.yaml --threads 1 --results both
check "two processes in one folder: the other" wait $first
numbers both/tiny >got
check "the same bits" same expected got
code 0 "--set" run tiny.yaml --threads 1 --results set --set model.width=32 --set training.tokens=1e3
check "--set reaches every point" [ "$(grep -l '"width": 32' set/tiny/????????????????.json | wc -l)" -eq 6 ]
code 0 "scalar kernels" run tiny.yaml --threads 1 --results scalar --cpu scalar --shard 1/6
check "the kernel that ran is recorded" grep -q '"forward_kernel": "attn_forward/naive/reference"' scalar/tiny/????????????????.json
finish
