# SPDX-License-Identifier: Apache-2.0
# One page from finished results, alone and of several folders; folders without results.
charts=yes
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
tiny >tiny.yaml

code 0 "run" run tiny.yaml --threads 1
code 0 "report" report results/tiny
for f in report.html report.md report.csv; do
    check "$f" [ -s "results/tiny/$f" ]
done
check "the page is whole" grep -q '</html>' results/tiny/report.html
check "nothing is loaded" sh -c '! grep -Eq "(src|href)=\"?(http|/|[.])" results/tiny/report.html'
check "results hold losses by segment" sh -c 'grep -q "tokens_each" results/tiny/*.json'
sed 's/"git_dirty": [a-z]*/"git_dirty": true/' -i results/tiny/????????????????.json
code 0 "report of a changed tree" report results/tiny
check "which says so" grep -q 'git checkout .*uncommitted changes' results/tiny/report.html
check "so do captions" grep -q 'caption = .*and changes' results/tiny/data/settings.gp
sed 's/"git_dirty": [a-z]*/"git_dirty": false/' -i results/tiny/????????????????.json
code 0 "of a clean one" report results/tiny
check "says nothing" sh -c '! grep -q "uncommitted changes" results/tiny/report.html'
cp results/tiny/report.md first.md
code 0 "report again" report results/tiny
check "the same numbers again" cmp -s first.md results/tiny/report.md
code 2 "two folders need --out" report results/tiny results/tiny
code 0 "two folders" report results/tiny results/tiny --out both
check "two sections" [ "$(grep -c '<h2>' both/report.html)" -eq 2 ]
code 2 "no such folder" report results/none
cat >rules.yaml <<END
experiment: rules
kind: plan
model: {layers: 4}
attention: {sparse: {variant: sliding_window, window: 16}}
corpus: {type: recall}
sweep:
  - attention.placement: [{periodic: {every: 2, offset: 0}}, {periodic: {every: 4, offset: 3}}]
END
code 0 "plans of two periodic rules" run rules.yaml
for rule in 'every 2 from 0' 'every 4 from 3'; do
    check "a symbol of its own: $rule" grep -q "family.*, $rule\"" results/rules/*.json
done

# What the page says of how to get the same results is true, --set included.
tiny >here.yaml
code 0 "another length" run here.yaml --threads 1 --set model.width=32 --results set
code 0 "its page" report set/tiny
again=$(grep -o 'masbench run .*--threads [0-9]*' set/tiny/report.html | sed "s/^masbench //; s/&#39;//g")
check "names a command" [ -n "$again" ]
cp set/tiny/experiment.json .
code 0 "which runs" $again
for f in set/tiny/????????????????.json; do
    check "the same point" [ -s "again/tiny/$(basename "$f")" ]
done
code 0 "and belongs to the recorded results" run experiment.json --results set
holds err '(6 of them were there already)' "with all their points"

mkdir empty
code 3 "nothing in it" report empty
finish
