# SPDX-License-Identifier: Apache-2.0
# Recorded points once more: the same bits, or what differs is named; and a run that is killed in the middle.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
tiny >tiny.yaml
mkdir scratch
export TMPDIR="$work/scratch"

code 0 "run" run tiny.yaml --threads 1
code 0 "the same again, all points" verify results/tiny --points 6
check "six are the same" [ "$(grep -c '^same ' out)" -eq 6 ]
holds out '6 same, 0 differ, 0 not comparable, 0 not run' "and counted"
holds out '^id .*point .*recorded' "recorded times are shown first"
code 0 "two of them, kept" verify results/tiny --points 2 --seed 5 --results kept --threads 1
check "two were drawn" [ "$(grep -c '^same ' out)" -eq 2 ]
check "two were kept" [ "$(results kept)" -eq 2 ]
grep '^same ' out | cut -d: -f1 >drawn
code 2 "a folder that holds something is refused" verify results/tiny --results kept
holds err 'holds something already' "and named"
code 0 "the same seed" verify results/tiny --points 2 --seed 5
grep '^same ' out | cut -d: -f1 >again
check "draws the same points" same drawn again
check "nothing is left behind" [ -z "$(ls scratch)" ]

# edit FILE SCRIPT: a folder with a changed copy of one result
edit() {
    rm -rf edited
    mkdir edited
    cp results/tiny/experiment.json edited
    sed "$2" "results/tiny/$1" >"edited/$1"
}
one=$(cd results/tiny && ls ????????????????.json | head -n 1)
edit "$one" 's/"nats": [0-9.]*,/"nats": 1.25,/'
code 1 "an edited loss is caught" verify edited
holds out '^differs ' "as a difference"
holds out 'quality.nats: 1.25 -> ' "and named with both values"
cp -r results/tiny mixed
cp "edited/$one" mixed
code 1 "among others" verify mixed --points 6
check "the others are the same" [ "$(grep -c '^same ' out)" -eq 5 ]
edit "$one" 's/"visited_tiles": [0-9]*/"visited_tiles": 7/'
code 1 "an edited count is caught" verify edited
holds out 'plan.layer\[0\].visited_tiles: 7 -> ' "and named"
edit "$one" '/"step_losses"/s/\[[0-9.]*/[9.5/'
code 1 "an edited loss of a step is caught" verify edited
holds out 'training.step_losses\[0\]: 9.5 -> ' "and named"
edit "$one" 's/"width": 16/"width": 32/'
code 3 "an edited point is not run" verify edited
holds out '^not run .*the record says' "and said to be another point"
edit "$one" 's/"isa": "[a-z0-9]*"/"isa": "other"/; s/"nats": [0-9.]*,/"nats": 1.25,/'
code 4 "another instruction set is not comparable" verify edited
holds out '^not comparable' "rather than different"
holds out 'machine.isa: "other" -> .*instruction sets sum' "and the reason is given"
edit "$one" 's/"device": "cpu"/"device": "cuda"/'
code 4 "another device is not comparable" verify edited
holds out 'recorded on the device cuda' "and not run"

edit "$one" 's/"time": {/"time": {"other": 1,/'
code 0 "times may differ" verify edited
cp -r results/tiny short
head -c 500 "results/tiny/$one" >"short/$one"
code 2 "a truncated result is refused" verify short
check "in one line" [ "$(wc -l <err)" -eq 1 ]
holds err "$one:[0-9]*:[0-9]*: not valid JSON" "that names the place"
mkdir empty
code 3 "an empty folder" verify empty
code 2 "no such folder" verify none
code 2 "no folder" verify
code 2 "no points" verify results/tiny --points 0

# Plans and kernels: what is counted.
plans 256 >plan.yaml
code 0 "plans" run plan.yaml
code 0 "plans again" verify results/plan
code 3 "a drill needs a point that trains" verify results/plan --drill
cat >kernel.yaml <<'END'
experiment: kernel
kind: kernel
kernel: {q_heads: 2, head_dim: 32, length: 256}
measure: {warmup: 0, min_samples: 2, max_samples: 4, seconds: 0.05, cold_samples: 2, yardstick: true}
sweep:
  - kernel.op: [forward, backward, decode]
  - attention:
      - {full_layers: all}
      - {full_layers: 0, sparse: {variant: sliding_window, window: 32}}
END
code 0 "kernels" run kernel.yaml --threads 2
check "with all that a record of a kernel may hold" [ "$(grep -l '"per_yardstick": {' results/kernel/*.json | xargs grep -l '"cold_seconds": {' | wc -l)" -eq 6 ]
code 0 "kernels again" verify results/kernel --points 6 --threads 2
check "all are the same" [ "$(grep -c '^same ' out)" -eq 6 ]
code 0 "kernels with another number of threads" verify results/kernel --points 6 --threads 1
check "all are the same, too" [ "$(grep -c '^same ' out)" -eq 6 ]

# Killed in the middle: about three seconds a point on any machine, since a checkpoint is due every second.
rate=$(grep -h '"tokens_per_second"' results/tiny/????????????????.json | tr -dc '0-9.\n' | cut -d. -f1 | sort -n | tail -n 1)
sed "s/tokens: 2048,/tokens: $((3 * rate / 256 * 256)),/; s/seed: \[1, 2\]/seed: [1]/; s/\[0, 1, 2\]/[0, 1]/" tiny.yaml >long.yaml
sed -i 's/experiment: tiny/experiment: long/' long.yaml
code 0 "a longer run" run long.yaml --threads 1
code 0 "killed and resumed" verify results/long --points 2 --drill --threads 1
holds out '^drill passed .*killed after' "the drill is passed"
holds out 'yes  went on from the checkpoint' "from a checkpoint"
check "five questions are answered" [ "$(grep -c '^ *yes  ' out)" -eq 5 ]
finish
