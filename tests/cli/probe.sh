# SPDX-License-Identifier: Apache-2.0
# explain --probe: what a changed token moves, against the plan.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

tiny >tiny.yaml
code 0 "the plan is as built" explain tiny.yaml --probe --threads 1
holds out 'agrees with the plan' "agreement is said"
holds out 'after layer   0  \.*[#+]' "a layer is drawn"
check "points that differ in the seed are probed once" sh -c "[ \$(grep -c 'same attention as point' out) -eq 3 ]"
check "nothing was created" absent results
code 0 "two tokens" explain tiny.yaml --probe --token 3 --token 0 --threads 1
check "both are probed" sh -c "grep -q 'token 3 ' out && grep -q 'token 0 ' out"
code 0 "under --cpu scalar" explain tiny.yaml --probe --threads 1 --cpu scalar
code 0 "in bf16" explain tiny.yaml --probe --threads 1 --set model.dtype=bf16
code 2 "a token past the end" explain tiny.yaml --probe --token 100000
holds out 'cannot be changed' "is named"
code 2 "a token that is none" explain tiny.yaml --probe --token x
code 2 "a token without a probe" explain tiny.yaml --token 1
printf 'experiment: k\nkind: kernel\n' >kernel.yaml
code 2 "a kernel has no model" explain kernel.yaml --probe
finish
