# SPDX-License-Identifier: Apache-2.0
# A sweep that is killed goes on where it ended, and refuses to mix with an edited file.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
folder=results/case11

"$program" run "$here/case11.yaml" --threads 1 >out 2>err </dev/null &
process=$!
await results_reach 17 $folder
kill -9 $process 2>/dev/null
wait $process 2>/dev/null
before=$(results $folder)
check "killed in the middle ($before results)" [ "$before" -ge 17 ] && check "not finished" [ "$before" -lt 42 ]
stamps() { (cd "$1" && for f in $(cat "$work/finished"); do ls -l --time-style=full-iso "$f" && cksum "$f"; done); }
(cd $folder && ls ????????????????.json) >finished
stamps $folder >stamps.before
# a temporary file of a process that is no more
sh -c 'echo $$' >dead
: >"$folder/0123456789abcdef.json.tmp.$(cat dead)"

code 1 "started again: finished with failures" run "$here/case11.yaml" --threads 1
check "42 results" [ "$(results $folder)" -eq 42 ]
check "28 ok" [ "$(with_status $folder ok)" -eq 28 ]
check "14 out of memory" [ "$(with_status $folder out_of_memory)" -eq 14 ]
check "no temporary files are left" [ "$(temporaries $folder)" -eq 0 ]
stamps $folder >stamps.after
check "finished results are untouched" same stamps.before stamps.after
holds out 'out_of_memory' "the table shows the failures"
holds err "$before of them were there already" "what was there is counted"

code 1 "a third start has nothing to do" run "$here/case11.yaml" --threads 1
stamps $folder >stamps.after
check "still untouched" same stamps.before stamps.after

# Several processes in one folder run the same points: each ends, and all find the same.
tiny >tiny.yaml
code 0 "alone" run tiny.yaml --threads 1 --results alone --set training.checkpoint=true
processes=
for i in 1 2 3; do
    "$program" run tiny.yaml --threads 1 --jobs 1 --results together --set training.checkpoint=true >out.$i 2>err.$i </dev/null &
    processes="$processes $!"
done
for process in $processes; do
    got=0
    wait $process || got=$?
    check "one of three in a folder ends well ($got)" [ "$got" -eq 0 ]
done
numbers alone/tiny >expected
numbers together/tiny >got
check "same numbers" same expected got
check "no temporary files are left" [ "$(temporaries together)" -eq 0 ]
check "no checkpoints are left" [ -z "$(find together -name '*.checkpoint.*')" ]

sed 's/window: 16/window: 8/' "$here/case11.yaml" >edited.yaml
code 2 "an edited file is refused" run edited.yaml --threads 1
holds err 'attention.sparse.window: 16 -> 8' "the changed key is named"
holds err '\-\-results' "the remedy is named"
check "still 42 results" [ "$(results $folder)" -eq 42 ]
code 2 "--set is an edit, too" run "$here/case11.yaml" --threads 1 --set training.tokens=8192
holds err 'training.tokens' "the changed key is named"
# A folder grows by points, and by nothing else: results of two experiments never mix.
plans 64 128 >plan.yaml
code 0 "plans at two lengths" run plan.yaml
cp results/plan/experiment.json before.json
plans 64 128 256 | sed 's/width: 64/width: 32/' >plan.yaml
code 2 "another model is another experiment" run plan.yaml
holds err 'what changed: model.width: 64 -> 32' "the change is named"
plans 64 256 >plan.yaml
code 2 "a point less is another one, too" run plan.yaml
check "nothing was touched" same before.json results/plan/experiment.json
plans 256 64 128 >plan.yaml
code 0 "a third length" run plan.yaml
check "nine points are listed" [ "$(grep -c '"title"' results/plan/experiment.json)" -eq 9 ]
check "nine are in the table" [ "$(wc -l <results/plan/table.csv)" -eq 10 ]
finish
