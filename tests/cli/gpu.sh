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
'list devices') exit ;;
esac
echo "$*" >>commands
[ "$*" != "$FAILS" ]
END
cat >bin/compute-sanitizer <<'END'
#!/bin/sh
while [ "${1##*/}" != stub ]; do shift; done
exec "$@"
END
chmod +x stub bin/compute-sanitizer

export FAILS
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
done
finish
