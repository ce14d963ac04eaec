# SPDX-License-Identifier: Apache-2.0
# What a run would do, without doing it.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

code 0 "--dry-run of the sweep" run "$here/case11.yaml" --dry-run
holds out '^42 points of 54 cells' "42 distinct points, not 54"
check "each point is listed once" sh -c "[ \$(grep -c 'seed [12] ' out) -eq 42 ]"
check "points without full layers have no placement" sh -c "[ \$(grep -c ' SSSSSSSS ' out) -eq 6 ]"
holds out 'SSFFFFSS' "middle is drawn"
holds out 'attn_forward/' "the kernels are named"
cp out first
code 0 "--list is the same" run "$here/case11.yaml" --list
check "same output" same first out
code 0 "--set changes the sweep" run "$here/case11.yaml" --list --set model.layers=6
holds out 'SSFFSS' "six layers"
tiny >tiny.yaml
code 0 "explain" explain tiny.yaml --threads 1
holds out '(left, right) = (15, 0)' "the window in other words"
holds out '16 visible keys, self included' "the window in plain words"
holds out '# # #' "a mask is drawn"
holds out 'memory .*weights' "memory by category"
holds out 'reach of the stack 31 of 128' "receptive field"
holds out 'expected time' "expected time"
code 0 "explain of own blocks" explain tiny.yaml --threads 1 --set 'attention.sparse={variant: block_sparse, block: 32}'
holds out 'reach of the stack 32 of 128' "own blocks are never left"
code 0 "explain under --cpu scalar" explain tiny.yaml --threads 1 --cpu scalar
holds out 'refused: attn_forward' "why better kernels are refused"
code 0 "without a corpus --dry-run goes on" run tiny.yaml --dry-run --set corpus.type=text --set 'corpus.paths=[nowhere.txt]' \
    --set training.seq_len=64
holds err 'warning: .*nothing matches nowhere.txt' "and warns"
check "once for all points" [ "$(grep -c warning err)" -eq 1 ]
code 0 "so does explain" explain tiny.yaml --threads 1 --set corpus.type=text --set 'corpus.paths=[nowhere.txt]'
holds err 'nothing matches nowhere.txt' "and warns, too"
code 0 "explain names a reason once" explain tiny.yaml --threads 1 --cpu scalar
check "for each operation" [ "$(grep -c 'refused: attn_forward/flash/avx2' out)" -eq 1 ]
holds out 'refused: as above' "and refers to it"
plans 256 >plan.yaml
code 0 "explain of plans" explain plan.yaml
holds out 'FLOPs a pass' "costs of one pass"
check "none of them 0" sh -c "! grep -Eq ' 0$' out"
tiny | sed '/^sweep:/,$d; s/heads: 2/heads: 1/' >one.yaml
code 0 "explain of one" explain one.yaml --threads 1
holds out '^1 point of 1 cell of' "one point of one cell"
holds out ': 1 query head, 1 key/value head,' "one head"
holds out 'with 1 thread, 1 point at a time' "one thread"
check "nothing was created" absent results
finish
