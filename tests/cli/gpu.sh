# SPDX-License-Identifier: Apache-2.0
# ../gpu/run.sh without a GPU: with programs that do nothing in place of masbench and compute-sanitizer, each command of
# each part must be able to fail the whole.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
script=$here/../gpu/run.sh

code 0 "list devices" list devices --json
if ! tr -d ' \n' <out | grep -q '"name":"cuda",.*"available":true'; then
    got=0
    sh "$script" "$program" none >out 2>&1 || got=$?
    check "without a GPU it is skipped (got $got)" [ $got -eq 77 ]
    holds out cuda "and says why"
fi

# FAILS: the arguments with which it fails
cat >stub <<'END'
#!/bin/sh
case "$*" in
'list devices --json') echo '{"devices": [{"name": "cuda", "available": true}]}' && exit ;;
'list devices') echo "a GPU, $LIBRARY" && exit ;;
esac
echo "$*" >>commands
[ "$*" != "$FAILS" ] || exit 1
case "$*" in
*' --list') printf 'subject attn_%s/x\n' forward/flash backward/simple forward/cudnn ;;
esac
END
cat >bin/compute-sanitizer <<'END'
#!/bin/sh
while [ "${1##*/}" != stub ]; do shift; done
exec "$@"
END
# The time of the command that ends like LATE is over at once.
cat >bin/timeout <<'END'
#!/bin/sh
shift 3
[ -z "$LATE" ] || [ "${*%"$LATE"}" = "$*" ] || exit 124
exec "$@"
END
chmod +x stub bin/compute-sanitizer bin/timeout

export FAILS LATE LIBRARY
LIBRARY='cuDNN 9.19.0' LATE=''
# part FAILS PART: its status is in $got
part() {
    FAILS=$1 got=0
    : >commands
    sh "$script" "$work/stub" output "$2" >out 2>err || got=$?
}
for name in check memory time peers train; do
    part '' $name
    if grep -q '^skipped' out; then
        report 0 "$name # SKIP $(grep -v '^skipped' out | head -n 1)"
        continue
    fi
    check "$name: passes (got $got)" [ $got -eq 0 ]
    sort -u commands >distinct
    check "$name: runs something" [ -s distinct ]
    unnoticed=0
    while IFS= read -r command; do
        part "$command" $name </dev/null
        [ $got -eq 1 ] && grep -q "^FAILED  $name" out || {
            unnoticed=$((unnoticed + 1))
            echo "# not noticed: $command"
        }
    done <distinct
    check "$name: any of $(wc -l <distinct) commands can fail it" [ $unnoticed -eq 0 ]
    LATE=$(tail -n 1 distinct)
    part '' $name
    check "$name: a command whose time is over leaves it unfinished (got $got)" [ $got -eq 1 ]
    holds out "^unfinished  $name" "$name: and the last lines say so"
    LATE=''
done
check "each kernel is checked by itself" test -f output/check-attn_forward-flash-x.log -a \
    -f output/check-attn_backward-simple-x.log -a ! -f output/check-attn_forward-cudnn-x.log
check "each run of the sanitizer has a log" [ "$(ls output/memory-*.log | wc -l)" -eq 12 ]
LIBRARY='no library'
part '' peers
check "without cuDNN ours are timed alone (got $got)" [ $got -eq 0 -a "$(wc -l <commands)" -eq 1 ]
holds commands 'shard 1/2' "every other point"
finish
