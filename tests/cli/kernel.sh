# SPDX-License-Identifier: Apache-2.0
# An experiment that times kernels: checked, timed, recorded, resumed, drawn.
. "$(dirname "$0")/lib.sh"
quick=$here/../../experiments/throughput_quick.yaml
cd "$work" || exit 1
small="--threads 1 --set kernel.length=320 --set kernel.q_heads=2 --set measure.seconds=0.01 --set measure.min_samples=2"

code 0 "--dry-run" run "$quick" --dry-run $small
holds out '^12 points of 12 cells' "twelve points"
holds out 'attn_backward/' "the kernels are named"
code 0 "explain" explain "$quick" $small
holds out 'FLOPs a run = ' "each point is explained"
check "nothing was created" absent results

code 0 "run" run "$quick" $small
folder=results/throughput_quick
check "a result a point" [ "$(results $folder)" -eq 12 ]
check "all are ok" [ "$(with_status $folder ok)" -eq "$(results $folder)" ]
for key in useful_gflops executed_gflops rate_vs_full full_useful_gflops speedup_vs_full predicted_speedup visited_tiles \
    scheduled_tiles workspace_bytes warmup_runs steady refusals kernel tile worst_ratio threads; do
    check "every result has $key" sh -c "[ \$(grep -l '\"$key\": ' $folder/????????????????.json | wc -l) -eq $(results $folder) ]"
done
check "bandwidth of decoding only" sh -c "grep -l '\"bytes_per_second\"' $folder/*.json | xargs grep -L '\"op\": \"decode\"' | { ! grep -q .; }"
holds out 'GFLOP/s' "a table"
check "no line of it ends in a blank" sh -c "! grep -q ' $' $work/out"
check "no column where nothing was slowed down" sh -c "! grep -q 'slowed by' $work/out"
check "a table as CSV" grep -q '^id,op,variant' $folder/table.csv
check "data of the charts" [ -s $folder/data/kernels.tsv ]

# A shape of heads is a panel of its own, as long as all fit.
shapes() {
    cat <<END
experiment: shapes
kind: kernel
kernel: {length: 64}
measure: {warmup: 0, min_samples: 2, max_samples: 2, seconds: 0.01}
sweep:
  - kernel.q_heads: [4, 2]
    kernel.kv_heads: [2, 2]
  - kernel.head_dim: [$1]
END
}
shapes '16, 32' >shapes.yaml
code 0 "four shapes" run shapes.yaml --threads 1
check "four panels" grep -q "^panels = 4" results/shapes/data/settings.gp
check "their names" grep -q "'forward, f32, 4/2 heads of 32'" results/shapes/data/settings.gp
shapes '16, 32, 48, 64' >shapes.yaml
code 0 "eight shapes" run shapes.yaml --threads 1 --results many
check "the first alone" grep -q "^panels = 1" many/shapes/data/settings.gp
check "named below" grep -q "caption = .*4/2 heads of 16" many/shapes/data/settings.gp

# One result is taken away: only that one runs again.
victim=$(find $folder -name '????????????????.json' | head -n 1)
rm "$victim"
touch stamp
code 0 "resume" run "$quick" $small
check "the missing one is back" [ -s "$victim" ]
check "the others are untouched" sh -c "[ \$(find $folder -name '????????????????.json' -newer stamp | wc -l) -eq 1 ]"
code 2 "another measure is another experiment" run "$quick" $small --set kernel.head_dim=32
holds err 'kernel.head_dim' "the changed key is named"
code 0 "shards" run "$quick" $small --results shards --shard 1/2
first=$(results shards/throughput_quick)
code 0 "the other shard" run "$quick" $small --results shards --shard 2/2
check "together they have all points" [ "$first" -lt "$(results $folder)" -a "$(results shards/throughput_quick)" -eq "$(results $folder)" ]

# Two kernels side by side.
cat >named.yaml <<'END'
experiment: named
kind: kernel
kernel: {q_heads: 1, length: 200}
measure: {warmup: 1, min_samples: 2, max_samples: 2, seconds: 0}
attention: {full_layers: 1}
sweep:
  - kernel.name: ["*/naive/*", "attn_forward/*", "*/nobody/*"]
END
code 0 "explain names" explain named.yaml
holds out 'attn_forward/naive/reference' "the kernel that is called so"
holds out "no forward kernel is called '\*/nobody/\*'" "the one that is not there"
code 1 "run names" run named.yaml --threads 1
check "two are timed" [ "$(with_status results/named ok)" -eq 2 ]
check "two samples cannot tell whether they are steady" sh -c "[ \$(grep -l '\"steady\": null' results/named/????????????????.json | wc -l) -eq 2 ]"
check "one by that kernel" sh -c "[ \$(grep -l '\"kernel\": \"attn_forward/naive/reference\"' results/named/????????????????.json | wc -l) -eq 1 ]"
check "the third says why not" grep -q "no forward kernel is called" results/named/????????????????.json

# Full attention does not fit the memory here, the window does: the point keeps its own time.
cat >alone.yaml <<'END'
experiment: alone
question: Does a point keep its own time when full attention does not fit?
kind: kernel
kernel: {op: backward, q_heads: 1, length: 4096}
measure: {warmup: 1, min_samples: 2, max_samples: 2, seconds: 0}
attention: {full_layers: 0, sparse: {variant: sliding_window, window: 64}}
limits: {memory: 16MiB}
END
code 0 "a comparison that does not fit" run alone.yaml --threads 1
check "the point is ok" [ "$(with_status results/alone ok)" -eq 1 ]
check "and timed" grep -q '"median": 0\.' results/alone/????????????????.json
check "without the comparison" grep -q '"rate_vs_full": null' results/alone/????????????????.json
check "which says why" grep -q '"full_error": ".*memory limit' results/alone/????????????????.json
finish
