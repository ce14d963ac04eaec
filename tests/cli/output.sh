# SPDX-License-Identifier: Apache-2.0
# Tables, data and charts; gnuplot missing; a disk that is full.
charts=yes
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
tiny >tiny.yaml

code 0 "run" run tiny.yaml --threads 1
holds out '^variant .*attention cost .*perplexity' "a table on the output"
check "no escape codes off a terminal" sh -c "! grep -q '$(printf '\033')' out err"
for f in table.md table.csv data/points.tsv data/cost_quality.tsv data/loss_by_position.tsv data/training_curves.tsv \
    data/front.tsv data/settings.gp data/common.gp data/cost_quality.gp; do
    check "$f" [ -s "results/tiny/$f" ]
done
check "table.csv has a row a point" [ "$(wc -l <results/tiny/table.csv)" -eq 7 ]
if command -v gnuplot >/dev/null; then
    for c in cost_quality loss_by_position training_curves loss_by_distance; do
        check "$c.svg" [ -s results/tiny/$c.svg ]
        check "$c.png" [ -s results/tiny/$c.png ]
    done
    rm results/tiny/cost_quality.svg
    code 0 "plot again" plot results/tiny
    check "drawn again" [ -s results/tiny/cost_quality.svg ]
    mkdir broken && cp -r "$here/../../plots" broken/
    sed -i 's/^ *plot /    nonsense; plot /' broken/plots/cost_quality.gp
    cp results/tiny/cost_quality.svg before.svg
    export MASBENCH_DATA="$work/broken"
    code 0 "a chart that cannot be drawn" plot results/tiny
    holds err 'could not draw .*cost_quality.gp' "is named"
    check "the one of before is whole" same before.svg results/tiny/cost_quality.svg
    unset MASBENCH_DATA
    code 0 "the scripts of before" plot results/tiny
    rm results/tiny/cost_quality.svg
    check "the scripts stand on their own" sh -c "cd results/tiny/data && gnuplot cost_quality.gp"
    check "drawn by hand" [ -s results/tiny/cost_quality.svg ]
fi
# Charts that need several placements or lengths, and only those.
for f in placement_heat memory_by_length quality_by_context; do
    check "no $f without a reason" absent results/tiny/data/$f.gp
done
sed -e '/^sweep:/,$d' -e 's/experiment: tiny/experiment: places/' tiny.yaml >places.yaml
cat >>places.yaml <<'END'
sweep:
  - training.seq_len: [64, 128]
  - attention:
      - {full_layers: 1, placement: bottom}
      - {full_layers: 1, placement: top}
      - {full_layers: 2}
END
code 0 "placements at two lengths" run places.yaml --threads 1
check "six plans" [ "$(grep -c '	6$' results/places/data/placement_heat.tsv)" -eq 6 ]
check "memory of two lengths" [ "$(grep -c '^64	' results/places/data/memory_by_length.tsv)" -eq 3 ]
plans 64 128 256 >plan.yaml
code 0 "plans at three lengths" run plan.yaml
check "their memory" [ -s results/plan/data/memory_by_length.tsv ]
sed -e '/^sweep:/,$d' -e 's/experiment: tiny/experiment: contexts/' tiny.yaml >contexts.yaml
cat >>contexts.yaml <<'END'
sweep:
  - evaluation.context: [64, 128]
  - seed: [1, 2]
  - attention.full_layers: [0, 2]
END
code 0 "two lengths of evaluation" run contexts.yaml --threads 1
check "a line a plan" [ "$(grep -c '^# context' results/contexts/data/quality_by_context.tsv)" -eq 2 ]
check "two seeds a length" [ "$(grep -c '	2$' results/contexts/data/quality_by_context.tsv)" -eq 4 ]
# More plans than fit a key of the usual size: all are named, in one column.
sed -e '/^sweep:/,$d' -e 's/experiment: tiny/experiment: many/' tiny.yaml >many.yaml
cat >>many.yaml <<'END'
sweep:
  - attention.full_layers: [0]
  - attention.sparse.window: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]
END
code 0 "thirty plans" run many.yaml --threads 2
code 0 "one page" report results/plan
if command -v gnuplot >/dev/null; then
    for c in contexts/quality_by_context places/placement_heat places/memory_by_length places/recall_by_distance plan/memory_by_length; do
        check "$c.svg" [ -s results/$c.svg ]
        check "$c.png" [ -s results/$c.png ]
    done
    for c in cost_quality quality_by_full_layers; do
        grep -B3 'window [0-9]*</' results/many/$c.svg | grep -o 'translate([0-9.]*' | sort | uniq -c >names
        check "$c names thirty plans" [ "$(grep -c '<text>window [0-9]*</' results/many/$c.svg)" -eq 30 ]
        check "in one column" grep -q '^ *30 ' names
    done
    check "twelve of thirty are lines" grep -q '12 of 30 plans' results/many/loss_by_position.svg
    check "the page shows it" grep -q 'Memory by length' results/plan/report.html
    code 0 "one page of both" report results/places results/plan --out page
    check "with the plans" grep -q 'Layer plans, best first' page/report.html
    check "gnuplot had nothing to say" sh -c '! grep -q warning err'
fi
rm -rf results/tiny/data results/tiny/*.svg
mkdir none
got=0
PATH=$work/none "$program" plot results/tiny >out 2>err || got=$?
check "without gnuplot: fine" [ "$got" -eq 0 ]
holds err 'gnuplot is not installed' "one line says so"
check "data and scripts are still written" [ -s results/tiny/data/cost_quality.gp ]

# A file size limit whose signal is ignored makes writes fail as a full disk does.
got=0
(trap '' XFSZ; ulimit -f 4; "$program" run tiny.yaml --threads 1 --results full >out 2>err) || got=$?
check "a full disk ends the run ($got)" [ "$got" -eq 2 -o "$got" -eq 3 ]
holds err 'cannot write' "and says so"
check "no half files" [ "$(temporaries full)" -eq 0 ]
check "what is there is whole" sh -c 'for f in full/tiny/*.json; do [ ! -e "$f" ] || [ "$(tail -n 1 "$f")" = "}" ] || exit 1; done'

# At the first point the run has started.
got=0
(trap '' XFSZ; ulimit -f 16; exec "$program" run tiny.yaml --threads 1 --results fuller >out 2>err) || got=$?
check "a disk that fills up leaves it incomplete ($got)" [ "$got" -eq 3 ]
check "after it began" [ -s fuller/tiny/experiment.json ]
mkdir data
for command in 'run tiny.yaml' 'plot results/tiny' 'report results/tiny'; do
    got=0
    MASBENCH_DATA=$work/data "$program" $command >out 2>err || got=$?
    check "$command without chart scripts: fine ($got)" [ "$got" -eq 0 ]
    holds err 'warning: no charts drawn: .*MASBENCH_DATA' "says so"
done

# Tables, data and the page of before stay whole where new ones cannot be written.
code 0 "one page" report results/tiny
everything() { (cd results/tiny && find . -type f | sort | xargs cksum); }
everything >before
for command in plot report; do
    got=0
    (trap '' XFSZ; ulimit -f 1; PATH=$work/none exec "$program" $command results/tiny >/dev/null 2>err) || got=$?
    check "$command on a full disk is incomplete ($got)" [ "$got" -eq 3 ]
    holds err 'cannot write' "says so"
    everything >after
    check "what was there is still whole" same before after
done

sed 's/^training:.*/training: {tokens: 4096, seq_len: 128, batch_tokens: 256, learning_rate: 1000, weight_decay: 100, clip: 0}/' tiny.yaml >wild.yaml
code 1 "diverging points are recorded" run wild.yaml --threads 1 --results wild
check "with their status" [ "$(with_status wild/tiny diverged)" -ge 1 ]
code 1 "and kept" run wild.yaml --threads 1 --results wild
holds err 'were there already' "not run again"
code 1 "--retry-failed runs them again" run wild.yaml --threads 1 --results wild --retry-failed
finish
