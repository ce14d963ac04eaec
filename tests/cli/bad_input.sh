# SPDX-License-Identifier: Apache-2.0
# Bad input: a message, exit code 2, and nothing created.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
tiny >tiny.yaml

code 2 "missing file" run none.yaml
holds err 'none.yaml' "the file is named"
tiny | sed 's/window: 16/windw: 16/' >bad.yaml
code 2 "misspelt key" run bad.yaml
holds err 'bad.yaml:5:.*windw.*window' "file, line, key and nearest key"
printf 'experiment: x\nmodel: {layers: nan}\nseed: -1\n' >bad.yaml
code 2 "several faults" run bad.yaml
holds err 'bad.yaml:2:' "first fault"
holds err 'bad.yaml:3:' "second fault"
code 2 "--set of an unknown key" run tiny.yaml --set training.tokns=5
holds err 'did you mean "tokens"' "nearest key of --set"
code 2 "--set without a value" run tiny.yaml --set training.tokens
if ! "$program" list devices --json | tr -d ' \n' | grep -q '"name":"cuda",.*"available":true'; then
    code 2 "no CUDA here" run tiny.yaml --device cuda
    holds err 'cuda cannot be used: .*CUDA' "the missing device is named"
fi
tiny | sed 's|^corpus:.*|corpus: {type: text, paths: [/nowhere/at/all]}|' >missing.yaml
code 2 "missing corpus" run missing.yaml
holds err '/nowhere/at/all' "the corpus is named"
check "nothing was created" absent results

: >in_the_way
code 2 "results folder is a file" run tiny.yaml --results in_the_way
holds err 'in_the_way' "the file in the way is named"
mkdir locked && chmod 555 locked
if ! touch locked/x 2>/dev/null; then # root may write anywhere
    code 2 "read-only results folder" run tiny.yaml --results locked
    holds err 'locked' "the folder is named"
fi
rm -f locked/x && chmod 755 locked

code 2 "plot of a missing folder" plot none
mkdir empty
code 3 "plot of an empty folder" plot empty
code 3 "a history of an empty folder" plot --history history empty
holds err 'empty holds no results' "the folder is named"
check "nothing was created" absent history
printf '{"schema": 1' >empty/0123456789abcdef.json
code 2 "plot of a truncated result" plot empty
holds err '0123456789abcdef.json' "the truncated file is named"
printf '{"schema": 99, "id": "0123456789abcdef", "status": "ok"}' >empty/0123456789abcdef.json
code 2 "plot of a later schema" plot empty
holds err 'schema 99' "the schema is named"
finish
