# SPDX-License-Identifier: Apache-2.0
# Ctrl-C and SIGTERM: stop after the step, save, exit 130; the next start ends with the same numbers.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

tiny 16384 >tiny.yaml
code 0 "uninterrupted" run tiny.yaml --threads 1 --results whole
numbers whole/tiny >expected

for signal in INT TERM; do
    rm -rf results
    "$program" run tiny.yaml --threads 1 >out 2>err </dev/null &
    process=$!
    await results_reach 1 results/tiny
    kill -$signal $process
    got=0
    wait $process || got=$?
    check "SIG$signal ends with 130 (got $got)" [ "$got" -eq 130 ]
    check "not everything was done" [ "$(results results/tiny)" -lt 6 ]
    check "no half files" [ "$(temporaries results/tiny)" -eq 0 ]
    holds err 'goes on where it ended' "says how to go on"
    code 0 "started again" run tiny.yaml --threads 1
    numbers results/tiny >got
    check "same numbers as uninterrupted" same expected got
    check "no checkpoint is left" [ -z "$(find results -name '*.checkpoint.*')" ]
done

# While charts are drawn: gnuplot hears Ctrl-C as well, and ends without a word.
cat >"$work/bin/gnuplot" <<'END'
#!/bin/sh
kill -INT $PPID
sleep 1
exit 1
END
code 130 "stopped while charts are drawn" run tiny.yaml --threads 1
holds err 'masbench plot results/tiny draws them' "says how to go on"
check "no chart failed" sh -c '! grep -q "could not draw" err'
printf '#!/bin/sh\nexit 7\n' >"$work/bin/gnuplot"
code 0 "a gnuplot that fails is a warning" run tiny.yaml --threads 1
holds err 'could not draw .*: it ended with status 7' "with what is known"

tiny 50000000 >long.yaml
"$program" run long.yaml --threads 1 --results long >out 2>err </dev/null &
process=$!
await there long/tiny/experiment.json
sleep 0.5
kill -INT $process
got=0
wait $process || got=$?
check "a long point stops, too (got $got)" [ "$got" -eq 130 ]
check "without a result" [ "$(results long)" -eq 0 ]
check "and without half files" [ "$(temporaries long)" -eq 0 ]
finish
