# SPDX-License-Identifier: Apache-2.0
# Several points at once: the same numbers as one after the other; stopped, killed and failing like a run of one process.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

tiny 4096 >tiny.yaml
code 0 "one point at a time" run tiny.yaml --threads 2 --jobs 1 --results alone
numbers alone/tiny >expected
code 0 "two at a time" run tiny.yaml --threads 2 --jobs 2 --results two
numbers two/tiny >got
check "same numbers" same expected got
holds err '6 ok, 0 failed' "all points are counted"
check "each point is reported once" [ "$(grep -c ': ok,' err)" -eq 6 ]
holds out 'full' "the table is printed"
check "points say that two ran at once" [ "$(grep -l '"points_at_once": 2' two/tiny/????????????????.json | wc -l)" -eq 6 ]
check "with a thread each" [ "$(grep -l '"threads": 1,' two/tiny/????????????????.json | wc -l)" -eq 6 ]
check "one at a time said so" [ "$(grep -l '"points_at_once": 1' alone/tiny/????????????????.json | wc -l)" -eq 6 ]
code 0 "small models share the threads out by themselves" run tiny.yaml --threads 2 --results unsaid
check "two at once" [ "$(grep -l '"points_at_once": 2' unsaid/tiny/????????????????.json | wc -l)" -eq 6 ]
code 0 "larger ones do not" run tiny.yaml --threads 2 --set model.width=256 --set model.layers=4 --set training.batch_tokens=1024 --set training.tokens=1024 --shard 1/3 --results large
check "one at a time" [ "$(grep -l '"points_at_once": 1,' large/tiny/????????????????.json | wc -l)" -eq 2 ]
code 0 "explain knows" explain tiny.yaml --threads 2
holds out '2 points at a time' "how many"
code 0 "more processes than points" run tiny.yaml --threads 2 --jobs 9 --results nine
numbers nine/tiny >got
check "same numbers" same expected got
code 0 "nothing left to do" run tiny.yaml --jobs 3 --results nine
holds err '6 of them were there already' "what was there is counted once"
code 0 "shards" run tiny.yaml --jobs 2 --shard 1/2 --results shards
holds err '3 ok, 0 failed; 3 are other shards' "a shard's points only"
code 0 "the other shard" run tiny.yaml --jobs 2 --shard 2/2 --results shards
numbers shards/tiny >got
check "same numbers" same expected got

code 1 "points that fail" run "$here/case11.yaml" --threads 2 --jobs 2 --shard 1/4
check "eleven results" [ "$(results results/case11)" -eq 11 ]
check "four out of memory" [ "$(with_status results/case11 out_of_memory)" -eq 4 ]
failed_at_once() { grep -l '"status": "out_of_memory"' results/case11/????????????????.json | xargs grep -l "\"points_at_once\": $1" | wc -l; }
code 1 "they fail again, one at a time" run "$here/case11.yaml" --threads 2 --jobs 1 --shard 1/4 --retry-failed
check "four alone" [ "$(failed_at_once 1)" -eq 4 ]
code 1 "and as many at once as are left to run" run "$here/case11.yaml" --threads 2 --shard 1/4 --retry-failed
check "four, two at once" [ "$(failed_at_once 2)" -eq 4 ]

begin() {
    "$program" run "$1" --threads 2 --jobs 2 --results "$2" >out 2>err </dev/null &
    process=$!
}
end() {
    got=0
    wait $process || got=$?
}
live() { ! dead "$1"; }
children() { cat /proc/"$process"/task/"$process"/children; }
two_children() { [ "$(children | wc -w)" -eq 2 ]; }

tiny 16384 >tiny.yaml
code 0 "long enough to be stopped" run tiny.yaml --threads 2 --jobs 2 --results whole
numbers whole/tiny >expected
for signal in INT TERM; do
    rm -rf stopped
    begin tiny.yaml stopped
    await results_reach 1 stopped/tiny
    kill -$signal $process
    end
    check "SIG$signal ends with 130 (got $got)" [ "$got" -eq 130 ]
    check "not everything was done" [ "$(results stopped/tiny)" -lt 6 ]
    check "no half files" [ "$(temporaries stopped/tiny)" -eq 0 ]
    check "one wish to stop is heard once" [ "$(grep -c 'stopping after this step' err)" -eq 1 ]
    code 0 "started again, by one process" run tiny.yaml --threads 1 --results stopped
    numbers stopped/tiny >got
    check "same numbers as uninterrupted" same expected got
done

tiny 50000000 >long.yaml
begin long.yaml long
await two_children
workers=$(children)
check "two workers" two_children
kill -9 $process
end
for worker in $workers; do
    process=$worker
    await false
    check "a worker does not outlive its parent" dead "$worker"
done

begin long.yaml killed
await two_children
set -- $(children)
kill -9 "$1"
await dead "$1"
sleep 0.5
check "the others go on" live "$2"
kill -INT $process
end
check "a killed worker leaves the run incomplete (got $got)" [ "$got" -eq 3 ]
holds err 'ended by signal 9' "that names the signal"
holds err 'the same command runs what is missing' "and the remedy"

code 2 "a corpus that is not there" run long.yaml --jobs 2 --set corpus.type=text --set 'corpus.paths=[/nowhere/*]' --results none
check "one error" [ "$(grep -c 'masbench' err)" -eq 1 ]
check "nothing was made" absent none
code 2 "timings are taken alone" run "$here/../../experiments/throughput_quick.yaml" --jobs 2 --results none
holds err '--jobs: kernels are timed alone' "and it says so"
code 2 "at least one" run tiny.yaml --jobs 0 --results none
check "nothing was made" absent none
# Of several points at once the line of a terminal says how many, whole, at any width.
if command -v script >/dev/null; then
    for columns in 60 80 120; do
        script -qec "stty cols $columns; TERM=xterm exec '$program' run '$work/tiny.yaml' --threads 2 --jobs 2 --results '$work/at$columns'" \
            /dev/null </dev/null 2>/dev/null | tr '\r' '\n' | sed 's/^[^[]*\[K//' >lines
        check "$columns columns: how many more is whole" grep -q '^\[[1-6]/6\] .*+1 more  ' lines
        check "no line is longer" [ "$(grep 'tokens/s  loss' lines | awk '{ if (length($0) > n) n = length($0) } END { print n }')" -lt "$columns" ]
    done
fi
finish
