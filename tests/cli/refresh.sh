# SPDX-License-Identifier: Apache-2.0
# What follows from recorded plans alone, computed again.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
mkdir scratch
export TMPDIR="$work/scratch"
tiny >tiny.yaml
code 0 "run" run tiny.yaml --threads 1 --set 'attention.sparse={variant: block_sparse, block: 32}' --set 'sweep=[{attention.full_layers: [0, 1]}]'
cp -r results/tiny kept

code 0 "of fresh results" refresh results/tiny
holds out '^2 points, 0 changed' "nothing changes"
check "not a byte" diff -r results/tiny kept
one=$(grep -l '"letters": "SS"' results/tiny/????????????????.json)
check "own blocks are never left" grep -q '"reach": 32,' "$one"
check "nor by the floor" grep -q '"sparse_reach_tokens": 32' "$one"

sed -i 's/"reach": 32,/"reach": 63,/; s/"sparse_reach": [0-9.]*/"sparse_reach": 2.5/' "$one"
cp "$one" wrong
code 0 "what would change" refresh --dry-run results/tiny
holds out "$(basename "$one")  plan.reach: 63 -> 32" "is named with both values"
holds out 'floors.sparse_reach: 2.5 -> 3' "the floor, too"
holds out '^2 points, 1 would change' "and counted"
check "and not written" same "$one" wrong
code 0 "written" refresh results/tiny
holds out '^2 points, 1 changed' "one result"
check "every file is as it was made" diff -r results/tiny kept
check "nothing is left behind" [ -z "$(ls scratch)" ]

sed -i 's/"seq_len": 128/"seq_len": 64/' "$one"
code 2 "an edited point is refused" refresh results/tiny
holds err "$(basename "$one"): its point has the id" "and named"
code 2 "no such folder" refresh none
finish
